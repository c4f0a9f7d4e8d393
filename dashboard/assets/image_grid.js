// A grid of thumbnails over one picture that holds them all. A click, Enter or Space picks one; arrow keys move.
// Elements are made anew only when the revision changes: a thousand of them cost most of a second.

const MARKS = { right: "✓ ", wrong: "✗ ", "": "" };

function thumbnail(data, place) {
  const [image, own, predicted] = [data.images[place], data.true[place], data.predicted[place]];
  const outcome = !data.judged || own < 0 || predicted < 0 ? "" : own === predicted ? "right" : "wrong";
  const name = own < 0 ? "no class" : data.true_names[own];
  const said = predicted < 0 ? "not asked yet" : `${data.predicted_names[predicted]} ${data.confidence_words[data.confidence[place]]}`;
  const button = numbered("image", image, outcome);
  label(button, `image ${image}: true ${name}, predicted ${said}${outcome ? ` (${outcome})` : ""}`);
  button.tabIndex = -1;
  button.append(tile(data, place, SIDE, SIDE), element("span", "true", name), element("span", "predicted", MARKS[outcome] + said));
  return button;
}

// The Tab key enters the grid at the picked image, to which it is scrolled when it is made.
function markPicked(grid, picked) {
  for (const one of grid.querySelectorAll('[aria-current], [tabindex="0"]')) {
    one.removeAttribute("aria-current");
    one.tabIndex = -1;
  }
  const button = grid.querySelector(`[data-image="${picked}"]`);
  button?.setAttribute("aria-current", "true");
  const entry = button ?? grid.firstElementChild;
  entry.tabIndex = 0;
  return entry;
}

export default function ({ data: message, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".image-grid"), data = unpack(message);
  listen(grid, "image", (image) => setTriggerValue("picked", image));
  if (grid.dataset.revision === data.revision) return void markPicked(grid, data.picked);
  grid.dataset.revision = data.revision;
  for (const name of ["images", "true", "predicted", "confidence"]) data[name] = data.arrays[data[name]].data;
  showSprite(grid, data, SIDE);
  grid.replaceChildren(...Array.from(data.images, (_, place) => thumbnail(data, place)));
  bringIntoSight(grid, markPicked(grid, data.picked));
}
