// A stop of the file: the view it shows, what its reader has said, and the stage that draws it. The stage is the dashboard's own;
// what a click asks of a server there, the file has already.

const SPOTTED = ["picture", "overlay", "map"]; // the panels on which the place that was asked for is marked
const OUTLINED = ["picture", "overlay"]; // those over which the outline is drawn
let strength = null; // of the map over pictures, once somebody has moved the slider

const isSameValue = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function makeStop(element, given, store) {
  const root = element.querySelector(".drawn:not(.printed)"), printed = element.querySelector(".printed");
  return { element, root, printed, given, store, now: 0, said: null, hint: false, answer: false, end: null };
}

const stateOf = (stop) => stop.given.states[stop.now];
const isClosed = (stop) => !stop.answer && stateOf(stop).closed !== null;
const isOwn = (stop) => stop.now === 0 || stop.given.pairs; // the pairs of a stop are one view

// A head with its parts in the places of their numbers; what the stage changes in them is a copy.
function unfold({ parts, arrays }, number) {
  const head = parts[number];
  const rows = head.rows.map((place) => {
    const row = parts[place], panels = row.panels.map((one) => ({ ...parts[one], drawing: { ...parts[one].drawing } }));
    return { ...row, panels, bars: row.bars.map((one) => parts[one]) };
  });
  return { ...head, rows, arrays };
}

function message(stop, number) {
  const head = unfold(stop.store, number), panels = head.rows.flatMap((row) => row.panels);
  if (strength !== null) {
    head.strength = Math.round(100 * strength);
    for (const panel of panels) if (panel.picture !== null && panel.values !== null) panel.drawing.strength = strength;
  }
  if (stop.given.ask?.kind === "outline") outlineSaid(head.rows[0].panels, stop.said ?? "");
  if (stop.given.ask?.kind === "place" && stop.said) markSaid(head.rows[0].panels, stop.said, stop.given.ask.size);
  return head;
}

function markSaid(panels, [row, column], [height, width]) {
  for (const panel of panels) {
    if (!SPOTTED.includes(panel.name) || panel.veiled) continue;
    panel.spots = [{ down: (row + 0.5) / height, along: (column + 0.5) / width, kind: "said", words: "you" }, ...panel.spots];
    panel.alt = `${panel.alt}; you: row ${row}, column ${column}`;
  }
}

// The code of the cells goes to the painter while the answer is closed, and around what it names once that is open.
function outlineSaid(panels, code) {
  for (const panel of panels) {
    if (panel.paints) panel.paints = { ...panel.paints, code };
    else if (OUTLINED.includes(panel.name) && !panel.veiled) panel.outline = code;
  }
}

// The maps of all classes at the layer that is shown, for the bars to preview.
function classMaps(stop, head) {
  const { store, given } = stop, here = stateOf(stop).view, found = new Map();
  for (const { view, stage } of given.states) {
    if (!isSameValue({ ...view, target: 0 }, { ...here, target: 0 })) continue;
    const panels = store.parts[stage].rows.flatMap((place) => store.parts[place].panels.map((one) => store.parts[one]));
    const values = panels.find(({ name }) => name === "map")?.values;
    if (values !== undefined && values !== null) found.set(view.target, store.arrays[values]);
  }
  const count = Math.max(...found.keys()) + 1;
  if (!head.layer || found.size < 2 || found.size !== count) return null;
  const maps = Array.from({ length: count }, (_, index) => found.get(index)), [{ shape }] = maps, size = shape[0] * shape[1];
  const data = new Float32Array(count * size);
  maps.forEach((map, index) => data.set(map.data, index * size));
  return { key: head.key, maps: { [head.layer]: { shape: [count, ...shape], data } } };
}

function drawStop(stop) {
  const state = stateOf(stop), head = message(stop, isClosed(stop) ? state.closed : state.stage);
  window.gradCamStages.classes = isClosed(stop) ? null : classMaps(stop, head);
  stop.end?.();
  stop.end = drawStage({
    data: head, parentElement: stop.root, setStateValue() {},
    setTriggerValue: (_, what) => stop.acted(what),
  });
}

// What is printed is the stop's own view with its answer open, whatever is on screen.
function drawPrinted(stop) {
  drawStage({ data: unfold(stop.store, stop.given.states[0].stage), parentElement: stop.printed, setStateValue() {}, setTriggerValue() {} })();
}

// The view with these changes that is nearest to the one shown: a file does not hold every combination.
function find(stop, changes) {
  const wanted = Object.entries(changes), here = stateOf(stop).view;
  let best = -1, most = -1;
  stop.given.states.forEach(({ view }, place) => {
    if (!wanted.every(([name, value]) => isSameValue(view[name], value))) return;
    const same = Object.keys(here).filter((name) => isSameValue(view[name], here[name])).length;
    if (same > most) [best, most] = [place, same];
  });
  return best;
}

// The values of a field that its views have, in the order in which thumbnails and buttons show them.
function valuesOf(stop, field) {
  const { parts } = stop.store, { clicks, switches } = stateOf(stop);
  const offered = [...Object.values(parts[clicks]), ...parts[switches].buttons.map(({ changes }) => changes)];
  return offered.filter((changes) => Object.keys(changes).length === 1 && field in changes).map((changes) => changes[field]);
}
