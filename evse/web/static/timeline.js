// The last minutes of one outlet as four lanes of bands. Its history is kept here: recent events at the start, then
// every change the stream brings. Colour is never alone: each band has its name, its height or its edge's dashes.

import { attribute, draw } from "./format.js";

const LANES = [["ev_state", "EV State"], ["pilot_mode", "Pilot"], ["contactor", "Contactor"], ["outlet_status", "Outlet"]];
const LANE_HEIGHT = 24, GAP = 7, AXIS = 20, NAME = 74;
const KEEP = 2000;
const CHARACTER = 6.6;
const MINUTE_US = 60e6;

const EVENT_LANES = {
  EvStateChanged: (data) => ["ev_state", data.previous, data.state],
  PilotDriven: (data) => ["pilot_mode", null, data.mode],
  ContactorMoved: (data) => ["contactor", data.closed ? "open" : "closed", data.closed ? "closed" : "open"],
  OutletStatusChanged: (data) => ["outlet_status", data.previous, data.status],
};

export function tone(lane, value) {
  if (lane === "ev_state") return /^A/.test(value) ? "quiet" : /^B/.test(value) ? "busy" : /^[CD]/.test(value) ? "ok" : "bad";
  if (lane === "pilot_mode") return { X1: "quiet", PWM: "accent" }[value] ?? "bad";
  if (lane === "contactor") return value === "closed" ? "ok" : "quiet";
  if (/Unavailable|Not_Init/.test(value)) return "bad";
  if (/ChargeLoopStarted/.test(value)) return "ok";
  return /InitDone/.test(value) ? "quiet" : "busy";
}

export class History {
  constructor() {
    // Since when no change can have been missed: a lane without any event has held its value since then.
    this.knownSince = Infinity;
    this.lanes = Object.fromEntries(LANES.map(([name]) => [name, []]));
  }

  put(lane, at, value) {
    const changes = this.lanes[lane];
    const last = changes.at(-1);
    if (last && (last.value === value || at < last.at)) return;
    changes.push({ at, value });
    if (changes.length > KEEP) changes.splice(0, changes.length - KEEP);
  }

  putEvent(record) {
    const [lane, previous, value] = EVENT_LANES[record.type]?.(record.data) ?? [];
    if (!lane) return;
    if (previous !== null && this.lanes[lane].length === 0) this.put(lane, Math.min(this.knownSince, record.at_us), previous);
    this.put(lane, record.at_us, value);
  }

  putView(outlet, at) {
    const values = {
      ev_state: outlet.ev_state,
      pilot_mode: outlet.pilot?.driven_mode,
      contactor: outlet.contactor_closed ? "closed" : "open",
      outlet_status: outlet.outlet_status,
    };
    for (const [lane, value] of Object.entries(values)) {
      if (value === undefined) continue;
      this.put(lane, this.lanes[lane].length ? at : Math.min(at, this.knownSince), value);
    }
  }
}

export class Timeline {
  constructor(svg, history) {
    this.svg = svg;
    this.history = history;
  }

  draw(now, minutes) {
    const width = Math.max(240, this.svg.clientWidth);
    const height = LANES.length * (LANE_HEIGHT + GAP) + AXIS;
    attribute(this.svg, "viewBox", `0 0 ${width} ${height}`);
    const from = now - minutes * MINUTE_US;
    const x = (at) => NAME + (Math.max(from, Math.min(now, at)) - from) / (now - from) * (width - NAME);
    const parts = this.axis(now, minutes, x, height);
    LANES.forEach(([lane, name], row) => {
      const top = row * (LANE_HEIGHT + GAP);
      parts.push(draw("text", { class: "name", x: 0, y: top + 16 }, name));
      const changes = this.history.lanes[lane];
      changes.forEach((change, index) => {
        const end = changes[index + 1]?.at ?? now;
        if (end < from) return;
        parts.push(...this.band(lane, change.value, x(change.at), x(end), top));
      });
    });
    this.svg.replaceChildren(...parts);
  }

  band(lane, value, left, right, top) {
    const kind = tone(lane, value);
    const low = lane === "contactor" && value === "open";
    const inset = low ? LANE_HEIGHT - 6 : 0;
    const width = Math.max(1.5, right - left);
    const box = draw("rect", { class: `band t-${kind}`, x: left, y: top + inset, width, height: LANE_HEIGHT - inset });
    box.append(draw("title", {}, value));
    const parts = [box, draw("line", { class: `edge e-${kind}`, x1: left, x2: left + width, y1: top + LANE_HEIGHT, y2: top + LANE_HEIGHT })];
    const room = Math.floor((width - 10) / CHARACTER);
    const label = value.length <= room ? value : room >= 4 ? `${value.slice(0, room - 1)}…` : room >= 1 && lane !== "outlet_status" ? value[0] : "";
    if (label) parts.push(draw("text", { x: left + 5, y: top + 16 }, label));
    return parts;
  }

  axis(now, minutes, x, height) {
    const parts = [];
    const step = minutes > 5 ? 3 : minutes > 1 ? 1 : 0.25;
    for (let ago = 0; ago <= minutes; ago += step) {
      const at = x(now - ago * MINUTE_US);
      parts.push(draw("line", { class: "grid", x1: at, x2: at, y1: 0, y2: height - AXIS }));
      const label = ago === 0 ? "now" : ago < 1 ? `−${ago * 60} s` : `−${ago} min`;
      if (ago < minutes) parts.push(draw("text", { class: "tick", x: at, y: height - 4, "text-anchor": ago === 0 ? "end" : "middle" }, label));
    }
    return parts;
  }
}
