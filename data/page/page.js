"use strict";
// Without this the page shows everything; with it objects can be filtered, compared and enlarged.

function all(selector, root = document) {
  return [...root.querySelectorAll(selector)];
}

// Which objects to show ---------------------------------------------------------------------------

const form = document.querySelector(".filter");
const seen = new Set(); // figures on the screen

function filter() {
  const least = Number(form.elements.score.value) / 100;
  const checked = all("input:checked", form);
  const names = new Set(checked.map((box) => box.value));
  for (const part of all("[data-score]")) {
    const fits = Number(part.dataset.score) >= least && names.has(part.dataset.name);
    part.classList.toggle("off", !fits);
  }
  const told = [];
  for (const [kind, rows] of [["objects", ".objects li"], ["tracks", "tbody tr"]]) {
    const num = all(rows).length;
    if (num) told.push(`${all(`${rows}:not(.off)`).length} of ${num} ${kind}`);
  }
  form.querySelector("output").value = `${form.elements.score.value}\u00a0%`;
  form.querySelector("[role=status]").textContent = told.join(", ");
  seen.forEach(declutter);
}

function check(event) {
  for (const box of all("input[type=checkbox]", form)) {
    box.checked = event.target.name === "all";
  }
  filter();
}

// Labels: the best first; none on another, nor, if larger than its object, on another object ------

function declutter(figure) {
  const taken = [];
  const boxes = new Map();
  for (const object of all("g:not(.off)", figure)) {
    boxes.set(object.dataset.number, object.querySelector(".frame").getBoundingClientRect());
  }
  for (const tag of all(".tag:not(.off)", figure)) {
    const place = tag.getBoundingClientRect();
    const own = boxes.get(tag.dataset.number);
    const others = [...boxes.values()].filter((box) => box !== own);
    const isLarger = place.width * place.height > own.width * own.height;
    const hides = [...taken, ...(isLarger ? others : [])].some((other) => overlap(place, other));
    tag.classList.toggle("crowded", hides);
    if (!hides) taken.push(place);
  }
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// A picture ---------------------------------------------------------------------------------------

function pick(figure, number) {
  const isOn = figure.dataset.picked === number;
  figure.dataset.picked = isOn ? "" : number;
  figure.classList.toggle("dim", !isOn);
  for (const part of all("[data-number]", figure)) {
    part.classList.toggle("picked", !isOn && part.dataset.number === number);
  }
  for (const button of all(".pick", figure)) {
    const isOne = !isOn && button.parentElement.dataset.number === number;
    button.setAttribute("aria-pressed", isOne);
  }
  if (isOn) return;
  const stage = figure.querySelector(".stage").getBoundingClientRect();
  const frame = figure.querySelector(`g[data-number="${number}"] .frame`).getBoundingClientRect();
  const x = frame.left + frame.width / 2 - stage.left - stage.width / 2;
  const y = frame.top + frame.height / 2 - stage.top - stage.height / 2;
  figure.querySelector(".stage").scrollBy(x, y); // enlarged, it may have been out of sight
}

function zoom(figure, times) {
  const stage = figure.querySelector(".stage");
  const before = Number(figure.dataset.zoom || 1);
  const after = times ? Math.min(8, Math.max(1, before * times)) : 1;
  const x = (stage.scrollLeft + stage.clientWidth / 2) / before;
  const y = (stage.scrollTop + stage.clientHeight / 2) / before;
  stage.style.height = `${stage.clientHeight}px`; // it keeps its place on the page
  figure.dataset.zoom = after;
  figure.style.setProperty("--zoom", after);
  stage.scrollTo(x * after - stage.clientWidth / 2, y * after - stage.clientHeight / 2);
  if (after === 1) stage.style.height = "";
  declutter(figure);
}

function prepare(figure) {
  figure.querySelector(".tools").hidden = false;
  figure.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom-by]");
    if (button) zoom(figure, Number(button.dataset.zoomBy));
    const part = event.target.closest("g[data-number], .pick");
    if (!part) return;
    const { number } = part.closest("[data-number]").dataset;
    pick(figure, number);
    const xray = document.getElementById(`${figure.id}-${number}`);
    if (xray && part.matches("g")) xray.showPopover();
  });
  figure.querySelector(".stage").addEventListener("dblclick", () => zoom(figure, 2));
  figure.querySelector("[name=wipe]").addEventListener("input", (event) => {
    figure.style.setProperty("--wipe", `${event.target.value}%`);
  });
}

