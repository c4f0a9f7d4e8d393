// Parts of a picture painted over: the cells, the brush, and the tools below the picture. The browser draws each move at once
// and asks for bars and maps of it, one question at a time, the last move's; the address has a stroke once it is answered.
// Where a panel's painting marks, the cells are a reader's answer: a line around them, which covers nothing, told at each stroke.

const CELLS = 16, GREY = 128, BRUSHES = { 1: "Small brush", 3: "Middle brush", 5: "Large brush" };
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", BITS = 6;
const PATIENCE = 4000; // milliseconds, after which an answer is no longer awaited
const PAUSE = 500; // milliseconds without a stroke, after which the address has what was painted: the whole page is drawn then
const PAINT_HINT = "Drag to cover; begin on a covered cell to uncover.";
const MARK_HINT = "Drag to paint; begin on a painted cell to erase.";
const LINE_WIDTHS = { outside: 5, inside: 2 }; // of the line around an outline, in pixels of the screen: black, and white in it

// Section: the code of the cells, as explain_lib/trust/cover.py has it

function codeOf(cells) {
  let code = "";
  for (let start = 0; start < cells.length; start += BITS) {
    let value = 0;
    for (let bit = 0; bit < BITS; bit++) value = 2 * value + (cells[start + bit] ?? 0);
    code += LETTERS[value];
  }
  return code.replace(/A+$/, "");
}

SHARED.cellsOf = cellsOfCode;

function cellsOfCode(code) {
  const cells = new Uint8Array(CELLS * CELLS);
  [...code].forEach((letter, place) => {
    const value = LETTERS.indexOf(letter);
    for (let bit = 0; bit < BITS; bit++) {
      const cell = BITS * place + bit;
      if (cell < cells.length) cells[cell] = (value >> (BITS - 1 - bit)) & 1;
    }
  });
  return cells;
}

// Section: pixels

const blurs = new WeakMap(); // by the numbers of the whole picture

// A Gaussian of 11 pixels and deviation 5 along one axis, mirrored at the border without its last pixel.
function blurAxis(data, [height, width], step, count, stride) {
  const kernel = Array.from({ length: 11 }, (_, at) => Math.exp(-((at - 5) ** 2) / 50)), total = kernel.reduce((a, b) => a + b);
  const blurred = new Float32Array(data.length), lines = 3 * height * width / count;
  const mirror = (at) => { while (at < 0 || at >= count) at = count === 1 ? 0 : at < 0 ? -at : 2 * (count - 1) - at; return at; };
  const sources = Array.from({ length: count }, (_, place) => kernel.map((_, at) => step * mirror(place + at - 5)));
  for (let line = 0; line < lines; line++) {
    const start = stride(line);
    for (let place = 0; place < count; place++) {
      let sum = 0;
      for (let at = 0; at < 11; at++) sum += kernel[at] * data[start + sources[place][at]];
      blurred[start + step * place] = sum / total;
    }
  }
  return blurred;
}

function blurredOf({ data, shape }) {
  if (!blurs.has(data)) {
    const [height, width] = shape, row = 3 * width;
    const across = blurAxis(data, shape, 3, width, (line) => Math.floor(line / 3) * row + line % 3);
    blurs.set(data, Uint8Array.from(blurAxis(across, shape, row, height, (line) => line), rint));
  }
  return blurs.get(data);
}

function coveredPicture(whole, cells, fill) {
  const [height, width] = whole.shape, data = Uint8Array.from(whole.data), blurred = fill === "blur" ? blurredOf(whole) : null;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!cells[CELLS * Math.floor(CELLS * y / height) + Math.floor(CELLS * x / width)]) continue;
      for (let at = 3 * (y * width + x), end = at + 3; at < end; at++) data[at] = blurred ? blurred[at] : GREY;
    }
  }
  return { data, shape: whole.shape };
}

// Section: a line around cells

