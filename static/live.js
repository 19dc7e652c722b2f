// Live updates: polls the URL of the page and applies the returned fragment without disturbing the user. Only responses
// that the server marks as fragments are applied. The page works without this file.
(() => {
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const body = document.body, main = $("#main"), pill = $("#live-state"), stale = $("#stale"), toggle = $("#live-toggle");
document.documentElement.classList.add("js");

// Time ------------------------------------------------------------------------------------------------------------
// Ages use the server's clock. The offset comes from the Date header, so a wrong local clock does not matter.

const rendered = Date.parse(body.dataset.now), visit = performance.getEntriesByType("navigation")[0];
let offset = rendered ? rendered - performance.timeOrigin - (visit?.responseStart ?? 0) : 0;
const now = () => Date.now() + offset;

function setClock(header) {
  const next = Date.parse(header) + 500 - Date.now();
  // The header has a resolution of one second. Smaller differences are noise and would make ages jump.
  if (Math.abs(next - offset) > 1500) offset = next;
}

const units = (seconds, few) => {
  const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  if (s < 60) return `${s} s`;
  if (few) return m < 60 ? `${m} m` : h < 48 ? `${h} h` : `${d} d`;
  return m < 60 ? `${m} m ${s % 60} s` : h < 48 ? `${h} h ${m % 60} m` : `${d} d ${h % 24} h`;
};

const zone = body.dataset.zone === "utc" ? "UTC" : undefined;
const stamp = new Intl.DateTimeFormat("sv-SE", {dateStyle: "short", timeStyle: "medium", timeZone: zone});
const zoneName = at => zone ?? new Intl.DateTimeFormat("en", {timeZoneName: "short"}).formatToParts(at).find(part => part.type === "timeZoneName").value;
const full = at => `${stamp.format(at)} ${zoneName(at)}`;

function words(time, at) {
  const passed = (now() - at) / 1000;
  if ("clock" in time.dataset) return full(at);
  if ("elapsed" in time.dataset) return units(passed);
  if ("until" in time.dataset) return passed < 0 ? `in ${units(-passed)}` : "now";
  return passed < 1 ? "just now" : `${units(passed, true)} ago`;
}

// SVG has no time element, so any SVG element may have a data-at attribute.
const moment = it => it.dateTime ?? it.dataset?.at;

function showTimes() {
  for (const time of $$("time[datetime], [data-at]")) {
    const at = Date.parse(moment(time));
    if (isNaN(at)) continue;
    const text = words(time, at);
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = full(at);
  }
}

// Copying ---------------------------------------------------------------------------------------------------------

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // On plain HTTP, navigator.clipboard is missing, so fall back to execCommand.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("refused");
}

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const label = button.getAttribute("aria-label"), say = text => { button.ariaLabel = button.title = text; };
    try {
      await copy(button.dataset.copy);
      button.dataset.done = "";
      say("Copied");
    } catch {
      say("The browser blocked copying");
    }
    button.focus();
    if (/^Copy /.test(label)) setTimeout(() => { delete button.dataset.done; say(label); }, 2000);
  }
  event.target.closest("[data-dismiss]")?.parentElement.remove();
  for (const menu of $$("details.more[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// The "select all" checkbox of a list.
document.addEventListener("change", event => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of $$("tbody .pick input", event.target.closest("table"))) box.checked = event.target.checked;
});

// A changed form is a new request. With the old key, the server would return the result of the first one.
document.addEventListener("input", event => {
  const key = event.target.form?.elements.idempotency_key;
  if (key) key.value = [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, "0")).join("");
});

showTimes();
setInterval(() => { if (!document.hidden) showTimes(); }, 1000);
if (!pill || !toggle || body.dataset.live !== "on") return;

// Reasons to pause polling ----------------------------------------------------------------------------------------

const changed = field =>
  /^(hidden|submit|button)$/.test(field.type) ? false
  : /^(checkbox|radio)$/.test(field.type) ? field.checked !== field.defaultChecked
  : field.options ? field.selectedIndex !== Math.max(0, [...field.options].findIndex(option => option.defaultSelected))
  : field.value !== field.defaultValue;

