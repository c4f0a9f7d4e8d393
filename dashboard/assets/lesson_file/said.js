// A reader's answer beside the computed one, in the words of dashboard/lesson/said.py; a test compares the two.

const properMinus = (text) => text.replaceAll("-", "−");

// With so many digits that count, as Python's format "g" has it.
function digitsOf(value, count) {
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(count - 1).split("e"), exponent = Number(power);
  if (exponent >= -4 && exponent < count) return properMinus(String(Number(value.toPrecision(count))));
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return properMinus(`${Number(mantissa)}e${exponent < 0 ? "-" : "+"}${size}`);
}

// In running text, with two significant digits.
function twoDigits(value) {
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-4) return properMinus(value.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2"));
  const exponent = Number(Math.abs(value).toExponential(1).split("e")[1]);
  return properMinus(value.toFixed(Math.max(0, 1 - exponent)));
}

function sizeWords(value, what) {
  const shown = value < 100 ? digitsOf(value, 2) : value.toFixed(0);
  return what ? `${shown} ${what}${shown === "1" ? "" : "s"}` : shown;
}

// A share in whole percent, halves to the even one; one that would be rounded to 0 or 100 says which side of it.
function wholePercent(share) {
  const value = 100 * share, down = Math.floor(value), rest = value - down;
  if (share === 0 || share === 1) return `${value} %`;
  const rounded = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
  return `${rounded === 0 ? "below 1" : rounded === 100 ? "above 99" : rounded} %`;
}

// Parts of a sentence: [what is emphasised, what follows].
function numberWords(said, truth) {
  if (!truth) return said === null ? null : ["", `You said ${properMinus(said)}.`, ""];
  const unit = truth.unit ?? "";
  if (said === null) return ["", `Computed: ${truth.words}.`, ""];
  const words = `You said ${properMinus(said)}${unit}. Computed: ${truth.words}.`, own = Number(said);
  if (truth.value === undefined) return ["", words, ""];
  if (twoDigits(own) === twoDigits(truth.value)) return ["✓ ", words, " That is right."];
  const off = own - truth.value;
  return ["", words, ` You were ${sizeWords(Math.abs(off), unit ? "point" : "")} too ${off > 0 ? "high" : "low"}.`];
}

// The cell of a place: no other looks nearer to it, and halfway none comes after it.
const nearestCell = (line, place) => {
  let cell = 0;
  while (cell < line.length - 1 && (line[cell] + line[cell + 1]) / 2 <= place) cell++;
  return cell;
};

const stepOf = (line, side) => (line.length > 1 ? (line.at(-1) - line[0]) / (line.length - 1) : side);

const brightestPixel = ({ cell: [row, column], rows, columns }) => [rows[row], columns[column]];

function placeWords(said, truth) {
  if (!truth) return null;
  const [y, x] = brightestPixel(truth), { rows, columns, size, cell } = truth;
  const there = `brightest square around pixel row ${digitsOf(y, 3)}, column ${digitsOf(x, 3)}`;
  if (!said) return ["", `Computed: ${there}.`, ""];
  const words = `You said pixel row ${said[0]}, column ${said[1]}. Computed: ${there}.`;
  const hit = [nearestCell(rows, said[0]), nearestCell(columns, said[1])];
  if (String(hit) === String(cell)) return ["✓ ", words, " You hit it."];
  const down = y - said[0], across = x - said[1];
  const pixels = Math.hypot(down, across), cells = Math.hypot(down / stepOf(rows, size[0]), across / stepOf(columns, size[1]));
  return ["", words, ` They are ${sizeWords(pixels, "pixel")} apart, or ${sizeWords(cells, "square")} of the map.`];
}

// said: which cells are painted, row by row, or null. share, brightest, pixels: of each cell.
function outlineWords(said, truth) {
  if (!truth) return null;
  if (!said?.some(Boolean)) return ["", "No outline was painted.", ""];
  const sum = (values, counts) => values.reduce((total, value, cell) => total + (counts(cell) ? value : 0), 0);
  const [share, brightest, pixels] = [truth.share, truth.brightest, truth.pixels].map((values) => [...values]);
  const inside = Math.round(1e6 * sum(share, (cell) => said[cell]) / sum(share, () => true)) / 1e6;
  const painted = sum(pixels, (cell) => said[cell]), both = sum(brightest, (cell) => said[cell]);
  const area = painted / sum(pixels, () => true), iou = both / (painted + sum(brightest, () => true) - both);
  const words = `${wholePercent(inside)} of the map lies inside your outline, where chance would put ${wholePercent(area)}, its share of the `
    + `picture; it overlaps the map's brightest fifth by ${wholePercent(iou)} (IoU).`;
  return ["", words, ""];
}
