// What web/objects.mjs and web/pixels.mjs answer to the questions of tests/test_web.py: JSON in, JSON
// out. It needs Node.js and nothing else.

import fs from 'node:fs';
import { letterColor, percent } from '../web/drawing.mjs';
import { numbered, selectObjects } from '../web/objects.mjs';
import { letterbox, pasteMask } from '../web/pixels.mjs';

const FUNCTIONS = {
  letterbox: ({ pixels, width, height, limits, step }) => {
    const fitted = letterbox(Uint8ClampedArray.from(pixels), width, height, limits, step);
    return { ...fitted, input: Array.from(fitted.input) };
  },
  paste: ({ scores, side, box, width, height }) => {
    const mask = pasteMask(scores, side, box, width, height);
    return { ...mask, inside: Array.from(mask.inside) };
  },
  select: ({ logits, distances, size, options }) =>
    selectObjects(Float32Array.from(logits), Float32Array.from(distances), size, options),
  number: ({ frames }) => {
    let before = [];
    return frames.map((objects) => {
      before = numbered(objects, before);
      return before.map((object) => object.number);
    });
  },
  percent: ({ scores }) => scores.map(percent),
  letters: ({ palette }) => palette.map(letterColor),
};

const questions = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log(JSON.stringify(questions.map(([name, values]) => FUNCTIONS[name](values))));
