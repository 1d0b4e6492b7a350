"use strict";
// The search: it loads what it looks through, search.js, when somebody begins to type.

const form = document.querySelector("[role=search]");
const field = form.querySelector("input");
const list = form.querySelector("ol");
const MOST = 12; // that are listed
let loading = null;

function load() {
  loading ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `${document.body.dataset.up}search.js`;
    script.addEventListener("load", () => resolve(SECTIONS));
    document.head.append(script);
  });
  return loading;
}

// Each word must begin a word of the section; words in headings count ten times.
function find(sections, words) {
  const found = [];
  for (const [address, page, heading, text] of sections) {
    let points = 0;
    for (const word of words) {
      const pattern = new RegExp(`(?<![\\p{L}\\d])${word.replace(/[^\p{L}\d]/gu, "\\$&")}`, "giu");
      const num = 10 * (`${page} ${heading}`.match(pattern) || []).length
        + (text.match(pattern) || []).length;
      points = num ? points + num : -Infinity;
    }
    if (points > 0) found.push({ points, address, page, heading, text });
  }
  return found.sort((a, b) => b.points - a.points).slice(0, MOST);
}

function excerpt(text, word) {
  const before = text.slice(0, Math.max(0, text.toLowerCase().indexOf(word.toLowerCase()) - 40));
  const place = before.lastIndexOf(" ") + 1;
  const rest = text.slice(place);
  const part = rest.length > 120 ? rest.slice(0, rest.lastIndexOf(" ", 120) + 1) + "…" : rest;
  return (place ? "… " : "") + part;
}

async function search() {
  const words = field.value.trim().split(/\s+/).filter(Boolean);
  list.hidden = words.length === 0;
  if (list.hidden) return;
  const found = find(await load(), words);
  list.replaceChildren(...found.map(({ address, page, heading, text }) => {
    const link = document.createElement("a");
    link.href = document.body.dataset.up + address;
    link.textContent = heading === page ? page : `${page} · ${heading}`;
    const small = document.createElement("small");
    small.textContent = excerpt(text, words[0]);
    const item = document.createElement("li");
    item.append(link, small);
    return item;
  }));
  if (found.length === 0) list.textContent = "Nothing has these words.";
}

form.hidden = false;
field.addEventListener("input", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.click();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") list.hidden = true;
});
