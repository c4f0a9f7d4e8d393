// All panels of a page: one pointer for all, the line that reads the numbers, previews, and clicks.
// Several stages on a page share the pointer, so that the same place is marked in all of them.

const HINT = window.matchMedia("(pointer: coarse)").matches
  ? "Touch a map to read its numbers, and again to let go."
  : "Point at a picture to read its numbers. A click on a map keeps the place, Escape lets go.";

// Section: the pointer

function pointAt(point, source) {
  SHARED.point = point;
  for (const stage of SHARED.stages) {
    for (const panel of stage.panels) markCell(panel, point && panel.given.place === point.place ? point : null);
    read(stage, source);
  }
}

const numbersOf = (stage, place, point) => stage.panels.filter(({ given }) => given.place === place)
  .map((panel) => [panel.given.label, readPanel(panel, point)]).filter(([, number]) => number !== "");

// It scrolls sideways where the numbers need more room, also by keys.
function makeLine() {
  const line = make("div", "reading");
  line.tabIndex = 0;
  line.onscroll = () => showMore(line);
  line.setAttribute("role", "region");
  line.setAttribute("aria-label", "Numbers under the pointer");
  return line;
}

function read(stage, source) {
  const { point } = SHARED, line = stage.line, all = [stage, ...[...SHARED.stages].filter((one) => one !== stage)];
  const pointed = point && (source ?? all.flatMap((one) => one.panels).find(({ given }) => given.place === point.place));
  if (!pointed) { // a place that is kept may be of a picture that is not on the page now
    line.replaceChildren(make("span", "hint", stage.hint || HINT));
    requestAnimationFrame(() => showMore(line));
    return;
  }
  const numbers = all.flatMap((one) => numbersOf(one, point.place, point));
  const [row, column] = cellAt(pointed, point), [rows, columns] = cellsOf(pointed);
  const parts = [make("b", "", `row ${row}, column ${column}`), make("span", "of", ` of ${rows} × ${columns}`)];
  for (const [label, number] of numbers) parts.push(make("span", "label", label), make("span", "value", number));
  if (SHARED.pinned) parts.push(make("span", "of", "kept · Escape lets go"));
  else if (source?.given.action) parts.push(make("span", "of", `click: ${source.given.action}`));
  line.replaceChildren(...parts);
  requestAnimationFrame(() => showMore(line)); // it asks for a layout: once for all lines, and not at each move
}

// That it goes on beyond its edge.
function showMore(line) {
  line.classList.toggle("more", line.scrollLeft + line.clientWidth < line.scrollWidth - 1);
}

function within(panel, event) {
  const box = panel.place.getBoundingClientRect();
  const x = clip((event.clientX - box.left) / box.width, 0, 1), y = clip((event.clientY - box.top) / box.height, 0, 1);
  if (panel.shown.picture || !looksOf(panel)) return { place: panel.given.place, x, y };
  const cells = cellsOf(panel); // the map alone, in cells of one size
  return middleOf(panel, [y, x].map((share, axis) => clip(Math.floor(share * cells[axis]), 0, cells[axis] - 1)));
}

function letGo() {
  SHARED.pinned = false;
  pointAt(null);
}

function pin(panel, point) {
  const again = SHARED.pinned && String(cellAt(panel, point)) === panel.place.dataset.pointed;
  if (again) return letGo();
  SHARED.pinned = true;
  pointAt(point, panel);
}

// What is chosen by a click needs no place that is kept.
function act(stage, panel) {
  if (SHARED.pinned) letGo();
  stage.send({ panel: panel.given.name });
}

