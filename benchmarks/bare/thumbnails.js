// Thumbnails over one ready-made picture that holds them all, made once.
export default function ({ data, parentElement }) {
  const grid = parentElement.querySelector(".thumbnails");
  if (grid.children.length) return;
  const bytes = Uint8Array.from(atob(data.file), (letter) => letter.charCodeAt(0));
  grid.style.setProperty("--file", `url(${URL.createObjectURL(new Blob([bytes]))})`);
  grid.style.height = `${data.height}px`;
  grid.replaceChildren(...data.places.map((place, number) => {
    const button = document.createElement("button");
    button.title = data.titles[number];
    button.style.backgroundPosition = place;
    return button;
  }));
  grid.style.setProperty("--width", `${data.width}px`);
  grid.style.setProperty("--size", data.size);
}
