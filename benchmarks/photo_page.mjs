// The scripts of the site's page in Node.js, which has a browser's JavaScript and WebAssembly: they
// answer the questions that benchmarks/photo_ways.py describes, on one thread, as in a page that
// is not isolated.
//
//   node benchmarks/photo_page.mjs FOLDER     the folder as .ci/browser_page.py writes it

import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const folder = path.resolve(process.argv[2]);
const begun = performance.now();
const { Model } = await import(pathToFileURL(path.join(folder, 'model.mjs')).href);
const runtime = path.join(folder, 'runtime');
const ort = await import(pathToFileURL(path.join(runtime, 'ort.wasm.min.mjs')).href);
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = `${pathToFileURL(runtime).href}/`;
ort.env.wasm.wasmBinary = fs.readFileSync(path.join(runtime, 'ort-wasm-simd-threaded.wasm'));
const sessions = [];
for (const name of ['detect', 'masks']) {
  const graph = fs.readFileSync(path.join(folder, 'model', `${name}.onnx`));
  sessions.push(await ort.InferenceSession.create(graph, { executionProviders: ['wasm'] }));
}
const about = JSON.parse(fs.readFileSync(path.join(folder, 'model/about.json'), 'utf8'));
const model = new Model(ort, sessions, about, 1);
const [height, width] = about.image_size;
await detect(new Uint8ClampedArray(4 * width * height), width, height, 0.5); // warms up
console.log(JSON.stringify({ loaded: (performance.now() - begun) / 1000 }));

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { file, size: [rows, columns], least } = JSON.parse(line);
  const pixels = opaque(fs.readFileSync(file));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const objects = await detect(pixels, columns, rows, least);
  const took = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({
    wall: took / 1000,
    cpu: (user + system) / 1e6,
    boxes: objects.map((object) => object.box),
    names: objects.map((object) => object.name),
    scores: objects.map((object) => object.score),
    masks: objects.map((object) => runs(object.mask, columns, rows)),
  }));
}

// The objects of a picture from a score on, with masks.
async function detect(pixels, columns, rows, least) {
  const found = await model.find(pixels, columns, rows);
  await model.addMasks(found, least);
  return found.objects.filter((object) => object.score >= least);
}

// RGB as RGBA.
function opaque(rgb) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0; i < rgb.length / 3; i += 1) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}

// A mask as the lengths of its runs down the columns, as COCO counts them: outside comes first.
function runs({ left, top, width: across, height: down, inside }, columns, rows) {
  const counts = [0];
  let before = 0;
  for (let x = 0; x < columns; x += 1) {
    for (let y = 0; y < rows; y += 1) {
      const isIn = x >= left && x < left + across && y >= top && y < top + down;
      const value = isIn ? inside[(y - top) * across + (x - left)] : 0;
      if (value === before) {
        counts[counts.length - 1] += 1;
      } else {
        counts.push(1);
        before = value;
      }
    }
  }
  return counts;
}