// A video: how many cross a line ------------------------------------------------------------------

// As History.crossings in helpers/video/history.py: {"car A": 2, "car B": 1}, A left of the line.
function crossings(tracks, [x1, y1, x2, y2]) {
  const counts = {};
  const length2 = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  for (const { name, path } of tracks) {
    let before = null;
    for (const [x, y] of path) {
      const along = ((x2 - x1) * (x - x1) + (y2 - y1) * (y - y1)) / length2;
      const beside = ((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / length2;
      if (Math.abs(beside) < 0.02) continue;
      if (before && before.beside * beside < 0) {
        const share = before.beside / (before.beside - beside);
        const meets = before.along + share * (along - before.along);
        const goal = `${name} ${beside > 0 ? "B" : "A"}`;
        if (meets >= 0 && meets <= 1) counts[goal] = (counts[goal] || 0) + 1;
      }
      before = { along, beside };
    }
  }
  return counts;
}

function count(figure, tracks) {
  const handles = all("circle", figure);
  const line = handles.flatMap((one) => [Number(one.getAttribute("cx")), Number(one.getAttribute("cy"))]);
  const [x1, y1, x2, y2] = line;
  const drawn = figure.querySelector("line");
  for (const [i, name] of ["x1", "y1", "x2", "y2"].entries()) drawn.setAttribute(name, line[i]);
  const length = Math.max(1, Math.hypot(x2 - x1, y2 - y1));
  const away = (8 * Number(handles[0].getAttribute("r"))) / length / 3;
  for (const [i, side] of all("text", figure).entries()) {
    const to = i === 0 ? away : -away; // A, then B
    side.setAttribute("x", (x1 + x2) / 2 + to * (y2 - y1));
    side.setAttribute("y", (y1 + y2) / 2 - to * (x2 - x1));
  }
  const counts = crossings(tracks, line);
  const texts = Object.keys(counts).sort().map((key) => {
    const goal = key.slice(-1);
    return `${counts[key]}\u00a0×\u00a0${key.slice(0, -2)} from ${goal === "B" ? "A to B" : "B to A"}`;
  });
  figure.querySelector(".crossings").textContent = texts.join(", ") || "nothing crosses the line";
}

function prepareCount(figure) {
  const tracks = JSON.parse(figure.querySelector("script").textContent);
  const svg = figure.querySelector("svg");
  const { width, height } = svg.viewBox.baseVal;
  function move(handle, x, y) {
    handle.setAttribute("cx", Math.min(width, Math.max(0, x)));
    handle.setAttribute("cy", Math.min(height, Math.max(0, y)));
    count(figure, tracks);
  }
  count(figure, tracks);
  for (const handle of all("circle", figure)) {
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const frame = svg.getBoundingClientRect();
      const x = ((event.clientX - frame.left) / frame.width) * width;
      move(handle, x, ((event.clientY - frame.top) / frame.height) * height);
    });
    handle.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const [dx, dy] = steps[event.key].map((step) => (step * width) / 50);
      move(handle, Number(handle.getAttribute("cx")) + dx, Number(handle.getAttribute("cy")) + dy);
    });
  }
}

// What a browser keeps for the next page; one that keeps nothing for files raises an error ----------

function recall(name) {
  try {
    return localStorage.getItem(`pixelwise-${name}`) ?? "";
  } catch {
    return "";
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`pixelwise-${name}`, value);
  } catch {
    // the page is as it was chosen, until it is closed
  }
}

// Begin -------------------------------------------------------------------------------------------

const theme = document.querySelector(".theme");
const { style } = document.documentElement;
style.colorScheme = recall("scheme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const isDark = style.colorScheme
    ? style.colorScheme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  style.colorScheme = isDark ? "light" : "dark";
  keep("scheme", style.colorScheme);
});
form.hidden = all("[data-score]").length === 0;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of all("fieldset button")) button.addEventListener("click", check);
const figures = all("figure.picture");
figures.forEach(prepare);
all("figure.counting").forEach(prepareCount);
const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target);
    else seen.delete(target);
  }
  seen.forEach(declutter);
});
figures.forEach((figure) => watch.observe(figure));
addEventListener("resize", () => seen.forEach(declutter));
filter();
