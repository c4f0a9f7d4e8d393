// What grids of buttons share; it stands before the script of each. Arrow keys move, and stay in the grid.
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (across) => -across, ArrowDown: (across) => across };

const SIDE = 96; // of a thumbnail: three screen pixels for each of the picture's

// The server names files from its own root, which a proxy may have put below another path: the page's folder is that root.
const address = (file) => new URL(`.${file}`, window.location.href).href;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The button of an image or a channel.
function numbered(kind, number, className = "") {
  const button = element("button", className);
  button.type = "button";
  button.dataset[kind] = number;
  button.dataset.picture = `${kind}-${number}`;
  return button;
}

function label(button, words) {
  button.title = words;
  button.setAttribute("aria-label", words);
}

// The part of the picture that belongs to a place, in tiles of that size.
function tile(data, place, width, height) {
  const made = element("span", "picture");
  const column = place % data.columns, row = Math.floor(place / data.columns);
  made.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
  return made;
}

// The picture that holds all tiles, and its width on the screen.
function showSprite(grid, data, width) {
  grid.style.setProperty("--sprite", data.sprite ? `url(${address(data.sprite)})` : "none");
  grid.style.setProperty("--across", `${data.columns * width}px`);
}

function across(grid) {
  const top = grid.firstElementChild.offsetTop;
  const second = [...grid.children].findIndex((button) => button.offsetTop !== top);
  return second < 0 ? grid.children.length : second;
}

function move(grid, event) {
  const step = STEPS[event.key];
  if (!step || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const all = [...grid.children], here = all.indexOf(event.target);
  const next = all[Math.min(all.length - 1, Math.max(0, here + step(across(grid))))];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// A click, Enter or Space sends a button's number.
function listen(grid, kind, send) {
  grid.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) send(Number(button.dataset[kind]));
  };
  grid.onkeydown = (event) => move(grid, event);
}

// In the middle of what is seen of the grid, as far as that scrolls.
function bringIntoSight(grid, button) {
  grid.scrollTop = Math.max(0, button.offsetTop - grid.offsetTop - grid.clientHeight / 2);
}
