// A grid of thumbnails over one picture that holds them all. A click, Enter or Space picks one; arrow keys move.
// Elements are made anew only when what is sent has changed: a thousand of them cost most of a second.

const MARKS = { right: "✓ ", wrong: "✗ ", "": "" };

function thumbnail(data, place) {
  const [image, own, predicted] = [data.images[place], data.true[place], data.predicted[place]];
  const outcome = own < 0 || predicted < 0 ? "" : own === predicted ? "right" : "wrong";
  const name = own < 0 ? "no class" : data.true_names[own];
  const said = predicted < 0 ? "not asked yet" : `${data.predicted_names[predicted]} ${data.percent[place]} %`;
  const button = numbered("image", image, outcome);
  label(button, `image ${image}: true ${name}, predicted ${said}${outcome ? ` (${outcome})` : ""}`);
  button.tabIndex = place === 0 ? 0 : -1;
  button.append(tile(data, place, SIDE, SIDE), element("span", "true", name), element("span", "predicted", MARKS[outcome] + said));
  return button;
}

const same = (one, other) => one?.length === other.length && one.every((value, place) => value === other[place]);

// The picked image is in the address; it is scrolled to, and the Tab key enters the grid there.
function showPicked(grid) {
  const picked = new URLSearchParams(window.location.search).get("img");
  const button = [...grid.children].find((one) => one.dataset.image === picked) ?? grid.firstElementChild;
  grid.firstElementChild.tabIndex = -1;
  button.tabIndex = 0;
  bringIntoSight(grid, button);
}

export default function ({ data: message, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".image-grid");
  listen(grid, "image", (image) => setTriggerValue("picked", image));
  if (same(grid.message, message)) return;
  grid.message = message;
  const data = unpack(message);
  for (const name of ["images", "true", "predicted", "percent"]) data[name] = data.arrays[data[name]].data;
  showSprite(grid, data, SIDE);
  grid.replaceChildren(...Array.from(data.images, (_, place) => thumbnail(data, place)));
  showPicked(grid);
}