// The cells as one shape, and the sides that they have in common with no other cell, as paths in cells.
function pathsOf(cells) {
  const has = (row, column) => row >= 0 && column >= 0 && row < CELLS && column < CELLS && cells[CELLS * row + column];
  let area = "", sides = "";
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      if (!has(row, column)) continue;
      area += `M${column} ${row}h1v1h-1z`;
      if (!has(row - 1, column)) sides += `M${column} ${row}h1`;
      if (!has(row + 1, column)) sides += `M${column} ${row + 1}h1`;
      if (!has(row, column - 1)) sides += `M${column} ${row}v1`;
      if (!has(row, column + 1)) sides += `M${column + 1} ${row}v1`;
    }
  }
  return { area, sides };
}

// cells: null for none. isFilled: whether their inside is tinted too, as while they are painted.
function showOutline(panel, cells, isFilled) {
  panel.place.querySelector(".outline")?.remove();
  if (!cells?.some(Boolean)) return;
  const { area, sides } = pathsOf(cells), inside = isFilled ? `<path class="area" d="${area}"/>` : "";
  const lines = Object.entries(LINE_WIDTHS).map(([name, width]) => (
    `<path class="line ${name}" d="${sides}" stroke-width="${width}" vector-effect="non-scaling-stroke"/>`
  ));
  const whole = `viewBox="0 0 ${CELLS} ${CELLS}" preserveAspectRatio="none" aria-hidden="true"`;
  panel.mark.insertAdjacentHTML("beforebegin", `<svg class="outline" ${whole}>${inside}${lines.join("")}</svg>`);
}

// The cells as they are here, in the picture and below its map, before the server has answered.
function drawCovered(stage) {
  const { painter } = SHARED, source = stage.panels.find((panel) => panel.paints);
  if (!source) return;
  if (source.paints.marks) {
    showOutline(source, painter.cells, true);
    return setTools(stage, source);
  }
  const picture = coveredPicture(source.paints.whole, painter.cells, painter.fill);
  for (const panel of stage.panels) {
    if (panel !== source && !(panel.given.previews && panel.sent.picture)) continue;
    panel.sent.picture = picture;
    panel.shown = { ...panel.shown, picture };
    drawPanel(panel);
  }
  setTools(stage, source);
}

// Section: questions and answers

const codeNow = () => codeOf(SHARED.painter.cells);
const isBusy = ({ stroke, waits, changed, pause, sent, code }) => (
  Boolean(stroke || waits || changed || pause || (sent !== null && sent !== code))
);

// What was painted is asked for, or, once nothing is awaited and no finger is down for a moment, told.
function goOn(stage) {
  const { painter } = SHARED;
  if (painter.waits) return;
  clearTimeout(painter.pause);
  painter.pause = null;
  const marks = stage.panels.some((panel) => panel.paints?.marks);
  if (painter.changed && painter.ask && !marks) {
    painter.changed = false;
    painter.waits = true;
    const number = ++painter.asked;
    painter.ask({ number, cover: codeNow(), fill: painter.fill });
    setTimeout(() => { if (painter.waits && painter.asked === number) { painter.waits = false; goOn(stage); } }, PATIENCE);
  } else if (!painter.stroke && !painter.words && told(painter) !== painter.code && told(painter) !== painter.sent) {
    if (marks) tell(stage); // whoever opens the answer next has all of it
    else painter.pause = setTimeout(() => tell(stage), PAUSE);
  }
}

const told = ({ fill }) => `${fill} ${codeNow()}`;

function tell(stage) {
  const { painter } = SHARED;
  painter.pause = null;
  painter.changed = false;
  painter.sent = told(painter);
  const now = stage.root.stage ?? stage, marks = now.panels.some((panel) => panel.paints?.marks);
  now.send(marks ? { outline: codeNow() } : { cover: codeNow(), fill: painter.fill });
}

function answered(stage, head) {
  const { painter } = SHARED;
  if (head.answers <= painter.taken) return;
  painter.taken = head.answers;
  if (head.answers === painter.asked) painter.waits = false; // one that came too late is newer than what is shown all the same
  painter.words = head.refused ?? "";
  if (!head.refused) refill(stage, head);
  else setTools(stage, stage.panels.find((panel) => panel.paints));
  goOn(stage);
}

function paintedAnew(stage) {
  Object.assign(SHARED.painter, { changed: true, moved: performance.now(), words: "" });
  drawCovered(stage);
  goOn(stage);
}

