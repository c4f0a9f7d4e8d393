// Pictures with outlines over one sprite that holds them all. A click, Enter or Space rejects one or takes it back; arrow keys move.

function thumbnail(data, place) {
  const button = numbered("image", data.images[place]);
  button.tabIndex = place === 0 ? 0 : -1;
  button.append(tile(data, place, SIDE, SIDE), element("span", "word"));
  return button;
}

function mark(button, usable, rejected) {
  const word = rejected ? "rejected" : usable ? "counts" : "no outline";
  const action = rejected ? "click to take it back" : "click to reject its outline";
  button.className = usable && !rejected ? "counts" : "out";
  button.setAttribute("aria-pressed", String(rejected));
  label(button, `image ${button.dataset.image}: ${word}; ${action}`);
  button.querySelector(".word").textContent = word === "counts" ? button.dataset.image : word;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".outline-grid");
  listen(grid, "image", (image) => setTriggerValue("toggled", image));
  showSprite(grid, data, SIDE);
  const content = data.images.join();
  if (grid.dataset.content !== content) { // the button that has the focus keeps it when a picture is only marked anew
    grid.dataset.content = content;
    grid.replaceChildren(...data.images.map((_, place) => thumbnail(data, place)));
  }
  [...grid.children].forEach((button, place) => mark(button, data.usable[place], data.rejected[place]));
}
