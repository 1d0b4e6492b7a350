// From what the network says of each cell to objects: what helpers/one_stage/head.py does in
// Python, and the numbering of objects from one frame of the camera to the next.
//
// A box is [x1, y1, x2, y2]; an object is { label, score, box }, label counted from 0.

const STRIDES = [8, 16, 32]; // of the three levels, pixels

// The objects, best first.
//
//   logits     Float32Array, cells x classes
//   distances  Float32Array, cells x 4 x bins, see boxOf
//   size       [height, width] of the network's input, pixels, of which these are the cells
//   options    { num_classes, num_candidates, num_detections, min_score, nms_iou }
export function selectObjects(logits, distances, size, options) {
  const candidates = surest(logits, distances, size, options);
  return suppress(candidates, options.nms_iou).slice(0, options.num_detections);
}

// The surest pairs of a cell and a class, best first; without those that score too little, and
// without boxes narrower than a pixel.
function surest(logits, distances, size, { num_classes, num_candidates, min_score }) {
  const least = Math.log(min_score / (1 - min_score)); // the sigmoid need not be computed for all
  const pairs = [];
  for (let pair = 0; pair < logits.length; pair += 1) {
    if (logits[pair] >= least) pairs.push(pair);
  }
  pairs.sort((a, b) => logits[b] - logits[a] || a - b);
  const objects = [];
  for (const pair of pairs.slice(0, num_candidates)) {
    const cell = Math.floor(pair / num_classes);
    const box = boxOf(cell, distances, size);
    if (box[2] - box[0] >= 1 && box[3] - box[1] >= 1) {
      objects.push({ label: pair % num_classes, score: sigmoid(logits[pair]), box });
    }
  }
  return objects;
}

// The box of a cell, cut at the border: its four sides are as many strides away from the cell's
// centre as the softmax over the bins 0, 1, … says on average.
function boxOf(cell, distances, [height, width]) {
  const bins = distances.length / numCells([height, width]) / 4;
  const { x, y, stride } = placeOf(cell, [height, width]);
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => {
    const start = (4 * cell + side) * bins;
    return stride * meanBin(distances.subarray(start, start + bins));
  });
  const inside = (value, limit) => Math.min(Math.max(value, 0), limit);
  return [
    inside(x - left, width), inside(y - top, height),
    inside(x + right, width), inside(y + bottom, height),
  ];
}

function meanBin(logits) {
  const highest = Math.max(...logits);
  let sum = 0;
  let weighted = 0;
  logits.forEach((logit, bin) => {
    const power = Math.exp(logit - highest);
    sum += power;
    weighted += bin * power;
  });
  return weighted / sum;
}

// Where a cell stands: cells are counted level by level, row by row.
function placeOf(cell, [height, width]) {
  let rest = cell;
  for (const stride of STRIDES) {
    const columns = width / stride;
    const here = columns * (height / stride);
    if (rest < here) {
      const row = Math.floor(rest / columns);
      return { x: ((rest % columns) + 0.5) * stride - 0.5, y: (row + 0.5) * stride - 0.5, stride };
    }
    rest -= here;
  }
  throw new RangeError(`there is no cell ${cell}`);
}

function numCells([height, width]) {
  return STRIDES.reduce((sum, stride) => sum + (height / stride) * (width / stride), 0);
}

// Non-maximum suppression: an object stays unless a better one of its class, which itself stays,
// overlaps it by more than `limit`.
function suppress(objects, limit) {
  const kept = [];
  for (const object of objects) {
    const isCopy = kept.some(
      (better) => better.label === object.label && overlap(better.box, object.box) > limit,
    );
    if (!isCopy) kept.push(object);
  }
  return kept;
}

// Intersection over union of two boxes, 0 to 1.
export function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

function area(box) {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

function sigmoid(logit) {
  return 1 / (1 + Math.exp(-logit));
}

// Objects with numbers, from which their colours follow. One that was there before, of the same
// class and overlapping, keeps its number; others get the lowest that is free.
export function numbered(objects, before = []) {
  const left = [...before];
  const result = objects.map((object) => {
    const rivals = left.filter((old) => old.label === object.label);
    const [best] = rivals.sort((a, b) => overlap(b.box, object.box) - overlap(a.box, object.box));
    if (!best || overlap(best.box, object.box) < 0.3) return { ...object };
    left.splice(left.indexOf(best), 1);
    return { ...object, number: best.number };
  });
  const taken = new Set(result.map((object) => object.number));
  let free = 0;
  for (const object of result) {
    if (object.number !== undefined) continue;
    while (taken.has(free)) free += 1;
    object.number = free;
    taken.add(free);
  }
  return result;
}
