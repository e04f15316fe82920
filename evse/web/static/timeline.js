// The last minutes of one outlet: bands of states, curves of currents and duty, the contactor, on one axis of time that
// all outlets share. The history comes from the station when the page opens and from the stream afterwards; it is kept
// here, bounded. Colour is never alone: each band has its name, each curve its dashes and a name in the read-out.

import { amperes, attribute, draw, percent, span, text } from "./format.js";

const KEEP_ROWS = 8000;
const KEEP_US = 3600e6;
const CURRENT_EVERY_US = 1e6;
const CURRENT_STEP_MA = 200;
const NAME = 84, AXIS = 22, GAP = 8;
const CHARACTER = 6.6;
const LEAST_US = 5e6, MOST_US = 3600e6, FIRST_US = 300e6;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
const AT = 0, EV = 1, STATUS = 2, MODE = 3, DUTY = 4, CLOSED = 5, OFFERED = 6, CURRENTS = 7;
const BANDS = [[EV, "EV State"], [STATUS, "Outlet Status"], [MODE, "Pilot"]];
const BAND_HEIGHT = 24, CURVE_HEIGHT = 78, DUTY_HEIGHT = 34, CONTACTOR_HEIGHT = 18;
const HEIGHT = BANDS.length * (BAND_HEIGHT + GAP) + DUTY_HEIGHT + CURVE_HEIGHT + CONTACTOR_HEIGHT + 3 * GAP + AXIS;

export function tone(column, value) {
  if (column === EV) return /^A/.test(value) ? "quiet" : /^B/.test(value) ? "busy" : /^[CD]/.test(value) ? "ok" : "bad";
  if (column === MODE) return { X1: "quiet", PWM: "accent" }[value] ?? "bad";
  if (/Unavailable|Not_Init/.test(value)) return "bad";
  if (/ChargeLoopStarted/.test(value)) return "ok";
  return /InitDone/.test(value) ? "quiet" : "busy";
}

export class History {
  constructor() {
    this.rows = [];
    this.knownSince = Infinity;
    this.highest = 0;
  }

  // What the station remembers goes in front of what has been seen since.
  putBefore(rows, since) {
    const first = this.rows[0]?.[AT] ?? Infinity;
    this.rows = [...rows.filter((row) => row[AT] < first), ...this.rows];
    this.knownSince = Math.min(this.knownSince, since);
    for (const row of rows) this.scale(row);
  }

  putView(outlet, at) {
    const pilot = outlet.pilot;
    // What only the front end can tell is unknown while it does not answer.
    const known = outlet.link_ok;
    const row = [at, known ? outlet.ev_state : "", outlet.outlet_status, pilot?.driven_mode ?? "", pilot?.driven_duty_bp ?? 0,
      known ? outlet.contactor_closed : null, outlet.offered_ma, outlet.currents_ma];
    const last = this.rows.at(-1);
    this.knownSince = Math.min(this.knownSince, at);
    if (last && (at < last[AT] || !worthKeeping(last, row))) return;
    this.rows.push(row);
    this.scale(row);
    if (this.rows.length > KEEP_ROWS || (this.rows[1] && this.rows[1][AT] < at - KEEP_US)) {
      this.rows.shift();
      this.knownSince = Math.max(this.knownSince, this.rows[0][AT]);
    }
  }

  scale(row) { this.highest = Math.max(this.highest, row[OFFERED], ...(row[CURRENTS] ?? [])); }

  // Index of the row in force at a moment, -1 before the first.
  index(at) {
    let low = 0, high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle][AT] <= at) low = middle + 1; else high = middle;
    }
    return low - 1;
  }
}

function worthKeeping(last, row) {
  for (let column = EV; column <= OFFERED; column += 1) if (row[column] !== last[column]) return true;
  if (!row[CURRENTS] || !last[CURRENTS]) return row[CURRENTS] !== last[CURRENTS];
  const moved = Math.max(...row[CURRENTS].map((ma, phase) => Math.abs(ma - last[CURRENTS][phase])));
  return moved >= CURRENT_STEP_MA && row[AT] >= last[AT] + CURRENT_EVERY_US;
}

// Which stretch of time is shown, for all outlets; `end` null follows the present.
export class TimeView {
  constructor() {
    this.width = FIRST_US;
    this.end = null;
    this.cursor = null;
    this.now = 0;
  }