function undo(stage) {
  const { painter } = SHARED, code = painter.before.pop();
  if (code === undefined) return;
  painter.cells = cellsOfCode(code);
  paintedAnew(stage);
}

function clearAll(stage) {
  const { painter } = SHARED;
  painter.before.push(codeNow());
  painter.cells = new Uint8Array(CELLS * CELLS);
  paintedAnew(stage);
}

// Section: the brush

const covers = (panel) => Boolean(panel.paints) && (panel.paints.marks || SHARED.painter.on);

function paintCell([row, column], value) {
  const { cells, brush } = SHARED.painter, reach = (brush - 1) / 2;
  for (let y = Math.max(0, row - reach); y <= Math.min(CELLS - 1, row + reach); y++) {
    for (let x = Math.max(0, column - reach); x <= Math.min(CELLS - 1, column + reach); x++) cells[CELLS * y + x] = value;
  }
}

function paintLine([fromRow, fromColumn], [row, column], value) {
  const steps = Math.max(1, Math.abs(row - fromRow), Math.abs(column - fromColumn));
  for (let step = 0; step <= steps; step++) {
    const share = step / steps;
    paintCell([Math.round(fromRow + share * (row - fromRow)), Math.round(fromColumn + share * (column - fromColumn))], value);
  }
}

const brushValue = ([row, column]) => (SHARED.painter.cells[CELLS * row + column] ? 0 : 1);

// A stroke goes on wherever the pointer is, until it is lifted. What is drawn meanwhile may move the panel in the page, which
// ends a pointer's capture: the window listens.
function beginStroke(stage, panel, event) {
  if (!covers(panel) || event.button !== 0 || SHARED.painter.stroke) return;
  const { painter } = SHARED, ended = new AbortController(), before = codeNow();
  const cellOf = (moved) => cellAt(panel, within(panel, moved));
  const stageNow = () => panel.place.closest(".stage")?.stage ?? stage;
  clearTimeout(painter.pause);
  painter.pause = null;
  painter.stroke = { at: cellOf(event), value: brushValue(cellOf(event)) };
  const move = (moved) => {
    if (moved.pointerId !== event.pointerId) return;
    const at = cellOf(moved), { stroke } = painter;
    if (moved !== event && String(at) === String(stroke.at)) return;
    paintLine(stroke.at, at, stroke.value);
    stroke.at = at;
    paintedAnew(stageNow());
  };
  const end = (lifted) => {
    if (lifted.pointerId !== event.pointerId) return;
    ended.abort();
    painter.stroke = null;
    if (codeNow() !== before) painter.before.push(before);
    setTools(stageNow(), panel);
    goOn(stageNow());
  };
  window.addEventListener("pointermove", move, { signal: ended.signal });
  for (const how of ["pointerup", "pointercancel"]) window.addEventListener(how, end, { signal: ended.signal });
  if (event.pointerType !== "mouse") panel.place.releasePointerCapture?.(event.pointerId);
  event.preventDefault();
  move(event);
}

function paintByKey(stage, panel) {
  const { painter } = SHARED, cell = SHARED.point ? cellAt(panel, SHARED.point) : [CELLS / 2, CELLS / 2];
  painter.before.push(codeNow());
  paintCell(cell, brushValue(cell));
  paintedAnew(stage);
}

