// Pictures from files and from the camera, as canvases.

import { Problem } from "./model.mjs";

const MAX_PIXELS = 64e6; // of a file: decoded it takes four bytes a pixel
const MAX_SIDE = 1600; // larger pictures are shrunk first: the network sees no more of them

// A picture of a file, turned as it says. Throws a Problem if it is none.
export async function readPicture(blob, name) {
  const address = URL.createObjectURL(blob);
  try {
    const image = await loaded(address, name);
    const num = image.naturalWidth * image.naturalHeight;
    if (num === 0) throw new Problem(`${name} has no size in pixels: save it as JPEG or PNG first.`);
    if (num > MAX_PIXELS) {
      const megapixels = Math.round(num / 1e6);
      throw new Problem(`${name} has ${megapixels} megapixels, more than the ${MAX_PIXELS / 1e6} that this page takes: make it smaller.`);
    }
    await image.decode().catch(() => { throw unreadable(name); });
    return drawn(image, image.naturalWidth, image.naturalHeight);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function loaded(address, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(unreadable(name));
    image.src = address;
  });
}

function unreadable(name) {
  return new Problem(`${name} is no picture that this browser can read: try JPEG, PNG or WebP.`);
}

// A source of pixels on a canvas of its own, at most MAX_SIDE wide and high.
export function drawn(source, width, height) {
  const shrink = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * shrink));
  canvas.height = Math.max(1, Math.round(height * shrink));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Starts the camera in a video element, which the caller need not show. Throws a Problem.
export async function startCamera() {
  if (!navigator.mediaDevices) {
    throw new Problem("The camera needs an address that begins with https:// or http://localhost.");
  }
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  try {
    const wanted = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
    await video.play();
  } catch (error) {
    throw new Problem(CAMERA_PROBLEMS[error.name] ?? `The camera cannot be used (${error.name}).`);
  }
  return video;
}

const CAMERA_PROBLEMS = {
  NotAllowedError: "The camera was not allowed: allow it in the browser's settings of this page.",
  NotFoundError: "No camera was found.",
  OverconstrainedError: "No camera was found.", // so says WebKit
  NotReadableError: "The camera is busy: another program has it.",
};

export function stopCamera(video) {
  for (const track of video.srcObject.getTracks()) track.stop();
}
