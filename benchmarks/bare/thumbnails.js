// Thumbnails over one ready-made picture that holds them all, made once.
function thumbnail(data, number) {
  const button = document.createElement("button"), picture = document.createElement("span"), words = document.createElement("span");
  button.title = data.titles[number];
  picture.className = "picture";
  picture.style.backgroundPosition = data.places[number];
  words.textContent = data.words[number];
  button.append(picture, words);
  return button;
}

export default function ({ data: { content }, parentElement }) {
  const grid = parentElement.querySelector(".thumbnails");
  if (grid.children.length) return;
  const data = JSON.parse(content);
  const bytes = Uint8Array.from(atob(data.file), (letter) => letter.charCodeAt(0));
  const file = URL.createObjectURL(new Blob([bytes]));
  const sizes = { file: `url(${file})`, width: data.width, cell: `${data.cell}px`, size: data.size };
  for (const [name, value] of Object.entries(sizes)) grid.style.setProperty(`--${name}`, value);
  grid.style.height = `${data.height}px`;
  grid.replaceChildren(...data.places.map((_, number) => thumbnail(data, number)));
}
