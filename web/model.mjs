// The model in the browser: two graphs for ONNX Runtime Web, and between them which boxes are
// objects. helpers/models/onnx_export.py writes the graphs, .ci/browser_page.py puts them here.

import { selectObjects } from "./objects.mjs";
import { letterbox, pasteMask } from "./pixels.mjs";

// A line for whoever looks at the page.
export class Problem extends Error {}

const HERE = new URL(".", import.meta.url);
const STEP = 32; // the stride of the coarsest map: sides of an input are its multiples
const MAPS = ["coarse3", "coarse4", "coarse5", "fine2", "fine3"];

// A module that does nothing, with one instruction of WebAssembly's SIMD, which the runtime needs.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

// Loads the model; throws a Problem that says what is missing.
export async function loadModel() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new Problem("This browser has no WebAssembly with SIMD: a newer one is needed, or it has been switched off.");
  }
  const about = await (await get("model/about.json")).json();
  const [detect, masks, ort] = await Promise.all([
    bytes("model/detect.onnx"), bytes("model/masks.onnx"), importRuntime(),
  ]);
  // Threads need a server that isolates the page, as run.py site --serve does.
  const numThreads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = numThreads;
  ort.env.wasm.proxy = true; // in a worker, so that the page stays alive meanwhile
  ort.env.wasm.wasmPaths = new URL("runtime/", HERE).href;
  const options = { executionProviders: ["wasm"] };
  try {
    const sessions = [
      await ort.InferenceSession.create(detect, options),
      await ort.InferenceSession.create(masks, options),
    ];
    return new Model(ort, sessions, about, numThreads);
  } catch (error) {
    throw new Problem(`The model does not run in this browser (${firstLine(error)}).`);
  }
}

async function importRuntime() {
  try {
    return await import(new URL("runtime/ort.wasm.min.mjs", HERE).href);
  } catch (error) {
    throw new Problem(`The runtime is missing (${firstLine(error)}): build the site again.`);
  }
}

async function bytes(name) {
  return new Uint8Array(await (await get(name)).arrayBuffer());
}

async function get(name) {
  let answer;
  try {
    answer = await fetch(new URL(name, HERE));
  } catch {
    throw new Problem(`The model cannot be fetched (${name}): is the server still there?`);
  }
  if (!answer.ok) {
    throw new Problem(`The model is missing (${name}: ${answer.status}): build the site again.`);
  }
  return answer;
}

function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0].slice(0, 200);
}

// What loadModel gives.
export class Model {
  constructor(ort, [detect, masks], about, numThreads) {
    this.ort = ort;
    this.detect = detect;
    this.masks = masks;
    this.about = about;
    this.numThreads = numThreads;
  }

  // The objects of a picture, all of them, without masks: { objects, size, scale, maps }. Boxes
  // are in pixels of the picture; fitted is the box in those of the network's input.
  async find(pixels, width, height) {
    const { input, size, scale } = letterbox(pixels, width, height, this.about.image_size, STEP);
    const image = new this.ort.Tensor("uint8", input, [1, ...size, 3]);
    const { class_logits: logits, distance_logits: distances, ...maps } =
      await this.detect.run({ image });
    const chosen = selectObjects(logits.data, distances.data, size, this.about);
    const objects = chosen.map((object) => ({
      ...object,
      name: this.about.names[object.label],
      fitted: object.box,
      box: object.box.map((value, i) => Math.min(value / scale, i % 2 ? height : width)),
    }));
    return { objects, size: [width, height], scale, maps };
  }

  // Adds the masks of the objects that score at least so much and have none yet.
  async addMasks({ objects, size, scale, maps }, least) {
    const wanted = objects.filter((object) => object.score >= least && !object.mask);
    if (wanted.length === 0) return;
    const corners = Float32Array.from(wanted.flatMap((object) => object.fitted));
    const boxes = new this.ort.Tensor("float32", corners, [wanted.length, 4]);
    const inputs = { boxes };
    for (const name of MAPS) {
      const { data, dims } = maps[name]; // a copy: what goes to the worker is gone here
      inputs[name] = new this.ort.Tensor("float32", data.slice(), dims);
    }
    const { mask_scores: scores } = await this.masks.run(inputs);
    const side = scores.dims[1];
    wanted.forEach((object, i) => {
      const grid = scores.data.subarray(i * side * side, (i + 1) * side * side);
      // A mask belongs to the whole box, also where that leaves the picture.
      const whole = object.fitted.map((value) => value / scale);
      object.mask = pasteMask(grid, side, whole, ...size);
    });
  }
}