  // At first as much as is known is shown, within a minute and five.
  fit(knownSince, now) {
    this.width = Math.max(60e6, Math.min(FIRST_US, now - knownSince)) || FIRST_US;
  }

  get to() { return this.end ?? this.now; }
  get from() { return this.to - this.width; }
  get live() { return this.end === null; }

  move(share) {
    const end = this.to + share * this.width;
    this.end = end >= this.now ? null : Math.max(end, this.now - MOST_US);
  }

  // `at` stays where it is on the screen; without it the right end does.
  zoom(factor, at = this.to) {
    const width = Math.max(LEAST_US, Math.min(MOST_US, this.width * factor));
    const share = (this.to - at) / this.width;
    this.width = width;
    if (at !== this.to) this.move((at + share * width - this.to) / width);
  }
}

const clock = (at, now, fine) => new Date(Date.now() - (now - at) / 1000).toLocaleTimeString("en-GB", fine ? { hour12: false, fractionalSecondDigits: 1, hour: "2-digit", minute: "2-digit", second: "2-digit" } : { hour12: false });

export class Timeline {
  constructor(svg, readout, history, view, changed) {
    this.svg = svg;
    this.readout = readout;
    this.history = history;
    this.view = view;
    this.changed = changed;
    this.pointers = new Map();
    this.wire();
  }

  width() { return Math.max(260, this.svg.clientWidth); }
  x(at) { return NAME + (at - this.view.from) / this.view.width * (this.width() - NAME); }
  at(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (event.clientX - box.left - NAME) / Math.max(1, box.width - NAME);
    return this.view.from + Math.max(0, Math.min(1, share)) * this.view.width;
  }

