// What every grid over one picture shares; it stands before the script of each. Arrow keys move, and stay in the grid.
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (across) => -across, ArrowDown: (across) => across };

// The server names files from its own root, which a proxy may have put below another path: the page's folder is that root.
const address = (file) => new URL(`.${file}`, window.location.href).href;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The part of the picture that belongs to a place, in tiles of that size.
function tile(data, place, width, height) {
  const made = element("span", "picture");
  const column = place % data.columns, row = Math.floor(place / data.columns);
  made.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
  return made;
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