// The pixel of the picture at a point, as an answer; it is marked at once.
function say(stage, panel, { x, y }) {
  const sizes = panel.shown.picture.shape;
  const pixel = [y, x].map((share, axis) => clip(Math.floor(share * sizes[axis]), 0, sizes[axis] - 1));
  const [down, along] = pixel.map((at, axis) => (at + 0.5) / sizes[axis]);
  panel.given.spots = [{ down, along, kind: "said", words: "you" }];
  showSpots(panel);
  stage.send({ said: pixel });
}

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function pressed(stage, panel, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (covers(panel) && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    event.stopPropagation();
    return paintByKey(stage, panel);
  }
  const move = panel.given.picks ? null : MOVES[event.key];
  if (move) {
    const [rows, columns] = cellsOf(panel), [row, column] = SHARED.point ? cellAt(panel, SHARED.point) : [0, 0];
    pointAt(middleOf(panel, [clip(row + move[0], 0, rows - 1), clip(column + move[1], 0, columns - 1)]), panel);
  } else if (event.key === "Enter" || event.key === " ") {
    if (panel.given.asks) { if (SHARED.point) say(stage, panel, SHARED.point); }
    else if (panel.given.action) act(stage, panel);
    else if (SHARED.point) pin(panel, SHARED.point);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

// Section: previews

function preview(stage, values, name, looks) {
  for (const panel of stage.panels) if (panel.given.previews) previewPanel(panel, values, name, looks);
  stage.root.classList.toggle("previewing", Boolean(values));
  if (SHARED.point) pointAt(SHARED.point);
}

const previewPanelOf = (stage, panel) => panel?.given.shows && !panel.given.chosen && panel.sent.values;

const looksOfSent = ({ sent: { rows, columns } }) => ({ rows, columns });

function classMap(stage, index) {
  const found = SHARED.classes?.key === stage.key ? SHARED.classes.maps[stage.layer] : null;
  if (!found) return null;
  const [, rows, columns] = found.shape, size = rows * columns;
  const values = found.data.slice(index * size, (index + 1) * size);
  if (!stage.signed) for (let place = 0; place < size; place++) values[place] = Math.max(values[place], 0);
  return { shape: [rows, columns], data: values };
}

// Section: listening

function listenTo(stage, panel) {
  const { place } = panel;
  place.onpointermove = (event) => { if (!SHARED.pinned) pointAt(within(panel, event), panel); };
  place.onpointerenter = () => {
    const values = previewPanelOf(stage, panel);
    if (values) preview(stage, values, panel.given.shows, looksOfSent(panel));
  };
  place.onpointerleave = () => {
    if (!SHARED.pinned) pointAt(null);
    if (previewPanelOf(stage, panel)) preview(stage, null);
  };
  place.onmousedown = (event) => { event.preventDefault(); document.activeElement?.blur(); }; // the page keeps its keys
  place.onpointerdown = (event) => beginStroke(stage, panel, event);
  place.onclick = (event) => {
    if (covers(panel)) return;
    if (panel.given.asks) say(stage, panel, within(panel, event));
    else if (panel.given.action) act(stage, panel);
    else pin(panel, within(panel, event));
  };
  place.onkeydown = (event) => pressed(stage, panel, event);
  place.onfocus = () => {
    if (!place.matches(":focus-visible")) return;
    const values = previewPanelOf(stage, panel);
    if (values) preview(stage, values, panel.given.shows, looksOfSent(panel));
    if (!SHARED.pinned) pointAt(SHARED.point ?? middleOf(panel, cellsOf(panel).map((size) => Math.floor(size / 2))), panel);
  };
  place.onblur = () => {
    if (!SHARED.pinned) pointAt(null);
    if (previewPanelOf(stage, panel)) preview(stage, null);
  };
}

function listenToBars(stage, bars) {
  for (const bar of bars.querySelectorAll(".class-bar")) {
    const index = Number(bar.dataset.class);
    const show = () => {
      const values = classMap(stage, index);
      if (values && !bar.classList.contains("target")) preview(stage, values, bar.firstChild.firstChild.textContent);
    };
    bar.onpointerenter = show;
    bar.onfocus = () => { if (bar.matches(":focus-visible")) show(); };
    bar.onpointerleave = bar.onblur = () => preview(stage, null);
    bar.onmousedown = (event) => { event.preventDefault(); document.activeElement?.blur(); };
    bar.onclick = () => stage.send({ class: index });
  }
}

// One slider a stage, which is kept from run to run: whoever moves it by keys stays in it.
function makeSlider() {
  const label = make("label", "slider"), input = make("input");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 5 });
  input.setAttribute("aria-label", "Strength of the map over the picture, in percent");
  label.append(make("span", "", "Map"), input, make("output"));
  return label;
}

function setSlider(stage, strength) {
  const label = (stage.slider ??= makeSlider()), input = label.querySelector("input"), shown = label.querySelector("output");
  input.value = strength;
  shown.textContent = `${strength} %`;
  input.oninput = () => {
    shown.textContent = `${input.value} %`;
    for (const one of SHARED.stages) one.strengthen(input.value / 100);
  };
  input.onchange = () => stage.send({ strength: Number(input.value) });
  return label;
}

window.gradCamStageKeys ??= document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && window.gradCamStages.pinned) window.gradCamStages.letGo();
}) ?? true;

// Section: the whole

function fillRow(stage, row, given, arrays, kept) {
  const box = make("div", given.strip ? "row strip" : "row"), inside = [];
  for (const one of given.panels) {
    const panel = kept.get(one.name) ?? makePanel();
    kept.delete(one.name);
    if (one.slider) panel.slider = setSlider(stage, given.strength);
    fillPanel(panel, one, arrays, stage.fade);
    listenTo(stage, panel);
    stage.panels.push(panel);
    fitPainting(stage, panel, one, arrays);
    inside.push(panel.figure);
  }
  if (given.block) inside.push(makeBlock(inside.splice(-given.block), given.block_title));
  if (given.facts.length) inside.push(makeFacts(given.facts));
  for (const sent of given.bars) {
    const bars = makeBars(sent);
    listenToBars(stage, bars);
    inside.push(bars);
  }
  box.append(...inside);
  if (given.picks) roving(box, ".place", '[aria-pressed="true"]');
  const title = given.title ? [make("div", "row-title", given.title)] : [], links = given.links.length ? [makeLinks(stage, given)] : [];
  row.replaceChildren(...(given.strip && links.length ? [makeHead(title, links)] : title), box,
    ...(given.caption ? [make("div", "caption", given.caption)] : []), ...(given.tally.length ? [makeTally(given.tally)] : []),
    ...(given.strip ? [] : links));
}

