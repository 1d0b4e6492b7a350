// Pixels in and out of the network, as helpers/mask_rcnn/ does it in Python: a picture fitted into
// its input, masks put back where they belong. A browser's own scaling differs from one to the
// next; this is the same in all of them.

const GREY = 127; // below or to the right of the picture

// A picture fitted into the network's input, as a whole. What would be grey alone is left out.
//
//   pixels         RGBA, as a canvas gives them; width x height
//   limits         [height, width] of the largest input
//   step           of whose multiples the sides of an input are
//
// Returns { input: Uint8Array of height x width x 3, size: [height, width],
// scale: pixels of the input per pixel }.
export function letterbox(pixels, width, height, limits, step) {
  const scale = Math.min(limits[0] / height, limits[1] / width);
  const newWidth = Math.max(1, roundHalfToEven(width * scale));
  const newHeight = Math.max(1, roundHalfToEven(height * scale));
  const inputWidth = step * Math.ceil(newWidth / step);
  const inputHeight = step * Math.ceil(newHeight / step);
  const weigh = scale < 1 ? areaWeights : linearWeights;
  const columns = weigh(width, newWidth);
  const rows = weigh(height, newHeight);

  const input = new Uint8Array(inputHeight * inputWidth * 3).fill(GREY);
  const sums = new Float64Array(newWidth * 3);
  for (let y = 0; y < newHeight; y += 1) {
    sums.fill(0);
    rows[y].shares.forEach((share, i) => {
      addRow(sums, pixels, (rows[y].first + i) * width, columns, share);
    });
    const start = y * inputWidth * 3;
    for (let i = 0; i < sums.length; i += 1) input[start + i] = roundHalfToEven(sums[i]);
  }
  return { input, size: [inputHeight, inputWidth], scale };
}

// Adds a row of the picture, which begins at pixel `start`, shrunk or stretched to the given
// columns, to sums of three channels.
function addRow(sums, pixels, start, columns, rowShare) {
  for (let x = 0; x < columns.length; x += 1) {
    const { first, shares } = columns[x];
    for (let i = 0; i < shares.length; i += 1) {
      const at = 4 * (start + first + i);
      const weight = rowShare * shares[i];
      sums[3 * x] += weight * pixels[at];
      sums[3 * x + 1] += weight * pixels[at + 1];
      sums[3 * x + 2] += weight * pixels[at + 2];
    }
  }
}

// For each of `to` new cells, larger than the old ones: the first old one under it, and the share
// that each from there on has in it.
function areaWeights(from, to) {
  const step = from / to;
  return Array.from({ length: to }, (_, cell) => {
    const low = cell * step;
    const high = Math.min(from, low + step);
    const first = Math.floor(low);
    const shares = [];
    for (let old = first; old < high; old += 1) {
      shares.push((Math.min(high, old + 1) - Math.max(low, old)) / (high - low));
    }
    return { first, shares };
  });
}

// The same for new cells that are smaller: the two old ones beside the centre, interpolated.
function linearWeights(from, to) {
  const step = from / to;
  return Array.from({ length: to }, (_, cell) => {
    const at = Math.min(Math.max((cell + 0.5) * step - 0.5, 0), from - 1);
    const first = Math.floor(at);
    const shares = first === from - 1 ? [1] : [1 - (at - first), at - first];
    return { first, shares };
  });
}

// As Python rounds: a half goes to the even neighbour.
function roundHalfToEven(value) {
  const rounded = Math.round(value);
  const isTie = rounded - value === 0.5;
  return isTie && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

// A mask on the grid of its box, put back where the box is in the picture. Cells and pixels count
// at their centres, and between centres of cells the score is interpolated.
//
//   scores  side x side numbers, 0 to 1
//   box     [x1, y1, x2, y2], pixels of the picture; it may reach beyond
//
// Returns { left, top, width, height, inside: Uint8Array of height x width, 1 or 0 }.
export function pasteMask(scores, side, box, imageWidth, imageHeight, threshold = 0.5) {
  const columns = cellsUnder(box[0], box[2], imageWidth, side);
  const rows = cellsUnder(box[1], box[3], imageHeight, side);
  const width = columns.places.length;
  const height = rows.places.length;
  const inside = new Uint8Array(width * height);
  rows.places.forEach(([upper, lower, down], y) => {
    columns.places.forEach(([left, right, along], x) => {
      const above = mix(scores[upper * side + left], scores[upper * side + right], along);
      const below = mix(scores[lower * side + left], scores[lower * side + right], along);
      inside[y * width + x] = mix(above, below, down) >= threshold ? 1 : 0;
    });
  });
  return { left: columns.first, top: rows.first, width, height, inside };
}

function mix(a, b, share) {
  return a + (b - a) * share;
}

// The pixels whose centres lie between `low` and `high`: the first, and for each of them the cells
// before and after it and the share of the latter.
function cellsUnder(low, high, length, side) {
  const first = Math.max(0, Math.ceil(low - 0.5));
  const places = [];
  for (let pixel = first; pixel < length && pixel + 0.5 < high; pixel += 1) {
    const at = ((pixel + 0.5 - low) / (high - low)) * side - 0.5;
    const inGrid = Math.min(Math.max(at, 0), side - 1);
    const before = Math.floor(inGrid);
    places.push([before, Math.min(before + 1, side - 1), inGrid - before]);
  }
  return { first, places };
}
