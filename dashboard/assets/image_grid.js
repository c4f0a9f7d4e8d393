// A grid of thumbnails over one picture that holds them all. A click, Enter or Space picks one; arrow keys move.
// Elements are made anew only when the revision changes: a thousand of them cost most of a second.

const MARKS = { right: "✓ ", wrong: "✗ ", "": "" };

function thumbnail(data, place) {
  const outcome = data.outcome[place];
  const button = numbered("image", data.images[place], outcome);
  const verdict = outcome ? ` (${outcome})` : "";
  label(button, `image ${data.images[place]}: true ${data.true[place]}, predicted ${data.predicted[place]}${verdict}`);
  button.tabIndex = place === 0 ? 0 : -1;
  const predicted = element("span", "predicted", `${MARKS[outcome]}${data.predicted[place]}`);
  button.append(tile(data, place, SIDE, SIDE), element("span", "true", data.true[place]), predicted);
  return button;
}

// The picked image is in the address; it is scrolled to, and the Tab key enters the grid there.
function showPicked(grid) {
  const picked = new URLSearchParams(window.location.search).get("img");
  const button = [...grid.children].find((one) => one.dataset.image === picked) ?? grid.firstElementChild;
  grid.firstElementChild.tabIndex = -1;
  button.tabIndex = 0;
  bringIntoSight(grid, button);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".image-grid");
  listen(grid, "image", (image) => setTriggerValue("picked", image));
  if (grid.dataset.revision === data.revision) return;
  grid.dataset.revision = data.revision;
  showSprite(grid, data, SIDE);
  grid.replaceChildren(...data.images.map((_, place) => thumbnail(data, place)));
  showPicked(grid);
}
