// Steps through images (← →) and layers (↑ ↓), wherever one is on the page. The presses are counted here: each moves the place
// that is wanted, whose number is shown at once, and the server gets the newest place, not the presses. While it draws, presses
// gather; they are sent when it is done, or after PATIENCE, so that a slow page neither holds them back nor loses one.
// What is known outlives the elements, which Streamlit makes anew on each page.
const PATIENCE = 250; // milliseconds
const LOST = 10_000; // milliseconds after which nobody will answer any more
const KEYS = { ArrowLeft: ["image", -1], ArrowRight: ["image", 1], ArrowUp: ["layer", -1], ArrowDown: ["layer", 1] };

// What uses the arrow keys itself.
const OWN_KEYS = [
  'input:not([type="checkbox"])', "textarea", "select", '[contenteditable="true"]', ".sprite-grid", ".confusion", "[data-picture]", "dialog",
  ...["slider", "combobox", "listbox", "menu", "radiogroup", "tablist", "dialog", "grid"].map((role) => `[role="${role}"]`),
].join(", ");
const OPEN = 'dialog[open], [role="dialog"][aria-modal="true"], [data-testid="stDialog"]';

let shown; // the newest data, and what sends to the server
let wanted = {}; // place and layer that are not on the page yet
let unsent = false, number = 0, drawn = 0, sentAt = -Infinity, timer;

const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);
const isThere = () => Boolean(shown && here());
const here = () => document.querySelector(".steps"); // not kept: Streamlit may make it anew

function forget() {
  wanted = {};
  unsent = false;
}

// Where a step leads from a place; to the first or the last where the place is unknown.
function next(place, by, count) {
  if (place === null || place < 0) return by > 0 ? 0 : count - 1;
  return clamp(place + by, count);
}

function stepImage(by) {
  const { data } = shown, from = wanted.place ?? data.place, to = next(from, by, data.count);
  if (to !== from) wanted.place = to;
  return to !== from;
}

function stepLayer(by) {
  const { layers, layer } = shown.data, from = layers.indexOf(wanted.layer ?? layer), to = from < 0 ? 0 : clamp(from + by, layers.length);
  if (to !== from) wanted.layer = layers[to];
  return to !== from;
}

// Whether there is anything to step through; its ends are ends.
function step(kind, by) {
  if (!isThere() || !(kind === "image" ? shown.data.count : shown.data.layers.length)) return false;
  if (kind === "image" ? stepImage(by) : stepLayer(by)) {
    unsent = true;
    show();
    send();
  }
  return true;
}

// The number of the image at a place; undefined where the server has not told it.
function imageAt(place) {
  if (!shown.data.numbers) return place;
  for (const [start, numbers] of shown.data.numbers) if (place >= start && place < start + numbers.length) return numbers[place - start];
  return undefined;
}

function send() {
  if (!unsent) return;
  if (!isThere()) return forget();
  const wait = sentAt + PATIENCE - performance.now();
  if (drawn < number && wait > 0) {
    timer ??= setTimeout(() => { timer = undefined; send(); }, wait);
    return;
  }
  const { place, layer } = wanted;
  tell({ place, image: place === undefined ? undefined : imageAt(place), layer });
}

function tell(target) {
  unsent = false;
  sentAt = performance.now();
  number += 1;
  shown.setTriggerValue("to", { number, ...target });
}

// Section: what is seen

function show() {
  const { data } = shown, root = here(), { input, before, after } = parts(root);
  root.hidden = data.image === undefined;
  if (root.hidden) return;
  const place = wanted.place ?? data.place;
  const image = wanted.place === undefined ? data.image : imageAt(place);
  root.querySelector("span").textContent = image === undefined ? "image …" : "image";
  if (document.activeElement !== input || !isTyped(input)) write(input, image ?? "");
  input.max = data.last;
  input.setAttribute("aria-label", data.name);
  input.title = `${data.name}s are numbered 0 to ${data.last.toLocaleString("en")}. The keys ← and → step through ${data.numbers ? "those that are shown" : "all of them"}.`;
  before.disabled = data.count === 0 || place === 0;
  after.disabled = data.count === 0 || place === data.count - 1;
}

const parts = (root) => ({ input: root.querySelector("input"), before: root.querySelector(".steps-before"), after: root.querySelector(".steps-after") });
const isTyped = (input) => input.value !== input.dataset.shown;

function write(input, value) {
  input.value = input.dataset.shown = String(value);
}

// A typed number counts; an emptied field changes nothing.
function typed(input) {
  const value = Number(input.value), isNumber = input.value !== "" && Number.isFinite(value), changed = isTyped(input);
  if (!isNumber || !changed) return write(input, input.dataset.shown);
  forget();
  tell({ typed: Math.trunc(value) });
  input.dataset.shown = input.value; // until the server says which it became
}

function listen(root) {
  const { input, before, after } = parts(root);
  before.onclick = () => step("image", -1);
  after.onclick = () => step("image", 1);
  input.onblur = () => typed(input);
  input.onkeydown = (event) => {
    if (event.key === "Enter") input.blur();
  };
}

// Section: the page

function press(event) {
  const found = KEYS[event.key];
  if (!found || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.composedPath().some((one) => one instanceof Element && one.matches(OWN_KEYS)) || document.querySelector(OPEN)) return;
  if (step(...found)) event.preventDefault(); // what scrolls otherwise
}

// Escape leaves the field as it was: before it loses the focus.
function letGo(event) {
  const input = event.target;
  if (event.key === "Escape" && input instanceof Element && input.matches(".steps input")) write(input, input.dataset.shown);
}

document.addEventListener("keydown", press);
window.addEventListener("keydown", letGo, true);
// Whoever goes to another page is not called back by a step.
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("a[href]")) forget();
}, true);
window.addEventListener("popstate", () => {
  forget();
  if (isThere()) show();
});
document.addEventListener("page-drawn", (event) => {
  drawn = event.detail;
  send();
});

export default function ({ data, parentElement, setTriggerValue }) {
  shown = { data, setTriggerValue };
  const isAnswered = data.answered >= number || performance.now() - sentAt > LOST;
  if (isAnswered && !unsent) forget();
  listen(parentElement.querySelector(".steps"));
  if (isThere()) show();
}
