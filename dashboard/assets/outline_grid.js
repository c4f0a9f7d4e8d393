// Pictures with outlines over one sprite that holds them all. A click, Enter or Space rejects one or takes it back; arrow keys move.
const SIDE = 96;
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (across) => -across, ArrowDown: (across) => across };

// The server names files from its own root, which a proxy may have put below another path: the page's folder is that root.
const address = (file) => new URL(`.${file}`, window.location.href).href;

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function thumbnail(data, place) {
  const button = element("button", "");
  button.type = "button";
  button.dataset.image = data.images[place];
  button.tabIndex = place === 0 ? 0 : -1;
  const column = place % data.columns, row = Math.floor(place / data.columns);
  const picture = element("span", "picture");
  picture.style.backgroundPosition = `${-column * SIDE}px ${-row * SIDE}px`;
  button.append(picture, element("span", "word"));
  return button;
}

function mark(button, usable, rejected) {
  const word = rejected ? "rejected" : usable ? "counts" : "no outline";
  const action = rejected ? "click to take it back" : "click to reject its outline";
  button.className = usable && !rejected ? "counts" : "out";
  button.setAttribute("aria-pressed", String(rejected));
  button.title = `image ${button.dataset.image}: ${word}; ${action}`;
  button.setAttribute("aria-label", button.title);
  button.querySelector(".word").textContent = word === "counts" ? button.dataset.image : word;
}

function across(grid) {
  const top = grid.firstElementChild.offsetTop;
  const second = [...grid.children].findIndex((button) => button.offsetTop !== top);
  return second < 0 ? grid.children.length : second;
}

function move(grid, event) {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const all = [...grid.children], here = all.indexOf(event.target);
  const next = all[Math.min(all.length - 1, Math.max(0, here + step(across(grid))))];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".outline-grid");
  grid.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) setTriggerValue("toggled", Number(button.dataset.image));
  };
  grid.onkeydown = (event) => move(grid, event);
  grid.style.setProperty("--sprite", `url(${address(data.sprite)})`);
  grid.style.setProperty("--sprite-width", `${data.columns * SIDE}px`);
  const content = data.images.join();
  if (grid.dataset.content !== content) { // the button that has the focus keeps it when a picture is only marked anew
    grid.dataset.content = content;
    grid.replaceChildren(...data.images.map((_, place) => thumbnail(data, place)));
  }
  [...grid.children].forEach((button, place) => mark(button, data.usable[place], data.rejected[place]));
}
