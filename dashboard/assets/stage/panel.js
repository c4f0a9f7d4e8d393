// One panel: its title, its canvas with the mark of the pointer, and what stands below.

function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function helpMark(words) {
  const help = make("abbr", "help", "?");
  help.title = words;
  return help;
}

const short = (value) => String(Number(value.toPrecision(3))).replaceAll("-", "−");

function makePanel() {
  const figure = make("figure", "panel"), title = make("figcaption", "title"), place = make("div", "place");
  const canvas = make("canvas"), mark = make("div", "mark"), below = make("div", "below");
  mark.hidden = true;
  canvas.setAttribute("aria-hidden", "true"); // the words are the place's
  place.append(canvas, mark);
  figure.append(title, place, below);
  return { figure, title, place, canvas, mark, below };
}

// A panel as it was sent, with the arrays in the place of their numbers. fade: milliseconds, 0 for none.
function fillPanel(panel, given, arrays, fade) {
  const of = (number) => (number === null ? null : arrays[number]), old = panel.sent?.values, shown = panel.shown?.values;
  panel.given = given;
  panel.sent = {
    picture: of(given.picture), values: of(given.values), painted: given.painted, top: given.top, size: given.size,
    rows: of(given.rows), columns: of(given.columns),
    drawing: given.drawing && { ...given.drawing, table: of(given.drawing.table) },
  };
  panel.shown = panel.sent;
  const { figure, place } = panel;
  figure.style.setProperty("--width", `${given.width}px`);
  figure.classList.toggle("chosen", given.chosen);
  figure.classList.toggle("small", given.width <= 144); // three in a row on a phone
  figure.classList.toggle("empty", !given.picture && !given.painted && given.picture !== 0);
  place.dataset.picture = given.name;
  place.style.aspectRatio = `${given.size[1]} / ${given.size[0]}`;
  place.setAttribute("aria-label", given.alt);
  place.setAttribute("role", given.action ? "button" : "img");
  if (given.action) place.setAttribute("aria-description", given.action);
  else place.removeAttribute("aria-description");
  if (given.picks) place.setAttribute("aria-pressed", String(given.chosen));
  place.classList.toggle("acts", Boolean(given.action));
  place.tabIndex = given.tab;
  figure.classList.toggle("veiled", given.veiled);
  figure.classList.toggle("asks", Boolean(given.asks));
  if (given.asks) {
    place.setAttribute("role", "button");
    place.setAttribute("aria-description", given.asks);
  }
  setTitle(panel, "");
  fillBelow(panel, given);
  const values = of(given.values);
  if (fade && old && values && !isSame(old, values) && !isSame(shown, values)) fadeOut(panel, fade);
  drawPanel(panel);
  showSpots(panel);
  showOutline(panel, given.outline ? cellsOfCode(given.outline) : null, false);
  takeTurns(panel, of(given.turn));
}

const isSame = (one, other) => one.data.length === other.data.length && one.data.every((value, at) => value === other.data[at]);

const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

// What is on the canvas lies over it, and fades out: below is the new map, as it was computed.
function fadeOut(panel, milliseconds) {
  panel.ghost?.remove();
  if (STILL.matches) return;
  const ghost = (panel.ghost = panel.canvas.cloneNode());
  ghost.className = "ghost";
  ghost.getContext("2d").drawImage(panel.canvas, 0, 0);
  panel.canvas.after(ghost);
  ghost.animate([{ opacity: 1 }, { opacity: 0 }], { duration: milliseconds, fill: "forwards" }).onfinish = () => ghost.remove();
}

