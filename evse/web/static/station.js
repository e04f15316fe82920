// The page's heart: takes the stream's messages and hands each piece to its place.

import { clearFault, suggest, wireCommands, wireStage, wireWorld } from "./actions.js";
import { fieldText, kilowattHours, make, span, text } from "./format.js";
import { House } from "./house.js";
import { OutletCard } from "./outlet.js";
import { ScenarioRunner } from "./scenarios.js";
import { plugged, socketInUse, Stage } from "./stage.js";
import { Stream } from "./stream.js";
import { History, showControls, Timeline, TimeView, wireControls } from "./timeline.js";
import { WireLog } from "./wires.js";
import { loadWords } from "./words.js";

const EVENTS_SHOWN = 200;
const EVENTS_AT_START = 1000;
const HISTORY_MINUTES = 60;
const DRAW_EVERY_MS = 250;
const RECORD_FACTS = new Set(["SessionClosed"]);
const UNPLUG_STARTED = "OK_UnplugProcedureStarted";
// The same words stand in the page as the server renders it.
const POWER_LOSS = "PowerLoss";
const POWER_LOSS_TITLE = "A power cut may hide up to the last minute";
const RECORDS_AFTER_MS = 800;
const HEALTH_EVERY_MS = 5000;

const cards = new Map();
const histories = new Map();
const timelines = [];
const timeView = new TimeView();
const cameFrom = new Map();
const events = [];
let station = null;
let linked = false;
let bootId = null;
let seen = -1;
let newest = { mono: 0, at: 0 };
let waiting = [];
let started = false;

const stage = document.getElementById("station") ? new Stage(document.getElementById("station")) : null;
for (const root of document.querySelectorAll("[data-outlet]")) {
  const number = Number(root.dataset.outlet);
  const card = new OutletCard(root, clearFault(number, () => cards.get(number)));
  cards.set(number, card);
  histories.set(number, new History());
  timelines.push(new Timeline(document.querySelector(`[data-lanes="${number}"]`), document.querySelector(`[data-readout="${number}"]`),
    histories.get(number), timeView, () => drawTime()));
  wireCommands(card);
}
wireControls(document.getElementById("timeline"), timeView, () => drawTime());
// What the outlet waits for, as a name that a button may have under "when".
function awaited(number) {
  const outlet = cards.get(number)?.outlet;
  if (!outlet?.link_ok) return "";
  if (outlet.active_inputs.includes("KeyLocked")) return "key";
  const ended = outlet.outlet_status === UNPLUG_STARTED;
  if (outlet.domestic?.plugged) return outlet.session || ended || outlet.faults.length ? "unplug-domestic" : "badge";
  if (!plugged(outlet)) return outlet.shutter && outlet.shutter !== "open" && !outlet.session && outlet.access === "badge" ? "badge" : "plug";
  if (ended) return "unplug";
  if (outlet.session) return outlet.contactor_closed ? "stop" : "";
  return outlet.faults.length ? "unplug" : "badge";
}

wireWorld(() => suggest(awaited));
wireStage({ get: (number) => cards.get(number)?.outlet, numbers: () => cards.keys() });
// The day's clock for a moment on control's, fixed once so that a moment keeps its time on the page.
let wallOffset = null;
const wallClock = (at) => { wallOffset ??= Date.now() - now() / 1000; return at / 1000 + wallOffset; };
const wiresRoot = document.getElementById("wires");
if (wiresRoot) new WireLog(wiresRoot, wallClock);
const houseRoot = document.getElementById("house");
if (houseRoot) new House(houseRoot);
const scenariosRoot = document.getElementById("scenarios");
if (scenariosRoot) new ScenarioRunner(scenariosRoot);
const narrow = matchMedia("(max-width: 640px)");
if (narrow.matches) for (const details of document.querySelectorAll("[data-everything], details.cover")) details.removeAttribute("open");

// Control's clock, carried on with ours between two messages (never more than a second).
const now = () => newest.mono + Math.min(1e6, (performance.now() - newest.at) * 1000);

function takeStation(head) {
  if (bootId !== null && bootId !== head.boot_id) { location.reload(); return; }
  bootId = head.boot_id;
  station = head;
  newest = { mono: head.mono_us, at: performance.now() };
  const { cycles, late_cycles: late, worst_us: worst, fifo } = head.latency;
  const words = {
    station_uid: head.station_uid, profile: head.profile, uptime: span(head.mono_us - head.started_us),
    config: `${head.config_version} (${head.config_digest.slice(0, 8)})`,
    latency: cycles ? `${(worst / 1000).toFixed(1)} ms${late ? `, ${late} late` : ""}` : "–",
  };
  for (const [name, value] of Object.entries(words)) text(document.querySelector(`[data-s="${name}"]`), value);
  document.getElementById("no-fifo").hidden = fifo;
  document.getElementById("restoring").hidden = head.restored;
}

function takeEvents(list) {
  for (const record of list) {
    if (record.sequence <= seen) continue;
    seen = record.sequence;
    events.push(record);
    if (record.type === "OutletStatusChanged" && record.data.status === UNPLUG_STARTED) cameFrom.set(record.outlet, record.data.previous);
    if (RECORD_FACTS.has(record.type)) setTimeout(refreshRecords, RECORDS_AFTER_MS);
  }
  if (events.length > EVENTS_SHOWN) events.splice(0, events.length - EVENTS_SHOWN);
  if (list.length) showEvents();
}

const eventText = (data) => Object.entries(data).map(([name, value]) => fieldText(name, value)).join(" · ");