function pauseReason() {
  if ($(".pick input[name]:checked", main)) return "Paused while rows are selected";
  if ($$("form", main).some(form => "dirty" in form.dataset || [...form.elements].some(changed))) return "Paused while you edit a form";
  if ($("details.more[open], dialog[open]", main)) return "Paused while a menu is open";
  return "";
}

// After a touch, :hover stays on the touched element, so only focus counts.
let touched = false;
document.addEventListener("pointerover", event => { touched = event.pointerType === "touch"; }, true);
const near = list => list.matches(":focus-within") || !touched && list.matches(":hover");

// While the pointer or focus is in a list, its rows and their order do not change; only cells do.
function keepRows(next) {
  let waiting = 0;
  for (const list of $$("tbody", main)) {
    const fresh = list.id ? $(`#${CSS.escape(list.id)}`, next) : null;
    if (!fresh || !near(list)) continue;
    const rows = new Map([...fresh.rows].map(row => [row.id, row]));
    const kept = [...list.rows].map(row => {
      const row2 = rows.get(row.id);
      rows.delete(row.id);
      waiting += row2 ? 0 : 1;
      return row2 ?? row.cloneNode(true);
    });
    waiting += rows.size;
    fresh.replaceChildren(...kept);
  }
  return waiting;
}

// Polling ---------------------------------------------------------------------------------------------------------

const every = Math.min(30, Math.max(1, Number(body.dataset.poll) || 2)) * 1000;
let paused = recall() === "1", final = false, fails = 0, cause = "", waiting = 0, last = now(), etag = null;
let timer = 0, due = 0, running = false, database = "up";

function recall() { try { return sessionStorage.getItem("paused"); } catch { return null; } }
function remember() { try { sessionStorage.setItem("paused", paused ? "1" : "0"); } catch { /* forgetting is harmless */ } }

function plan(wait) {
  clearTimeout(timer);
  due = Date.now() + wait;
  if (!paused && !final && !document.hidden && !running) timer = setTimeout(tick, wait);
  show();
}

async function tick() {
  if (paused || final || document.hidden || running) return;
  if (pauseReason()) return plan(every);
  running = true;
  let wait = every;
  try {
    wait = await poll() || every;
    fails = 0;
    last = now();
  } catch (error) {
    fails++;
    cause = !navigator.onLine ? "offline" : typeof error === "string" ? error : "api";
    wait = Math.min(30000, every * 2 ** fails) * (.8 + .4 * Math.random());
  }
  running = false;
  plan(wait);
}

// Polls once. Returns the minimum delay that the server requests; throws the cause of a failure.
async function poll() {
  const response = await fetch(location.href, {
    headers: {"X-Live": "1", ...(etag && {"If-None-Match": etag})},
    cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(8000),
  });
  if (response.type === "opaqueredirect" || response.status === 401) {
    location.reload();
    return 30000;
  }
  const head = name => response.headers.get(name);
  if (head("date")) setClock(head("date"));
  final = head("x-poll-stop") === "1";
  database = head("x-health") === "db=down" ? "down" : "up";
  const wait = Number(head("x-poll-after")) || 0;
  if (response.status === 304) return wait;
  // A page that needs no database still responds; a header reports that the database is down.
  if (database === "down" && !response.ok) throw "db";
  if (!response.ok || head("x-fragment") !== "1") throw `status ${response.status}`;
  // The page was opened during an outage. Its title and layout are those of the error page, so reload everything.
  if (visit?.responseStatus >= 500) {
    location.reload();
    return 30000;
  }
  const html = await response.text();
  // The user may have started typing during the request.
  if (pauseReason()) return wait;
  etag = apply(html) ? null : head("etag");
  return wait;
}

