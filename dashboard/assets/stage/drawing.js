// Maps as pixels. Every step is that of explain_lib/cam/drawing.py, in double precision and in the
// same order, so that both give the same pixels.

const HALF = 0.5, INSIDE = 2, OUTSIDE = 1; // the contour's share of the maximum, and the widths of its two lines
const DASH = 4, LEAST_BORDER = 0.5; // of the line around the cells: its dashes, and the border that it needs, in cells
const MIDDLE = 127; // of the colours of signed maps

// To the nearest whole number, halves to the even one.
function rint(value) {
  const up = Math.floor(value + 0.5);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function nearestCells(cells, size) {
  return Int32Array.from({ length: size }, (_, place) => Math.floor((2 * place + 1) * cells / (2 * size)));
}

// For each of `size` pixels: the cell before, the one after, and how far it lies from the one towards the other.
function between(cells, size) {
  const before = new Int32Array(size), after = new Int32Array(size), along = new Float64Array(size);
  for (let place = 0; place < size; place++) {
    const at = Math.min(Math.max((place + 0.5) * cells / size - 0.5, 0), cells - 1);
    before[place] = Math.floor(at);
    after[place] = Math.min(before[place] + 1, cells - 1);
    along[place] = at - before[place];
  }
  return { before, after, along };
}

// Where the middle of each pixel of the drawing lies, in pixels of the picture, which has `own` of them.
const placesOf = (own, size) => Float64Array.from({ length: size }, (_, place) => (place + 0.5) * own / size - 0.5);

// The cell of each place that looks nearest to it; halfway, the one after.
function nearestLooking(line, places) {
  const found = new Int32Array(places.length);
  for (let place = 0, cell = 0; place < places.length; place++) {
    while (cell < line.length - 1 && (line[cell] + line[cell + 1]) / 2 <= places[place]) cell++;
    found[place] = cell;
  }
  return found;
}

function betweenLooking(line, places) {
  const size = places.length, last = line.length - 1;
  const before = new Int32Array(size), after = new Int32Array(size), along = new Float64Array(size);
  for (let place = 0, cell = 0; place < size; place++) {
    while (cell < last - 1 && line[cell + 1] <= places[place]) cell++;
    before[place] = cell;
    after[place] = Math.min(cell + 1, last);
    const gap = after[place] > cell ? line[cell + 1] - line[cell] : 1;
    along[place] = clip((places[place] - line[cell]) / gap, 0, 1);
  }
  return { before, after, along };
}

// The first and the last pixel within the cells, null where the border beyond is too narrow to be marked.
function endsLooking(line, places) {
  const last = line.length - 1;
  if (last < 1) return [null, null];
  const before = (line[1] - line[0]) / 2, after = (line[last] - line[last - 1]) / 2;
  const low = line[0] - before, high = line[last] + after, edge = places[0] + places[places.length - 1];
  const first = places.findIndex((place) => place >= low);
  let end = places.length - 1;
  while (end >= 0 && places[end] > high) end--;
  return [low + 0.5 >= 2 * LEAST_BORDER * before ? first : null, edge - high + 0.5 >= 2 * LEAST_BORDER * after ? end : null];
}

function largest(values) {
  let top = 0;
  for (const value of values) top = Math.max(top, Math.abs(value));
  return top;
}

function highest(values) {
  let top = -Infinity;
  for (const value of values) top = Math.max(top, value);
  return top;
}

function lowest(values) {
  let low = Infinity;
  for (const value of values) low = Math.min(low, value);
  return low;
}

// The shares of the reach of all pixels, row by row. Not smooth, a row of cells is the same in all of its rows of pixels.
// looking: where the pixels of the drawing lie and the cells look, null for cells that are stretched.
function enlargedShares({ data, shape: [rows, columns] }, top, height, width, smooth, looking) {
  const share = new Float64Array(data.length), large = new Float64Array(height * width);
  for (let at = 0; at < data.length; at++) share[at] = top > 0 ? data[at] / top : 0;
  if (!smooth) {
    const down = looking ? nearestLooking(looking.rows, looking.down) : nearestCells(rows, height);
    const along = looking ? nearestLooking(looking.columns, looking.across) : nearestCells(columns, width);
    for (let y = 0; y < height; y++) {
      if (y > 0 && down[y] === down[y - 1]) large.copyWithin(y * width, (y - 1) * width, y * width);
      else for (let x = 0, at = y * width, row = down[y] * columns; x < width; x++) large[at++] = share[row + along[x]];
    }
    return large;
  }
  const y = looking ? betweenLooking(looking.rows, looking.down) : between(rows, height);
  const x = looking ? betweenLooking(looking.columns, looking.across) : between(columns, width);
  const across = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let place = 0; place < width; place++) {
      const f = x.along[place], start = row * columns;
      across[row * width + place] = share[start + x.before[place]] * (1 - f) + share[start + x.after[place]] * f;
    }
  }
  for (let row = 0, at = 0; row < height; row++) {
    const f = y.along[row], first = y.before[row] * width, second = y.after[row] * width;
    for (let place = 0; place < width; place++) large[at++] = across[first + place] * (1 - f) + across[second + place] * f;
  }
  return large;
}