// What leads on from a strip stands beside its title.
function makeHead(title, links) {
  const head = make("div", "strip-head");
  head.append(...title, ...links);
  return head;
}

// The same rows with other numbers: what answers the pointer while it paints moves nothing under it.
function refill(stage, head) {
  Object.assign(stage, { key: head.key, layer: head.layer, signed: head.signed });
  const rows = [...stage.root.querySelectorAll(":scope > .part")];
  head.rows.forEach((given, place) => {
    for (const one of given.panels) {
      const panel = stage.panels.find((known) => known.given.name === one.name);
      if (!panel) continue;
      fillPanel(panel, one, head.arrays);
      fitPainting(stage, panel, one, head.arrays);
    }
    const row = rows[place], find = (what) => row?.querySelector(what);
    given.bars.forEach((sent, number) => {
      const bars = makeBars(sent);
      listenToBars(stage, bars);
      row?.querySelectorAll(".class-bars")[number]?.replaceWith(bars);
    });
    for (const [what, text] of [[".row-title", given.title], [":scope > .caption", given.caption]]) {
      if (find(what)) find(what).textContent = text;
    }
    find(".tally")?.remove();
    if (given.tally.length) find(":scope > .caption")?.after(makeTally(given.tally));
  });
  if (isBusy(SHARED.painter)) drawCovered(stage);
  pointAt(SHARED.point);
}

// Where a strip scrolls sideways, the chosen thumbnail is in its middle.
function showChosen(strip) {
  const chosen = strip.querySelector(".chosen")?.getBoundingClientRect(), seen = strip.getBoundingClientRect();
  if (chosen) strip.scrollLeft += chosen.left + chosen.width / 2 - seen.left - seen.width / 2;
}

// Small multiples: panels side by side under a title of their own.
function makeBlock(figures, title) {
  const block = make("div", "block"), box = make("div", "multiples");
  box.append(...figures);
  block.append(make("div", "title", title), box);
  return block;
}

function makeLinks(stage, { place, links, title }) {
  const box = make("div", "links");
  box.append(...links.map((words, number) => {
    const link = make("button", "link", words);
    link.type = "button";
    if (title) link.setAttribute("aria-label", `${title}: ${words}`);
    link.onclick = () => stage.send({ row: place, link: number });
    return link;
  }));
  return box;
}

// What has the focus is made anew, or moved, with each run: where to find it again.
function focusedIn(root) {
  const focused = document.activeElement;
  if (!root.contains(focused)) return undefined;
  if (focused.dataset.tool) return `[data-tool="${focused.dataset.tool}"]`;
  if (focused.dataset.picture) return `[data-picture="${CSS.escape(focused.dataset.picture)}"]`;
  if (focused.dataset.class) return `.class-bar[data-class="${focused.dataset.class}"]`;
  return focused.matches(".slider input") ? ".slider input" : undefined;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const head = unpack(data), root = parentElement.querySelector(".stage");
  const before = root.stage, kept = new Map(before?.panels.map((panel) => [panel.given.name, panel]));
  const focused = focusedIn(root), { point } = SHARED; // what has the focus loses it, and with it the place that keys have moved to
  const stage = {
    root, panels: [], key: head.key, layer: head.layer, signed: head.signed, send: (what) => setTriggerValue("acted", what),
    fades: head.fades, fade: head.fades && before?.fades === head.fades ? head.fade_ms : 0, hint: head.hint, line: before?.line ?? makeLine(), slider: before?.slider,
    strengthen(strength) {
      for (const panel of this.panels) {
        if (!panel.sent.picture || !panel.sent.values) continue;
        panel.sent.drawing.strength = strength;
        drawPanel(panel);
      }
    },
  };
  if (before) SHARED.stages.delete(before);
  stage.undo = () => undo(stage);
  SHARED.stages.add(stage);
  SHARED.letGo = letGo;
  root.stage = stage;
  root.classList.toggle("cards", head.cards);
  const rows = head.rows.map((given, place) => {
    const row = make("section", given.chosen ? "part chosen" : "part");
    row.classList.toggle("fits", place < head.fits);
    fillRow(stage, row, { ...given, place, strength: head.strength }, head.arrays, kept);
    return row;
  });
  if (head.line_after !== null) rows.splice(head.line_after, 0, stage.line);
  root.replaceChildren(...rows);
  for (const strip of root.querySelectorAll(".strip")) showChosen(strip);
  if (focused) root.querySelector(focused)?.focus({ preventScroll: true });
  takePainting(stage);
  pointAt(focused ? point : SHARED.point);
  document.dispatchEvent(new CustomEvent("stage-drawn"));
  return () => { SHARED.stages.delete(stage); };
}
