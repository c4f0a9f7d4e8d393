// A grid of thumbnails over one picture that holds them all. A click, Enter or Space picks one; arrow keys move.
// Elements are made anew only when the revision changes: a thousand of them cost most of a second.

const SIDE = 96; // three screen pixels for each of the picture's
const MARKS = { right: "✓ ", wrong: "✗ ", "": "" };

function thumbnail(data, place) {
  const outcome = data.outcome[place];
  const button = element("button", outcome);
  button.type = "button";
  button.dataset.image = data.images[place];
  const verdict = outcome ? ` (${outcome})` : "";
  button.title = `image ${data.images[place]}: true ${data.true[place]}, predicted ${data.predicted[place]}${verdict}`;
  button.setAttribute("aria-label", button.title);
  button.tabIndex = place === 0 ? 0 : -1;
  const picture = tile(data, place, SIDE, SIDE);
  const predicted = `${MARKS[outcome]}${data.predicted[place]}`;
  button.append(picture, element("span", "true", data.true[place]), element("span", "predicted", predicted));
  return button;
}

// The picked image is in the address; it is scrolled to, and the Tab key enters the grid there.
function showPicked(grid) {
  const picked = new URLSearchParams(window.location.search).get("img");
  const button = [...grid.children].find((one) => one.dataset.image === picked) ?? grid.firstElementChild;
  grid.firstElementChild.tabIndex = -1;
  button.tabIndex = 0;
  grid.scrollTop = Math.max(0, button.offsetTop - grid.offsetTop - grid.clientHeight / 2);
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