const clip = (value, low, high) => Math.min(Math.max(value, low), high);

// The number of the colour, from 0.
function step(share, signed) {
  return signed ? clip(rint(share * MIDDLE) + MIDDLE, 0, 2 * MIDDLE) : clip(rint(share * 255), 0, 255);
}

// White within the edge of what is at or above half, black around it.
function drawContour(pixels, shares, half, height, width) {
  const above = new Uint8Array(shares.length), whole = new Uint32Array(pixels.buffer);
  for (let at = 0; at < shares.length; at++) above[at] = shares[at] >= half ? 1 : 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const here = above[at], reach = here ? INSIDE : OUTSIDE;
      for (let by = 1; by <= reach; by++) {
        if ((y >= by && above[at - by * width] !== here) || (y + by < height && above[at + by * width] !== here)
          || (x >= by && above[at - by] !== here) || (x + by < width && above[at + by] !== here)) {
          whole[at] = here ? WHITE : BLACK;
          break;
        }
      }
    }
  }
}

const WHITE = 0xffffffff, BLACK = 0xff000000; // opaque, whichever end comes first

// Black and white dashes along each end of the cells beyond which the border is wide enough.
function drawBorder(pixels, looking, height, width) {
  const [top, bottom] = endsLooking(looking.rows, looking.down), [left, right] = endsLooking(looking.columns, looking.across);
  const whole = new Uint32Array(pixels.buffer);
  const dash = (y, x) => { whole[y * width + x] = Math.floor((y + x) / DASH) % 2 ? WHITE : BLACK; };
  for (const y of [top, bottom]) {
    if (y !== null) for (let x = left ?? 0; x <= (right ?? width - 1); x++) dash(y, x);
  }
  for (const x of [left, right]) {
    if (x !== null) for (let y = top ?? 0; y <= (bottom ?? height - 1); y++) dash(y, x);
  }
}

// The picture alone, the map alone, or the map over the picture: RGBA of the canvas's size. A row of pixels that has the same
// pixels of the picture and the same cells of the map as the one above is copied.
function paint({ picture, values, painted, drawing, top, rows: cellRows, columns: cellColumns, size: [height, width] }) {
  const pixels = new Uint8ClampedArray(4 * height * width), smooth = Boolean(picture) && drawing.smooth;
  const down = picture && nearestCells(picture.shape[0], height), along = picture && nearestCells(picture.shape[1], width);
  const looking = painted && picture && cellRows && {
    rows: cellRows.data, columns: cellColumns.data,
    down: placesOf(picture.shape[0], height), across: placesOf(picture.shape[1], width),
  };
  const rows = painted && (looking ? nearestLooking(looking.rows, looking.down) : nearestCells(values.shape[0], height));
  const shares = painted ? enlargedShares(values, top, height, width, smooth, looking) : null;
  for (let y = 0; y < height; y++) {
    const same = y > 0 && !(painted && smooth) && (!down || down[y] === down[y - 1]) && (!rows || rows[y] === rows[y - 1]);
    if (same) pixels.copyWithin(4 * y * width, 4 * (y - 1) * width, 4 * y * width);
    else paintRow(pixels, y * width, width, drawing, shares, picture, picture && down[y] * picture.shape[1], along);
  }
  const up = painted && picture && drawing.contour ? highest(values.data) : 0;
  if (up > 0 && top > 0) drawContour(pixels, shares, up / top * HALF, height, width);
  if (looking && drawing.border) drawBorder(pixels, looking, height, width);
  return new ImageData(pixels, width, height);
}

// One row of pixels from `start` on. shares: null for the picture alone. row: where its row of the picture begins.
function paintRow(pixels, start, width, drawing, shares, picture, row, along) {
  const { strength, follows, signed } = drawing, table = drawing.table.data;
  for (let x = 0, at = start; x < width; x++, at++) {
    const from = picture ? 3 * (row + along[x]) : 0, to = 4 * at;
    pixels[to + 3] = 255;
    if (!shares) {
      for (let channel = 0; channel < 3; channel++) pixels[to + channel] = picture.data[from + channel];
      continue;
    }
    const share = shares[at], colour = 3 * step(share, signed);
    const part = follows ? Math.abs(clip(share, -1, 1)) * strength : strength;
    for (let channel = 0; channel < 3; channel++) {
      const painting = table[colour + channel];
      pixels[to + channel] = picture ? rint((1 - part) * picture.data[from + channel] + part * painting) : painting;
    }
  }
}

// The fewest digits that name this float32 and no other.
function digits(value) {
  if (!Number.isFinite(value)) return String(value).replaceAll("-", "−");
  for (let count = 1; count < 9; count++) {
    const text = value.toPrecision(count);
    if (Math.fround(Number(text)) === value) return String(Number(text)).replaceAll("-", "−");
  }
  return String(Number(value.toPrecision(9))).replaceAll("-", "−");
}
