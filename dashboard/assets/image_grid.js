// A grid of thumbnails over one picture that holds them all. A click, Enter or Space picks one; arrow keys move.
// Elements are made anew only when the revision changes: a thousand of them cost most of a second.

const SIDE = 96; // three screen pixels for each of the picture's
const MARKS = { right: "✓ ", wrong: "✗ ", "": "" };
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (across) => -across, ArrowDown: (across) => across };

// The server names files from its own root, which a proxy may have put below another path: the page's folder is that root.
const address = (file) => new URL(`.${file}`, window.location.href).href;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function thumbnail(data, place) {
  const outcome = data.outcome[place];
  const button = element("button", outcome);
  button.type = "button";
  button.dataset.image = data.images[place];
  const verdict = outcome ? ` (${outcome})` : "";
  button.title = `image ${data.images[place]}: true ${data.true[place]}, predicted ${data.predicted[place]}${verdict}`;
  button.setAttribute("aria-label", button.title);
  button.tabIndex = place === 0 ? 0 : -1;
  const column = place % data.columns, row = Math.floor(place / data.columns);
  const picture = element("span", "picture");
  picture.style.backgroundPosition = `${-column * SIDE}px ${-row * SIDE}px`;
  const predicted = `${MARKS[outcome]}${data.predicted[place]}`;
  button.append(picture, element("span", "true", data.true[place]), element("span", "predicted", predicted));
  return button;
}

function across(grid) {
  const top = grid.firstElementChild.offsetTop;
  const second = [...grid.children].findIndex((button) => button.offsetTop !== top);
  return second < 0 ? grid.children.length : second;
}

// The picked image is in the address; it is scrolled to, and the Tab key enters the grid there.
function showPicked(grid) {
  const picked = new URLSearchParams(window.location.search).get("img");
  const button = [...grid.children].find((one) => one.dataset.image === picked) ?? grid.firstElementChild;
  grid.firstElementChild.tabIndex = -1;
  button.tabIndex = 0;
  grid.scrollTop = Math.max(0, button.offsetTop - grid.offsetTop - grid.clientHeight / 2);
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
  const grid = parentElement.querySelector(".image-grid");
  grid.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) setTriggerValue("picked", Number(button.dataset.image));
  };
  grid.onkeydown = (event) => move(grid, event);
  if (grid.dataset.revision === data.revision) return;
  grid.dataset.revision = data.revision;
  grid.style.setProperty("--sprite", `url(${address(data.sprite)})`);
  grid.style.setProperty("--sprite-width", `${data.columns * SIDE}px`);
  grid.replaceChildren(...data.images.map((_, place) => thumbnail(data, place)));
  showPicked(grid);
}
