// The page: a picture goes in by hand, by drop or from the camera; objects come out.

import { colorOf, css, drawObjects, percent, textOf } from "./drawing.mjs";
import { Problem, loadModel } from "./model.mjs";
import { numbered } from "./objects.mjs";
import { drawn, readPicture, startCamera, stopCamera } from "./pictures.mjs";

const LETTERS = 13; // CSS pixels, the height of labels
const at = (id) => document.getElementById(id);
const [canvas, list, status] = [at("canvas"), at("objects"), at("status")];
const [threshold, cameraButton, drop] = [at("threshold"), at("camera"), at("drop")];

let model = null; // a promise, once somebody wants it
let shown = null; // { picture, found }, what is on the canvas
let video = null; // the camera, while it is on
let turn = Promise.resolve(); // one picture at a time: the end of the last one's turn

// --- looking -------------------------------------------------------------------------------------

// Loads the model if need be; one that did not come is tried again the next time.
function wantModel() {
  if (model === null) {
    say("Loading the model, once …");
    model = loadModel();
    model.catch(() => { model = null; });
  }
  return model;
}

// Finds the objects of a picture on a canvas and shows both.
async function look(picture) {
  const ready = await wantModel();
  const start = performance.now();
  const { width, height } = picture;
  const { data } = picture.getContext("2d").getImageData(0, 0, width, height);
  const found = await ready.find(data, width, height);
  const objects = found.objects.filter((object) => object.score >= Number(threshold.min));
  found.objects = numbered(objects, video && shown ? shown.found.objects : []);
  const middle = performance.now();
  shown = { picture, found };
  await show();
  const end = performance.now();
  const threads = ready.numThreads === 1 ? "one thread" : `${ready.numThreads} threads`;
  const detail = `${Math.round(middle - start)} to find them, ${Math.round(end - middle)} for masks and drawing`;
  say(`${sentence(visible())} ${Math.round(end - start)} ms: ${detail}; ${threads}.`);
}

// Draws what scores enough.
async function show() {
  const { picture, found } = shown;
  await (await model).addMasks(found, Number(threshold.value));
  const { about } = await model;
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.hidden = false;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const objects = visible();
  const fontSize = Math.round(LETTERS * Math.max(1, canvas.width / canvas.clientWidth));
  drawObjects(canvas, objects, about.palette, fontSize);
  canvas.setAttribute("aria-label", `The picture with its objects drawn. ${sentence(objects)}`);
  list.replaceChildren(...objects.map((object) => {
    const item = document.createElement("li");
    item.textContent = textOf(object);
    item.style.borderColor = css(colorOf(about.palette, object.number));
    return item;
  }));
}

function visible() {
  return shown.found.objects.filter((object) => object.score >= Number(threshold.value));
}

function sentence(objects) {
  const [best] = shown.found.objects;
  if (objects.length === 0 && best) {
    return `No object scores so much; the surest is ${best.name}, ${percent(best.score)}.`;
  }
  if (objects.length === 0) return "No object.";
  return objects.length === 1 ? "1 object." : `${objects.length} objects.`;
}

function say(line, isProblem = false) {
  status.textContent = line;
  status.classList.toggle("problem", isProblem);
}

// Runs a task when those before it are done, and says in a line what went wrong. Promises whether
// all went well.
function inTurn(task) {
  const done = turn.then(task).then(
    () => true,
    (error) => {
      const isKnown = error instanceof Problem;
      say(isKnown ? error.message : `Something went wrong: ${error.message}`, true);
      return false;
    },
  );
  turn = done;
  return done;
}

// --- what goes in --------------------------------------------------------------------------------

function take(file, name = file.name) {
  turnCameraOff();
  return inTurn(async () => {
    say(`Reading ${name} …`);
    await look(await readPicture(file, name));
  });
}

at("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = ""; // so that the same file can be chosen again
  if (file) take(file);
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const [file] = event.dataTransfer.files;
    if (file) take(file);
    else say("That was no file: save the picture first, then drop the file.", true);
  });
}

document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) take(file, "What was pasted");
});

for (const button of document.querySelectorAll(".samples button")) {
  button.addEventListener("click", () => {
    turnCameraOff();
    inTurn(async () => {
      const address = button.querySelector("img").src;
      const name = decodeURIComponent(address.split("/").pop());
      const answer = await fetch(address).catch(() => null);
      if (!answer?.ok) throw new Problem(`${name} cannot be fetched: is the server still there?`);
      await look(await readPicture(await answer.blob(), name));
    });
  });
}

let isWaiting = false; // the slider moves faster than masks are drawn: one drawing waits, not ten
threshold.addEventListener("input", () => {
  at("value").textContent = Number(threshold.value).toFixed(2);
  if (!shown || video || isWaiting) return;
  isWaiting = true;
  inTurn(async () => {
    isWaiting = false;
    await show();
    say(sentence(visible()));
  });
});

window.addEventListener("resize", () => { // labels keep their size
  if (shown && !video) inTurn(show);
});

// --- the camera ----------------------------------------------------------------------------------

cameraButton.addEventListener("click", () => {
  if (video) {
    turnCameraOff();
    return;
  }
  inTurn(async () => {
    say("Waiting for the camera …");
    video = await startCamera();
    cameraButton.textContent = "Stop the camera";
    watch(video);
  });
});

// One picture of the camera after the other, each when the last is done.
async function watch(camera) {
  while (video === camera) {
    const isFine = await inTurn(async () => {
      if (video === camera) await look(drawn(camera, camera.videoWidth, camera.videoHeight));
    });
    if (!isFine) turnCameraOff();
    await new Promise(requestAnimationFrame);
  }
}

function turnCameraOff() {
  if (!video) return;
  stopCamera(video);
  video = null;
  cameraButton.textContent = "Use the camera";
}

say("Choose a photograph, or one of these.");
at("tools").disabled = false;
