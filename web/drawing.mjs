// Objects drawn on a canvas, as helpers/drawing.py draws them: a tint with a dark edge inside and a
// light one outside, a box, a label; small objects on top of large ones.
//
// An object is { number, name, score, box, mask }, mask as pasteMask makes it, or nothing yet.

const ALPHA = 0.45; // strength of the tint
const INK = [20, 20, 24];
const PAPER = [255, 255, 255];

// The colour [r, g, b] of an object: the same number, the same colour, always.
export function colorOf(palette, number) {
  return palette[number % palette.length];
}

// What a label says.
export function textOf(object) {
  return `${object.name} · ${percent(object.score)}`;
}

// A score from 0 to 1 as text; rounded down, since 100 % would claim certainty.
export function percent(score) {
  return `${Math.min(99, Math.floor(Number((100 * score).toFixed(3))))}\u00a0%`;
}

// Draws the objects over what is on the canvas; letters are `fontSize` pixels of it high.
export function drawObjects(canvas, objects, palette, fontSize) {
  const context = canvas.getContext("2d");
  const line = Math.max(1, Math.round(Math.sqrt(canvas.width * canvas.height) / 500));
  const largestFirst = [...objects].sort((a, b) => areaOf(b.box) - areaOf(a.box));
  for (const object of largestFirst) {
    const color = colorOf(palette, object.number);
    if (object.mask) tint(context, object.mask, color, line);
    const [x1, y1, x2, y2] = object.box.map(Math.round);
    context.strokeStyle = css(color);
    context.lineWidth = line;
    context.strokeRect(x1 + line / 2, y1 + line / 2, x2 - x1 - line, y2 - y1 - line);
  }
  context.font = `600 ${fontSize}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const taken = [];
  for (const object of objects) {
    const text = textOf(object);
    const chip = { width: context.measureText(text).width + fontSize * 0.6, height: fontSize * 1.4 };
    const place = placeOf(chip, object.box, taken, canvas);
    if (place === null) continue; // no room: the list below names it
    taken.push(place);
    const color = colorOf(palette, object.number);
    context.fillStyle = css(color);
    context.fillRect(...place);
    context.fillStyle = css(letterColor(color));
    context.fillText(text, place[0] + fontSize * 0.3, place[1] + chip.height / 2);
  }
}

// Blends a mask and its edges into the canvas.
function tint(context, mask, color, line) {
  if (mask.width === 0 || mask.height === 0) return;
  const margin = 2 * line; // for the light edge, and for the neighbours of its pixels
  const width = mask.width + 2 * margin;
  const height = mask.height + 2 * margin;
  const inside = new Uint8Array(width * height);
  for (let y = 0; y < mask.height; y += 1) {
    const row = mask.inside.subarray(y * mask.width, (y + 1) * mask.width);
    inside.set(row, (y + margin) * width + margin);
  }
  const layer = new ImageData(width, height);
  const dark = color.map((channel) => Math.floor(channel / 3));
  const up = line * width;
  for (let y = line; y < height - line; y += 1) {
    for (let x = line; x < width - line; x += 1) {
      const at = y * width + x;
      const num = inside[at - line] + inside[at + line] + inside[at - up] + inside[at + up];
      if (inside[at] === 1 && num === 4) put(layer.data, at, color, ALPHA);
      else if (inside[at] === 1) put(layer.data, at, dark, 1);
      else if (num > 0) put(layer.data, at, PAPER, 1);
    }
  }
  const scratch = document.createElement("canvas");
  scratch.width = width;
  scratch.height = height;
  scratch.getContext("2d").putImageData(layer, 0, 0);
  context.drawImage(scratch, mask.left - margin, mask.top - margin);
}

function put(data, pixel, [red, green, blue], alpha) {
  data[4 * pixel] = red;
  data[4 * pixel + 1] = green;
  data[4 * pixel + 2] = blue;
  data[4 * pixel + 3] = Math.round(255 * alpha);
}

// Where a label goes, [x, y, width, height]: at its box, inside the picture, clear of other labels;
// null where there is no such place.
function placeOf({ width, height }, [x1, y1, x2, y2], taken, canvas) {
  const places = [
    [x1, y1 - height], [x2 - width, y1 - height], [x1, y2], [x2 - width, y2], [x1, y1],
    [x1, y1 + height], [x1, y1 + 2 * height],
  ];
  for (const place of places) {
    const x = Math.max(0, Math.min(place[0], canvas.width - width));
    const y = Math.max(0, Math.min(place[1], canvas.height - height));
    const isFree = taken.every(([otherX, otherY, otherWidth, otherHeight]) => (
      x + width <= otherX || otherX + otherWidth <= x
      || y + height <= otherY || otherY + otherHeight <= y
    ));
    if (isFree) return [x, y, width, height];
  }
  return null;
}

function areaOf(box) {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

// Dark or light letters, whichever stand out more from the colour.
export function letterColor(color) {
  return contrast(color, INK) >= contrast(color, PAPER) ? INK : PAPER;
}

// The contrast of two colours, 1 to 21 (WCAG 2.1, "contrast ratio").
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(color) {
  const [red, green, blue] = color.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function css([red, green, blue]) {
  return `rgb(${red}, ${green}, ${blue})`;
}