// Places that are marked for as long as the panel shows what it was sent: in the map alone, in the middle of their cells. The
// words of the upper one stand above it, those of the lower one below.
function showSpots(panel) {
  const { place, given } = panel, highest = Math.min(...given.spots.map(({ down }) => down));
  for (const old of place.querySelectorAll(".spot")) old.remove();
  for (const { down, along, kind, words, tall, wide } of given.spots) {
    let [y, x] = [down, along];
    if (!panel.shown.picture && !wide) [y, x] = boxOf(panel, cellAt(panel, { x, y })).map(([from, to]) => (from + to) / 2);
    const spot = make("span", `spot ${kind}`), isUpper = down === highest ? down > 0.12 : down > 0.88;
    spot.append(make("span", "form"), make("span", "words", words));
    spot.classList.add(isUpper ? "upper" : "lower", x < 0.2 ? "first" : x > 0.8 ? "last" : "middle");
    Object.assign(spot.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    if (wide) Object.assign(spot.style, { width: `${100 * wide}%`, height: `${100 * tall}%` });
    place.append(spot);
  }
}

// Two maps in one place, each for 0.8 s: far below the three flashes a second that can harm.
function takeTurns(panel, other) {
  clearInterval(panel.turns);
  if (!other) return;
  const { sent, given } = panel, second = { ...sent, values: other };
  panel.turns = setInterval(() => {
    if (!panel.figure.isConnected) return clearInterval(panel.turns);
    panel.shown = panel.shown === sent ? second : sent;
    panel.title.firstChild.textContent = panel.shown === sent ? given.title : given.turn_title;
    drawPanel(panel);
  }, 800);
}

function setTitle(panel, preview) {
  const { title, given } = panel;
  title.hidden = !given.title;
  title.classList.toggle("preview", Boolean(preview));
  title.replaceChildren(make("span", "", preview ? `${given.title} · ${preview}` : given.title));
  if (given.help) title.append(helpMark(given.help));
}

function fillBelow(panel, given) {
  const parts = [];
  if (given.badge) parts.push(make("span", "badge", given.badge));
  if (given.bar) parts.push(colourBar(panel));
  if (given.slider) parts.push(panel.slider ?? make("span"));
  if (given.caption) parts.push(make("span", "caption", given.caption));
  panel.below.replaceChildren(...parts);
}

function colourBar(panel) {
  const bar = make("div", "colour-bar"), colours = make("span", "colours"), ends = make("span", "ends");
  bar.append(colours, ends);
  panel.bar = { colours, ends };
  return bar;
}

function drawBar({ bar, shown, given }) {
  if (!given.bar || !bar) return;
  const { table, signed } = shown.drawing, count = table.shape[0], stops = [];
  for (let place = 0; place < count; place += 6) stops.push(`rgb(${table.data.subarray(3 * place, 3 * place + 3).join()})`);
  bar.colours.style.backgroundImage = `linear-gradient(to right, ${stops.join()})`;
  const low = signed ? -shown.top : 0;
  bar.ends.replaceChildren(...[low, (low + shown.top) / 2, shown.top].map((value) => make("span", "", short(value))));
}

function drawPanel(panel) {
  const { canvas, shown } = panel, [height, width] = shown.size;
  if (!shown.picture && !shown.painted) {
    canvas.width = canvas.height = 1;
    return;
  }
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(paint(shown), 0, 0);
  drawBar(panel);
}

// Another map in the panel's place, on its own scale unless all have one; null for the panel's own. looks: where its cells look.
function previewPanel(panel, values, name, looks) {
  const { sent, given } = panel;
  if (!values) {
    panel.shown = sent;
  } else {
    const top = given.common ? sent.top : largest(values.data), low = lowest(values.data);
    const painted = Number.isFinite(top) && low < highest(values.data);
    const ground = sent.picture ?? values, times = Math.max(1, Math.floor(given.width / ground.shape[1]));
    panel.shown = { ...sent, ...looks, values, painted, top, size: [ground.shape[0] * times, ground.shape[1] * times] };
  }
  setTitle(panel, values ? `preview: ${name}` : "");
  // a shorter caption must not move what is pointed at from under the pointer
  if (!values) panel.below.style.minHeight = "";
  else if (!panel.below.style.minHeight) panel.below.style.minHeight = `${panel.below.offsetHeight}px`;
  const caption = panel.below.querySelector(".caption");
  if (caption) caption.textContent = values ? `${values.shape[0]} × ${values.shape[1]} cells` : given.caption;
  drawPanel(panel);
}

// Section: cells

function cellsOf(panel) {
  if (covers(panel)) return [CELLS, CELLS];
  const { picture, values } = panel.shown;
  return panel.given.grid ?? (values ?? picture)?.shape.slice(0, 2) ?? [1, 1];
}

// Where the cells of a panel's map look, and how large the picture is that they look at: null for those that are stretched. A
// point is a share of the picture, also in a panel that draws the map alone, in cells of one size.
function looksOf({ shown: { rows, columns }, given: { ground } }) {
  return rows && ground ? [[rows.data, ground[0]], [columns.data, ground[1]]] : null;
}

function cellAt(panel, { x, y }) {
  const looks = looksOf(panel), [rows, columns] = cellsOf(panel);
  if (looks) return [y, x].map((share, axis) => nearestLooking(looks[axis][0], [share * looks[axis][1] - 0.5])[0]);
  return [clip(Math.floor(y * rows), 0, rows - 1), clip(Math.floor(x * columns), 0, columns - 1)];
}

// The part of the panel where a cell is drawn, as shares: from where to where, down and across.
function boxOf(panel, cell) {
  const looks = panel.shown.picture && looksOf(panel), cells = cellsOf(panel);
  if (!looks) return cell.map((place, axis) => [place / cells[axis], (place + 1) / cells[axis]]);
  return cell.map((place, axis) => {
    const [line, size] = looks[axis];
    const half = (before) => ((line[before] + line[before + 1]) / 2 + 0.5) / size;
    return [place > 0 ? clip(half(place - 1), 0, 1) : 0, place < line.length - 1 ? clip(half(place), 0, 1) : 1];
  });
}

// Where a cell looks, as shares of the picture.
function middleOf(panel, cell) {
  const looks = looksOf(panel), cells = cellsOf(panel);
  const [y, x] = cell.map((place, axis) => (
    looks ? clip((looks[axis][0][place] + 0.5) / looks[axis][1], 0, 1) : (place + 0.5) / cells[axis]
  ));
  return { place: panel.given.place, x, y };
}

function markCell(panel, point) {
  const { place, mark } = panel;
  mark.hidden = !point;
  if (!point) {
    delete place.dataset.pointed;
    return;
  }
  const cell = cellAt(panel, point), [[top, bottom], [left, right]] = boxOf(panel, cell);
  place.dataset.pointed = String(cell);
  Object.assign(mark.style, {
    left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
}

// What a panel has at a point: the number of its map, or the three of its picture.
function readPanel(panel, point) {
  const { picture, values } = panel.shown, [row, column] = cellAt(panel, point);
  if (values) return digits(values.data[row * values.shape[1] + column]);
  if (!picture) return "";
  const [rows, columns] = cellsOf(panel);
  const y = Math.floor((row + 0.5) * picture.shape[0] / rows), x = Math.floor((column + 0.5) * picture.shape[1] / columns);
  const from = 3 * (y * picture.shape[1] + x);
  return [...picture.data.subarray(from, from + 3)].join(" ");
}