// On a phone a row becomes a block and each cell carries its heading.
const cell = (heading, content, attributes = {}) => make("td", { "data-th": heading, ...attributes }, content);

function showEvents() {
  document.getElementById("events").replaceChildren(...events.slice(-EVENTS_SHOWN).reverse().map((record) => {
    const row = make("tr");
    row.append(cell("Ago", span(now() - record.at_us), { "data-at": record.at_us }), cell("Outlet", record.outlet || "station"),
      cell("Event", record.type), cell("What", eventText(record.data)));
    return row;
  }));
}

function take(message) {
  showLink(message.connected ? "ok" : "control");
  if (message.station) takeStation(message.station);
  if (message.lost_events) loadEvents();
  takeEvents(message.events);
  if (message.outlets.some((outlet) => !cards.has(outlet.number))) { location.reload(); return; }
  for (const whole of message.outlets) {
    const outlet = socketInUse(whole);
    histories.get(outlet.number).putView(outlet, newest.mono);
    const [tone, words] = cards.get(outlet.number).show(outlet, now(), cameFrom.get(outlet.number));
    stage?.show(outlet, tone, words);
  }
  if (message.outlets.length) suggest(awaited);
}

// What came before the page was opened. Until it is here, messages wait, so that the history stays in order.
async function loadEvents() {
  try {
    const response = await fetch(`/api/events?limit=${EVENTS_AT_START}`);
    if (!response.ok) return;
    const list = await response.json();
    takeEvents(list);
  } catch { /* the stream says that the link is gone */ }
}

// The last minutes as the station remembers them; a station without that memory begins with what the stream brings.
async function loadHistory() {
  if (document.body.dataset.history !== "yes") return;
  try {
    const response = await fetch(`/api/history?minutes=${HISTORY_MINUTES}`);
    if (!response.ok) return;
    const past = await response.json();
    for (const [number, rows] of Object.entries(past.outlets)) histories.get(Number(number))?.putBefore(rows, past.since_us);
    newest = { mono: past.now_us, at: performance.now() };
    timeView.fit(past.since_us, past.now_us);
  } catch { /* the stream says that the link is gone */ }
}

async function refreshRecords() {
  const response = await fetch("/api/records").catch(() => null);
  const answer = await response?.json().catch(() => null);
  const problem = document.getElementById("records-problem");
  problem.hidden = !response || response.ok;
  if (!problem.hidden) text(problem.querySelector("span"), answer?.error ?? "no answer");
  document.getElementById("no-records").hidden = true;
  if (!response?.ok || !Array.isArray(answer)) return;
  const records = answer;
  document.getElementById("no-records").hidden = records.length > 0;
  document.getElementById("record-rows").replaceChildren(...records.map((record) => {
    const row = make("tr");
    const minutes = `${Math.floor(record.duration_s / 60)} min ${record.duration_s % 60} s`;
    const cut = record.reason === POWER_LOSS;
    const energy = cell("kWh", `${cut ? "≥\u00a0" : ""}${kilowattHours(record.energy_wh)}`, cut ? { title: POWER_LOSS_TITLE } : {});
    row.append(cell("No.", record.number), cell("Outlet", record.outlet), cell("Badge", record.uid || "none", { class: "code" }),
      cell("Start, UTC", record.start_utc.replace("T", " ").replace("Z", "") || "unknown"), cell("Duration", minutes), energy,
      cell("Type of charge", record.charge_type), cell("End", record.reason));
    return row;
  }));
}

function showLink(state) {
  linked = state === "ok";
  document.body.dataset.connected = linked ? "yes" : "no";
  const link = document.getElementById("link");
  link.dataset.tone = linked ? "ok" : "bad";
  text(link, { ok: "live", control: "no control", lost: "lost" }[state]);
  text(document.getElementById("lost-text"), state === "control"
    ? "Control is not connected. What you see is the last known state."
    : "Connection to the station lost. Trying again… What you see is the last known state.");
  document.getElementById("lost").hidden = linked;
}

// What the station says about itself beyond its outlets: the journal, drivers in their own words, late Snapshots.
const SAID_ELSEWHERE = /^(control is not connected|what was latched)/;

async function refreshHealth() {
  const response = await fetch("/api/health").catch(() => null);
  const health = await response?.json().catch(() => null);
  if (!health) return;
  const reasons = health.reasons.filter((reason) => !SAID_ELSEWHERE.test(reason));
  const banner = document.getElementById("trouble");
  banner.hidden = reasons.length === 0;
  banner.dataset.tone = health.status === "failed" ? "bad" : "warn";
  const list = document.getElementById("trouble-reasons");
  if (list.dataset.shown === reasons.join("\n")) return;
  list.dataset.shown = reasons.join("\n");
  list.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
}

function drawTime() {
  if (!timelines.length) return;
  timeView.now = now();
  for (const timeline of timelines) timeline.draw();
  showControls(document.getElementById("timeline"), timeView);
}

setInterval(() => {
  if (document.hidden || station === null || !linked) return;
  if (timeView.live) drawTime();
  for (const card of cards.values()) card.tick(now());
  for (const cell of document.querySelectorAll("details[open] [data-at]")) text(cell, span(now() - Number(cell.dataset.at)));
}, DRAW_EVERY_MS);

setInterval(() => { if (!document.hidden) refreshHealth(); }, HEALTH_EVERY_MS);

new Stream(
  (message) => { if (started) take(message); else waiting.push(message); },
  (up) => { if (!up) showLink("lost"); else { refreshRecords(); refreshHealth(); } },
);
await Promise.all([loadEvents(), loadHistory(), loadWords()]);
started = true;
for (const message of waiting) take(message);
waiting = [];