  wire() {
    const { svg, view } = this;
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event.clientX);
      if (event.pointerType !== "mouse") { view.cursor = this.at(event); this.changed(); }
    });
    svg.addEventListener("pointermove", (event) => this.pointerMoved(event));
    const gone = (event) => this.pointers.delete(event.pointerId);
    svg.addEventListener("pointerup", gone);
    svg.addEventListener("pointercancel", gone);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== svg) { view.cursor = null; this.changed(); } });
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      view.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.at(event));
      this.changed();
    }, { passive: false });
    svg.addEventListener("keydown", (event) => {
      if (!this.key(event)) return;
      event.preventDefault();
      this.changed();
    });
  }

  pointerMoved(event) {
    const { view } = this;
    const room = this.width() - NAME;
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) { view.cursor = this.at(event); this.changed(); return; }
    if (this.pointers.size === 2) {
      const [a, b] = this.pointers.values();
      const gap = Math.abs(a - b);
      this.pointers.set(event.pointerId, event.clientX);
      const [c, d] = this.pointers.values();
      if (gap > 8 && Math.abs(c - d) > 8) view.zoom(gap / Math.abs(c - d), this.at({ clientX: (c + d) / 2 }));
    } else {
      this.pointers.set(event.pointerId, event.clientX);
      view.move((before - event.clientX) / room);
      if (event.pointerType !== "mouse") view.cursor = this.at(event);
    }
    this.changed();
  }

  key(event) {
    const { view } = this;
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (direction && event.shiftKey) {
      view.cursor = Math.max(view.from, Math.min(view.to, (view.cursor ?? view.to) + direction * view.width / 100));
    } else if (direction) view.move(direction * 0.2);
    else if (event.key === "+" || event.key === "=") view.zoom(0.6);
    else if (event.key === "-") view.zoom(1 / 0.6);
    else if (event.key === "Home" || event.key === "End") { view.end = null; view.cursor = null; }
    else if (event.key === "Escape") view.cursor = null;
    else return false;
    return true;
  }

  draw() {
    const { view, history } = this;
    const width = this.width();
    attribute(this.svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    attribute(this.svg, "height", HEIGHT);
    const parts = this.axis(width);
    const first = Math.max(0, history.index(view.from));
    const last = history.index(view.to);
    const rows = last < 0 ? [] : history.rows.slice(first, last + 1);
    let top = 0;
    for (const [column, name] of BANDS) {
      parts.push(label(name, top + 16), ...this.bands(rows, column, top, BAND_HEIGHT));
      top += BAND_HEIGHT + GAP;
    }
    parts.push(label("Duty", top + 14), ...this.duty(rows, top));
    top += DUTY_HEIGHT + GAP;
    parts.push(...this.currents(rows, top));
    top += CURVE_HEIGHT + GAP;
    parts.push(label("Contactor", top + 13), ...this.contactor(rows, top));
    parts.push(...this.unknown(), ...this.cursor());
    this.svg.replaceChildren(...parts);
    this.read();
  }

  // Neighbours with the same value are one band: [value, from, to].
  runs(rows, value) {
    const { view } = this;
    const runs = [];
    rows.forEach((row, index) => {
      const end = Math.min(rows[index + 1]?.[AT] ?? Math.min(view.to, view.now), view.to);
      const last = runs.at(-1);
      if (last && last[0] === value(row)) last[2] = end;
      else runs.push([value(row), Math.max(row[AT], view.from), end]);
    });
    return runs.filter(([, from, to]) => to >= from);
  }

  bands(rows, column, top, height) {
    const parts = [];
    for (const [value, from, to] of this.runs(rows, (row) => row[column])) {
      const left = this.x(from);
      const width = Math.max(1.5, this.x(to) - left);
      if (value === "") { parts.push(...unknownBox(left, top, width, height)); continue; }
      const kind = tone(column, value);
      const box = draw("rect", { class: `band t-${kind}`, x: left, y: top, width, height });
      box.append(draw("title", {}, value));
      parts.push(box, draw("line", { class: `edge e-${kind}`, x1: left, x2: left + width, y1: top + height, y2: top + height }));
      const shown = fitting(value, width);
      if (shown) parts.push(draw("text", { x: left + 5, y: top + 16 }, shown));
    }
    return parts;
  }

  duty(rows, top) {
    const base = top + DUTY_HEIGHT;
    const height = (row) => (row[MODE] === "PWM" ? row[DUTY] / 10000 * DUTY_HEIGHT : 0);
    const runs = this.runs(rows, height);
    const parts = [draw("line", { class: "grid", x1: NAME, x2: this.width(), y1: base, y2: base })];
    let path = "";
    for (const [value, from, to] of runs) if (value) path += `M${this.x(from)} ${base}V${base - value}H${this.x(to)}V${base}Z`;
    if (path) parts.push(draw("path", { class: "duty", d: path }));
    return parts;
  }

  currents(rows, top) {
    const highest = Math.max(10000, Math.ceil(this.history.highest / 10000) * 10000);
    const base = top + CURVE_HEIGHT;
    const y = (ma) => base - Math.min(1, ma / highest) * CURVE_HEIGHT;
    const parts = [label("Current", top + 12)];
    for (let ma = 0; ma <= highest; ma += highest / 2) {
      parts.push(draw("line", { class: "grid", x1: NAME, x2: this.width(), y1: y(ma), y2: y(ma) }),
        draw("text", { class: "scale", x: NAME - 6, y: y(ma) + (ma ? 9 : 0) }, `${ma / 1000} A`));
    }
    for (const phase of [2, 1, 0]) parts.push(this.step(rows, (row) => row[CURRENTS]?.[phase] ?? null, y, `curve phase-${phase + 1}`));
    parts.push(this.step(rows, (row) => row[OFFERED], y, "curve offered"));
    return parts.filter(Boolean);
  }

  step(rows, value, y, kind) {
    let path = "", drawn = false;
    for (const [ma, from, to] of this.runs(rows, value)) {
      if (ma !== null) path += `${drawn ? "V" : `M${this.x(from).toFixed(1)} `}${y(ma).toFixed(1)}H${this.x(to).toFixed(1)}`;
      drawn = ma !== null;
    }
    return path ? draw("path", { class: kind, d: path }) : null;
  }

  contactor(rows, top) {
    const parts = [];
    for (const [closed, from, to] of this.runs(rows, (row) => row[CLOSED])) {
      const left = this.x(from), width = Math.max(1.5, this.x(to) - left);
      if (closed === null) { parts.push(...unknownBox(left, top, width, CONTACTOR_HEIGHT)); continue; }
      const box = draw("rect", { class: closed ? "closed" : "opened", x: left, width, y: closed ? top : top + CONTACTOR_HEIGHT - 4, height: closed ? CONTACTOR_HEIGHT : 4 });
      box.append(draw("title", {}, closed ? "closed" : "open"));
      parts.push(box);
      if (closed && width > 50) parts.push(draw("text", { class: "on", x: left + 5, y: top + 13 }, "closed"));
    }
    return parts;
  }

  // Before anything was known, and after a gap, nothing is claimed.
  unknown() {
    const { knownSince } = this.history;
    if (!(knownSince > this.view.from)) return [];
    const right = Math.min(this.x(Math.min(knownSince, this.view.to)), this.width());
    if (right - NAME < 2) return [];
    const parts = [draw("rect", { class: "unknown", x: NAME, y: 0, width: right - NAME, height: HEIGHT - AXIS })];
    if (right - NAME > 120) parts.push(draw("text", { class: "unknown-word", x: NAME + (right - NAME) / 2, y: 16 }, "not recorded"));
    return parts;
  }

  axis(width) {
    const { view } = this;
    const parts = [];
    const wanted = view.width / 1e6 / Math.max(2, Math.floor((width - NAME) / 64));
    const step = (STEPS_S.find((s) => s >= wanted) ?? STEPS_S.at(-1)) * 1e6;
    // Ticks stand on round local times.
    const offset = (Date.now() * 1000 - view.now) % step;
    for (let at = Math.ceil((view.from + offset) / step) * step - offset; at <= view.to; at += step) {
      const x = this.x(at);
      parts.push(draw("line", { class: "grid", x1: x, x2: x, y1: 0, y2: HEIGHT - AXIS }));
      if (x >= NAME + 24 && x <= width - 26) parts.push(draw("text", { class: "tick", x, y: HEIGHT - 6 }, clock(at, view.now, false)));
    }
    return parts;
  }

  cursor() {
    const { cursor, from, to } = this.view;
    if (cursor === null || cursor < from || cursor > to) return [];
    const x = this.x(cursor);
    return [draw("line", { class: "cursor", x1: x, x2: x, y1: 0, y2: HEIGHT - AXIS + 4 })];
  }

  read() {
    const { view, history } = this;
    const at = view.cursor ?? view.to;
    // Spoken only when somebody moves the cursor: what follows the present would never stop.
    attribute(this.readout, "aria-live", view.cursor !== null && document.activeElement === this.svg ? "polite" : "off");
    const row = history.rows[history.index(at)];
    const when = view.cursor === null && view.live ? "Now" : `${clock(at, view.now, true)}, ${span(view.now - at)} ago`;
    if (!row || at < history.knownSince) { text(this.readout, `${when}: not recorded`); return; }
    const pilot = row[MODE] === "PWM" ? `PWM ${percent(row[DUTY])}` : row[MODE] || "unknown";
    text(this.readout, `${when}: ${row[EV] || "vehicle unknown"} · ${row[STATUS]} · pilot ${pilot} · offered ${amperes(row[OFFERED])} A · `
      + `measured ${row[CURRENTS] ? `${row[CURRENTS].map(amperes).join(" / ")} A` : "unknown"} · contactor ${row[CLOSED] === null ? "unknown" : row[CLOSED] ? "closed" : "open"}`);
  }
}

function unknownBox(left, top, width, height) {
  const parts = [draw("rect", { class: "unsure", x: left, y: top, width, height })];
  if (width > 64) parts.push(draw("text", { class: "unknown-word", x: left + width / 2, y: top + height - 6 }, "unknown"));
  return parts;
}

const label = (name, y) => draw("text", { class: "name", x: 0, y }, name);

function fitting(value, width) {
  const room = Math.floor((width - 10) / CHARACTER);
  return value.length <= room ? value : room >= 4 ? `${value.slice(0, room - 1)}…` : "";
}

// The buttons above the timelines.
export function wireControls(root, view, changed) {
  const acts = { back: () => view.move(-0.5), on: () => view.move(0.5), out: () => view.zoom(2), in: () => view.zoom(0.5), live: () => { view.end = null; view.cursor = null; } };
  for (const button of root.querySelectorAll("[data-time]")) {
    button.addEventListener("click", () => { acts[button.dataset.time](); changed(); });
  }
}

export function showControls(root, view) {
  const seconds = Math.round(view.width / 1e6);
  text(root.querySelector("[data-time-span]"), seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
  attribute(root.querySelector('[data-time="live"]'), "aria-pressed", view.live ? "true" : "false");
}