// Whether both elements show the same time in the same format. When an operation ends, elapsed time becomes an age.
const sameTime = (old, fresh) => moment(old) === moment(fresh) && Object.keys(old.dataset).join() === Object.keys(fresh.dataset ?? {}).join();

// Applies a fragment and returns the number of pending row changes.
function apply(html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  waiting = keepRows(next.content);
  Idiomorph.morph(main, next.content.childNodes, {
    morphStyle: "innerHTML", ignoreActiveValue: true, restoreFocus: true,
    callbacks: {
      // This script owns the text of times, and forms marked data-keep are not replaced.
      beforeNodeMorphed: (old, fresh) => !(moment(old) && sameTime(old, fresh)) && !("keep" in (old.dataset ?? {})),
      beforeAttributeUpdated: (name, node) => !(name === "open" && /^(DETAILS|DIALOG)$/.test(node.nodeName)),
    },
  });
  for (const time of $$("time", main)) time.removeAttribute("title");
  for (const source of $$("[data-mirror]", main)) {
    const target = document.getElementById(source.dataset.mirror);
    if (target && target.textContent !== source.textContent) target.textContent = source.textContent;
  }
  showTimes();
  return waiting;
}

// Status in the layout --------------------------------------------------------------------------------------------

const causes = {
  offline: "This device is offline.",
  db: "The server responds, but its database does not.",
  api: "The server is not responding.",
};

function state() {
  if (final) return "Final; no further updates";
  if (paused) return "Paused";
  if (fails) return "Reconnecting…";
  if (waiting) return `${waiting} row change${waiting > 1 ? "s wait" : " waits"} until you leave the list`;
  return pauseReason() || `Live, every ${every / 1000} s`;
}

function put(node, text) { if (node.textContent !== text) node.textContent = text; }

function mark(id, level) {
  const dot = $(`#${id} .dot`), word = $(`#${id} .vh`);
  const name = {up: "dot", down: "dot bad", unknown: "dot wait"}[level];
  if (dot.className !== name) dot.className = name;
  put(word, `: ${level}`);
}

function show() {
  put(pill, state());
  if (toggle.ariaPressed !== String(paused)) toggle.ariaPressed = paused;
  if (toggle.hidden !== final) toggle.hidden = final;
  const down = fails > 1;
  body.toggleAttribute("data-stale", down);
  if (down) {
    mark("mark-api", cause === "offline" ? "unknown" : cause === "api" ? "down" : "up");
    mark("mark-db", cause === "db" ? "down" : "unknown");
    const text = `${causes[cause] ?? `The server returned an error (${cause}).`} Showing the last good data from ${stamp.format(last).slice(11)}.`;
    if (!$("button", stale)) stale.innerHTML = '<div class="banner t-wait"><span></span><button class="btn sm" type="button">Retry now</button></div>';
    put($("span", stale), text);
  } else if (!fails && last > started) {
    mark("mark-api", "up");
    mark("mark-db", database);
    if (database === "up" && stale.childElementCount) stale.replaceChildren();
  }
}

// Until the first successful poll, the status that the server rendered stays.
const started = last;

stale.addEventListener("click", event => { if (event.target.closest("button")) plan(0); });
toggle.addEventListener("click", () => {
  paused = !paused;
  remember();
  plan(0);
});
document.addEventListener("visibilitychange", () => plan(Math.max(0, Math.min(due - Date.now(), 300))));
addEventListener("pageshow", event => { if (event.persisted) plan(0); });
addEventListener("online", () => plan(0));
addEventListener("offline", () => {
  fails = Math.max(2, fails);
  cause = "offline";
  show();
});
// Apply pending changes as soon as the user leaves the list or closes the menu.
main.addEventListener("mouseout", event => {
  const list = waiting && event.target.closest?.("tbody");
  if (list && !list.contains(event.relatedTarget)) plan(200);
});
main.addEventListener("toggle", () => show(), true);
main.addEventListener("input", () => show());
// Deferred: the "select all" checkbox changes the others only when the event reaches the document.
main.addEventListener("change", () => setTimeout(show));

plan(every);
})();
