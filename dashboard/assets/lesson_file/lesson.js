// The lesson: which stop is on screen, what of it is open, keys and buttons.

const WIDE = window.matchMedia("(min-width: 1200px)");
const LARGEST = 2, SMALLEST = 0.5, LEAST_WHOLE = 0.7, BY = 0.05, EDGE = 8; // sizes of the stage, and pixels free below it
const PAINTED = "Paint it on the picture. The map is covered until you open the answer.";
const STILL_ASKED = "Click the place where you expect it. The map is covered until you open the answer.";
const screens = [...document.querySelectorAll(".screen")];
let stops = [], at = 0;

async function readStore() {
  const text = atob(document.getElementById("lesson-data").textContent), bytes = Uint8Array.from(text, (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(new Uint8Array(await new Response(stream).arrayBuffer()));
}

// Section: a stop

function emphasised(box, words) {
  box.replaceChildren();
  if (!words) return;
  const [before, strong, after] = words, bold = document.createElement("strong");
  bold.textContent = strong;
  box.append(before, bold, after);
}

// The words are the file's own HTML, made from the lesson without tags.
function fill(stop) {
  const { element, given, store } = stop, state = stateOf(stop), find = (what) => element.querySelector(`:scope > .rail ${what}`);
  for (const name of ["hint", "answer"]) {
    const box = find(`[data-fold="${name}"]`), button = find(`[data-do="${name}"]`);
    if (!box) continue;
    box.querySelector(".words").innerHTML = store.parts[state[name]];
    box.classList.toggle("open", stop[name]);
    button.setAttribute("aria-expanded", String(stop[name]));
  }
  find('[data-do="own"]').hidden = isOwn(stop);
  const field = find(".field"), { ask } = given;
  if (field) field.hidden = stop.answer;
  if (ask?.kind === "place") {
    field.textContent = stop.said ? `You say pixel row ${stop.said[0]}, column ${stop.said[1]}. Click again to change it.` : STILL_ASKED;
  }
  if (ask?.kind === "outline") field.textContent = PAINTED;
  fillSaid(stop, find(".said"));
  fillSwitches(stop, element.querySelector(".switches"));
}

function fillSaid(stop, box) {
  const { given: { ask } } = stop, state = stateOf(stop), truth = ask && state.truth !== null ? stop.store.parts[state.truth] : null;
  box.replaceChildren();
  if (!ask || !stop.answer) return;
  if (ask.kind === "choice") box.innerHTML = (isOwn(stop) ? ask.words : ask.elsewhere)[Number(stop.said ?? 0)];
  else if (ask.kind === "outline") emphasised(box, outlineWords(stop.said ? window.gradCamStages.cellsOf(stop.said) : null, mapByCell(stop, truth)));
  else emphasised(box, ask.kind === "place" ? placeWords(stop.said, truth) : numberWords(stop.said, truth));
}

function mapByCell({ store: { arrays } }, truth) {
  return truth && Object.fromEntries(Object.entries(truth).map(([name, number]) => [name, arrays[number].data]));
}

function fillSwitches(stop, box) {
  const { view, switches } = stateOf(stop), { label, buttons } = stop.store.parts[switches];
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  box.replaceChildren();
  if (!buttons.length || isClosed(stop)) return;
  const words = document.createElement("span");
  words.textContent = label;
  box.append(words, ...buttons.map(({ words: text, changes }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-pressed", String(Object.entries(changes).every(([name, value]) => isSameValue(view[name], value))));
    button.onclick = () => change(stop, changes);
    return button;
  }));
  box.querySelectorAll("button")[focused]?.focus();
}

function show(stop) {
  drawStop(stop);
  fill(stop);
  fit(stop);
}

function change(stop, changes) {
  const place = find(stop, changes);
  if (place < 0 || place === stop.now) return;
  stop.now = place;
  show(stop);
}

const asksOnPicture = (stop) => ["place", "outline"].includes(stop.given.ask?.kind);

// What a click on the stage says, in the words that a server gets.
function acted(stop, what) {
  if (what.strength !== undefined) strength = what.strength / 100;
  else if (what.said) {
    stop.said = what.said;
    fill(stop);
  } else if (what.outline !== undefined) {
    stop.said = what.outline;
    drawStop(stop);
    fill(stop);
  } else if (isClosed(stop) && asksOnPicture(stop)) return;
  else if (what.class !== undefined) change(stop, { target: what.class });
  else if (what.panel !== undefined) change(stop, stop.store.parts[stateOf(stop).clicks][what.panel] ?? {});
}

function fold(stop, name) {
  if (!stop || !stop.element.querySelector(`[data-fold="${name}"]`)) return;
  stop[name] = !stop[name];
  if (name === "answer" && !stop.answer && stateOf(stop).closed === null && stop.given.states[0].closed !== null) stop.now = 0;
  show(stop);
  if (stop[name]) stop.element.querySelector(name === "answer" && stop.given.ask ? ".rail .said" : `[data-fold="${name}"]`).scrollIntoView({ block: "nearest" });
}

// As large as most of its rows are whole on the screen, and the first of them on one line; smaller where the first would not be.
function fit(stop) {
  const { root } = stop, { style } = root.querySelector(".stage");
  style.zoom = "";
  if (!WIDE.matches) return;
  const rows = [...root.querySelectorAll(".part")], least = rows.filter((row) => row.classList.contains("fits")).length;
  const line = root.querySelector(".reading")?.getBoundingClientRect().height ?? 0;
  const wholeAt = (value) => {
    style.zoom = String(value);
    const free = window.innerHeight - EDGE - line - window.scrollY, cut = rows.findIndex((row) => row.getBoundingClientRect().bottom > free);
    return root.scrollWidth > root.clientWidth ? -1 : cut < 0 ? rows.length : cut;
  };
  const linesOf = (row) => new Set([...row.querySelector(".row").children].map((one) => one.getBoundingClientRect().top)).size;
  let best = SMALLEST, most = -1;
  for (let step = Math.round(LARGEST / BY); step >= Math.round(SMALLEST / BY); step--) {
    const size = Math.round(100 * step * BY) / 100, count = wholeAt(size) - 0.1 * linesOf(rows[0]);
    if (count > most && (size >= LEAST_WHOLE || most < least - 0.5)) [best, most] = [size, count];
  }
  style.zoom = String(best);
}

// Section: the lesson

function go(number) {
  if (number < 0 || number >= screens.length) return;
  stops[at - 1]?.end?.();
  window.gradCamStages.letGo?.();
  at = number;
  screens.forEach((screen, place) => { screen.hidden = place !== at; });
  if (at > 0) show(stops[at - 1]);
  window.scrollTo(0, 0);
  if (Number(location.hash.slice(1)) !== at) history.replaceState(null, "", at ? `#${at}` : location.href.split("#")[0]);
}

const DOES = {
  forward: (stop) => (stop && !stop.answer ? fold(stop, "answer") : go(at + 1)), // as with a remote control's key: answer, then next stop
  next: () => go(at + 1),
  before: () => go(at - 1),
  stops: () => go(0),
  hint: (stop) => fold(stop, "hint"),
  answer: (stop) => fold(stop, "answer"),
  own: (stop) => { if (stop && stop.now !== 0) { stop.now = 0; show(stop); } },
};
const KEYS = { PageDown: "forward", PageUp: "before", h: "hint", a: "answer", b: "own", e: "stops" };
const STEPS = { ArrowUp: ["layer", -1], ArrowDown: ["layer", 1], ArrowLeft: ["image", -1], ArrowRight: ["image", 1] };

// One step through the layers or the pictures of a stop; whether it has any.
function step(stop, field, by) {
  const values = valuesOf(stop, field), here = values.findIndex((value) => isSameValue(value, stateOf(stop).view[field]));
  if (isClosed(stop) && asksOnPicture(stop)) return false;
  if (values.length < 2) return false;
  const next = here + by;
  if (here >= 0 && next >= 0 && next < values.length) change(stop, { [field]: values[next] });
  return true;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const stop = stops[at - 1], typed = event.target.matches?.("input:not([type=range]), textarea"), { key } = event;
  if (key === "Escape" && event.target.matches?.("input")) return event.target.blur();
  const does = KEYS[key.length === 1 ? key.toLowerCase() : key], turns = STEPS[key];
  if (typed && !key.startsWith("Page")) return;
  if (does) { if (!event.repeat) DOES[does](stop); }
  else if (turns && stop && !event.target.matches?.("input") && step(stop, ...turns)) { /* done */ }
  else if (stop && /^[1-6]$/.test(key) && valuesOf(stop, "step").length) change(stop, { step: valuesOf(stop, "step")[Number(key) - 1] });
  else return;
  event.preventDefault();
}

function listen() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-stop]"), button = event.target.closest("[data-do]");
    if (link) {
      event.preventDefault();
      go(Number(link.dataset.stop));
    } else if (button) DOES[button.dataset.do](stops[at - 1]);
  });
  for (const stop of stops) {
    stop.acted = (what) => acted(stop, what);
    for (const input of stop.element.querySelectorAll(".field input")) {
      input.oninput = () => { stop.said = input.value === "" ? null : input.value; };
    }
  }
  window.addEventListener("resize", () => { if (at) fit(stops[at - 1]); });
  window.addEventListener("hashchange", () => go(Number(location.hash.slice(1)) || 0));
}

try {
  const store = await readStore();
  stops = store.stops.map((given, place) => makeStop(screens[place + 1], given, store));
  listen();
  stops.forEach(drawPrinted);
  document.documentElement.classList.add("ready");
  go(Math.min(Number(location.hash.slice(1)) || 0, stops.length));
} catch (error) {
  const failed = document.getElementById("failed");
  failed.textContent = "This browser is too old for the pictures of this file: Chrome 123, Edge 123, Firefox 126 or Safari 17.5 would be right.";
  failed.hidden = false;
  throw error;
}
