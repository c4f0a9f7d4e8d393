// A table of counts, true classes in rows, predicted ones in columns; each cell is a button. Arrow keys move.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const LOW = [240, 240, 246], HIGH = [63, 30, 120], WHITE_TEXT_ABOVE = 0.4; // either is at least 4.5 to 1 on every share

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Darker for a larger share of the row; by the root of the share, so that small counts can be told apart.
function paint(button, share) {
  const mixed = LOW.map((low, channel) => Math.round(low + (HIGH[channel] - low) * Math.sqrt(share)));
  button.style.background = `rgb(${mixed})`;
  button.style.color = share > WHITE_TEXT_ABOVE ? "white" : "black";
}

function cell(data, row, column) {
  const count = data.counts[row][column], total = data.counts[row].reduce((sum, one) => sum + one, 0);
  const button = element("button", count, { type: "button", "data-row": row, "data-column": column, tabindex: -1 });
  button.title = `true ${data.classes[row]}, predicted ${data.classes[column]}: ${count.toLocaleString("en")} images`;
  button.setAttribute("aria-label", button.title);
  paint(button, total ? count / total : 0);
  const place = element("td");
  place.append(button);
  return place;
}

function build(table, data) {
  const size = data.classes.length, head = element("tr"), over = element("tr");
  over.append(element("td", "", { colspan: 2 }), element("th", "predicted", { colspan: size, class: "axis" }));
  head.append(element("td", "", { colspan: 2 }));
  for (const name of data.classes) {
    const column = element("th", undefined, { scope: "col" });
    column.append(element("span", name));
    head.append(column);
  }
  const rows = data.classes.map((name, row) => {
    const line = element("tr");
    if (row === 0) line.append(element("th", "true", { rowspan: size, class: "axis side" }));
    line.append(element("th", name, { scope: "row" }), ...data.classes.map((_, column) => cell(data, row, column)));
    return line;
  });
  table.replaceChildren(over, head, ...rows);
}

function frame(table, data) {
  const some = data.true !== null || data.predicted !== null;
  for (const button of table.querySelectorAll("button")) {
    const row = Number(button.dataset.row), column = Number(button.dataset.column);
    const chosen = some && [null, row].includes(data.true) && [null, column].includes(data.predicted);
    button.classList.toggle("chosen", chosen);
    button.setAttribute("aria-pressed", String(chosen));
  }
  const entry = table.querySelector(`[data-row="${data.true ?? 0}"][data-column="${data.predicted ?? 0}"]`);
  table.querySelectorAll('[tabindex="0"]').forEach((button) => { button.tabIndex = -1; });
  entry.tabIndex = 0;
}

function move(table, event) {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const row = Number(event.target.dataset.row) + step[0], column = Number(event.target.dataset.column) + step[1];
  const next = table.querySelector(`[data-row="${row}"][data-column="${column}"]`);
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const table = parentElement.querySelector(".confusion");
  table.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) setTriggerValue("cell", [Number(button.dataset.row), Number(button.dataset.column)]);
  };
  table.onkeydown = (event) => move(table, event);
  const content = JSON.stringify([data.counts, data.classes]);
  if (table.dataset.content !== content) {
    table.dataset.content = content;
    table.setAttribute("aria-label", data.words);
    build(table, data);
  }
  frame(table, data);
}
