// Single-key shortcuts. They are disabled while typing, and Settings can turn them off (WCAG 2.1.4). Every shortcut has
// an equivalent link or button.
(() => {
"use strict";

if (document.body.dataset.shortcuts === "off") return;

const typing = target => target.closest?.("input, select, textarea, [contenteditable]");
const go = url => { location.href = url; };
let prefixed = false;

// Focuses a field of this page, or goes to the page that has it.
function field(id) {
  const control = document.getElementById(id);
  if (control) {
    control.focus();
    control.select();
  } else {
    go(`/dashboard/projects#${id}`);
  }
}

function moveRow(step) {
  const links = [...document.querySelectorAll("#main tbody th a.name")];
  const row = document.activeElement?.closest("tr");
  const here = links.findIndex(link => link.closest("tr") === row);
  const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step;
  links[next]?.focus();
}

function select() {
  document.activeElement?.closest("tr")?.querySelector(".pick input")?.click();
}

function escape(target) {
  const menu = document.querySelector("details.more[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (typing(target)) {
    target.blur();
  }
}

const pages = {
  p: "projects", m: "metrics", j: "jobs", q: "queues", w: "workers", d: "dead-letters", l: "limits", c: "schedules", f: "workflows", s: "settings", h: "help",
};

const keys = {
  "?": () => go("/dashboard/help"),
  "/": () => field("search"),
  n: () => field("project-name"),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: select,
  r: () => document.getElementById("live-toggle")?.click(),
  g: () => { prefixed = true; },
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const wasPrefixed = prefixed;
  prefixed = false;
  if (event.key === "Escape") return escape(event.target);
  if (typing(event.target)) return;
  // "g", then the key of a page.
  const page = wasPrefixed && Object.hasOwn(pages, event.key) && pages[event.key];
  const act = page ? () => go(`/dashboard/${page}`) : Object.hasOwn(keys, event.key) && keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// For links to #project-name or #search: not every browser focuses the field by itself.
const wanted = document.getElementById(location.hash.slice(1));
if (wanted?.matches("input")) wanted.focus();
})();