window.gradCamUndo ??= document.addEventListener("keydown", (event) => {
  const { painter, stages } = window.gradCamStages, typed = event.target.closest?.("input, textarea, [contenteditable]");
  if (typed || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  const stage = [...stages].find((one) => one.panels.some((panel) => panel.paints && (panel.paints.marks || painter.on)));
  if (!stage || !painter.before.length) return;
  event.preventDefault();
  stage.undo();
}) ?? true;

// Section: the tools

function toolButton(name, words, press, pressed) {
  const button = make("button", "tool", words);
  button.type = "button";
  button.dataset.tool = name;
  if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
  button.onmousedown = (event) => event.preventDefault(); // the page keeps its keys
  button.onclick = press;
  return button;
}

function setTools(stage, panel) {
  const { painter } = SHARED, count = painter.cells.reduce((sum, one) => sum + one, 0);
  const change = (field, value) => () => { painter[field] = value; setTools(stage, panel); };
  const focused = panel.tools.contains(document.activeElement) ? document.activeElement.dataset.tool : null;
  const { marks } = panel.paints, paints = covers(panel);
  const turn = () => { painter.on = !painter.on; setTools(stage, panel); pointAt(SHARED.point); };
  const buttons = marks ? [] : [toolButton("on", "Cover it", turn, painter.on)];
  if (paints) {
    for (const [size, words] of Object.entries(BRUSHES)) {
      const brush = toolButton(`brush-${size}`, "", change("brush", Number(size)), painter.brush === Number(size));
      brush.append(make("i", `size-${size}`));
      brush.setAttribute("aria-label", words);
      brush.title = words;
      buttons.push(brush);
    }
    for (const [fill, words] of marks ? [] : [["grey", "Grey"], ["blur", "Blur"]]) {
      buttons.push(toolButton(fill, words, () => { painter.fill = fill; if (count) paintedAnew(stage); else setTools(stage, panel); }, painter.fill === fill));
    }
  }
  if (paints || count) {
    const undoes = toolButton("undo", "Undo", () => undo(stage)), clears = toolButton("clear", "Clear", () => clearAll(stage));
    undoes.disabled = !painter.before.length;
    clears.disabled = !count;
    buttons.push(undoes, clears);
  }
  const words = painter.words || (marks ? MARK_HINT : painter.on ? PAINT_HINT : "");
  const changed = panel.paints.change && count ? [make("span", "most-changed", panel.paints.change)] : [];
  panel.tools.replaceChildren(...changed, ...buttons, ...(words ? [make("span", "caption", words)] : []));
  panel.figure.classList.toggle("paints", paints);
  panel.figure.classList.toggle("asks", Boolean(marks || panel.given.asks));
  panel.place.setAttribute("role", paints ? "application" : panel.given.action ? "button" : "img");
  const does = marks ? "paints or erases" : "covers or uncovers";
  const described = paints ? `Arrow keys move over the cells, Space ${does}` : panel.given.action;
  if (described) panel.place.setAttribute("aria-description", described);
  else panel.place.removeAttribute("aria-description");
  if (focused) panel.tools.querySelector(`[data-tool="${focused}"]`)?.focus({ preventScroll: true });
}

// Called when a panel is filled: what the server drew is what is covered, unless something newer is on its way.
function fitPainting(stage, panel, given, arrays) {
  if (!given.paints) {
    panel.tools?.remove();
    panel.paints = panel.tools = null;
    panel.figure.classList.remove("paints");
    return;
  }
  const { painter } = SHARED, { key, code, fill, whole, marks } = given.paints;
  panel.paints = { whole: arrays[whole], change: given.paints.change, marks };
  if (!panel.tools) {
    panel.tools = make("div", "tools");
    panel.tools.setAttribute("role", "group");
    panel.place.after(panel.tools);
  }
  panel.tools.setAttribute("aria-label", marks ? "Paint on the picture" : "Cover parts of the picture");
  if (painter.key !== key) {
    clearTimeout(painter.pause);
    Object.assign(painter, { key, cells: cellsOfCode(code), fill, before: [], stroke: null, waits: false, changed: false, pause: null, sent: null, words: "" });
  } else if (!isBusy(painter)) {
    if (codeNow() !== code) {
      painter.cells = cellsOfCode(code);
      if (painter.before.at(-1) === code) painter.before.pop();
    }
    painter.fill = fill;
  }
  if (marks) showOutline(panel, painter.cells, true);
  setTools(stage, panel);
}

// Called when a stage was drawn anew: what it shows of the painting is the server's newest, and what goes beyond it is drawn over.
function takePainting(stage) {
  const { painter } = SHARED, panel = stage.panels.find((one) => one.paints), sent = panel?.given.paints;
  if (!panel) return;
  painter.code = `${sent.fill} ${sent.code}`;
  painter.waits = false;
  painter.answer = (head) => answered(stage, head);
  if (painter.sent === painter.code) painter.sent = null;
  if (isBusy(painter)) drawCovered(stage);
  goOn(stage);
}
