// The wire log: frames of every line in words, newest first, while somebody watches. Control shows frames only then, so
// the stream is opened by a button and closed with the page or by the same button.

import { attribute, make, text } from "./format.js";

const KEEP = 1500;
const SHOWN = 250;
// Numbers of frames and ages move with every frame and are no news.
const COUNTING = /^(#\d+|accepted #\d+|reading age .*)$/;
const AT = 0, WIRE = 1, WAY = 2, MESSAGE = 3, TEXT = 4, BYTES = 5, NEWS = 6;

const timeText = (ms) => { const at = new Date(ms); return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`; };

export class WireLog {
  // `wallClock`: milliseconds of the day's clock for a moment on control's.
  constructor(root, wallClock) {
    this.root = root;
    this.wallClock = wallClock;
    this.before = new Map();
    this.frames = [];
    this.lost = 0;
    this.seen = 0;
    this.paused = false;
    this.source = null;
    this.part = (id) => root.querySelector(`#${id}`);
    this.part("wire-watch").addEventListener("click", () => (this.source ? this.stop() : this.start()));
    this.part("wire-pause").addEventListener("click", () => { this.paused = !this.paused; this.show(); this.state(); });
    this.part("wire-clear").addEventListener("click", () => { this.frames = []; this.lost = this.seen = 0; this.show(true); this.state(); });
    for (const id of ["wire-line", "wire-way", "wire-message", "wire-bytes", "wire-news"]) this.part(id).addEventListener("change", () => this.show(true));
    this.part("wire-find").addEventListener("input", () => this.show(true));
    addEventListener("pagehide", () => this.stop());
  }

  start() {
    const source = new EventSource("/api/wires");
    this.source = source;
    source.onmessage = (message) => this.take(JSON.parse(message.data));
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) { this.stop(); text(this.part("wire-state"), "The wires cannot be watched now: too many watch, or the station is not there."); } };
    this.state();
  }

  stop() {
    this.source?.close();
    this.source = null;
    this.state();
  }

  take({ lines, lost }) {
    this.lost += lost;
    this.seen += lines.length;
    for (const frame of lines) frame[NEWS] = this.news(frame);
    this.frames.push(...lines);
    if (this.frames.length > KEEP) this.frames.splice(0, this.frames.length - KEEP);
    for (const frame of lines) { this.offer("wire-line", frame[WIRE]); this.offer("wire-message", frame[MESSAGE]); }
    this.show();
    this.state();
  }

  // Which of a frame's fields differ from those of the frame of this kind before it on the same line. The first of its
  // kind is news as a whole, which is one more entry behind the fields.
  news(frame) {
    const key = `${frame[WIRE]} ${frame[WAY]} ${frame[MESSAGE]}`;
    const before = this.before.get(key);
    const parts = frame[TEXT].split(", ");
    this.before.set(key, parts);
    if (before === undefined) return [...parts.map(() => false), true];
    return parts.map((part, index) => !COUNTING.test(part) && before[index] !== part);
  }

  offer(id, value) {
    const select = this.part(id);
    if ([...select.options].some((option) => option.value === value)) return;
    const option = make("option", { value }, value);
    const after = [...select.options].slice(1).find((each) => each.value > value);
    select.insertBefore(option, after ?? null);
  }

  wanted() {
    const line = this.part("wire-line").value, way = this.part("wire-way").value, message = this.part("wire-message").value;
    const news = this.part("wire-news").checked;
    const find = this.part("wire-find").value.trim().toLowerCase();
    return (frame) => (!line || frame[WIRE] === line) && (!way || frame[WAY] === way)
      && (!message || frame[MESSAGE] === message) && (!news || frame[NEWS].some(Boolean))
      && (!find || `${frame[MESSAGE]} ${frame[TEXT]} ${frame[BYTES]}`.toLowerCase().includes(find));
  }

  show(asked = false) {
    if (this.paused && !asked) return;
    const bytes = this.part("wire-bytes").checked;
    const found = this.frames.filter(this.wanted()).slice(-SHOWN).reverse();
    this.part("frames").replaceChildren(...found.map((frame) => this.row(frame, bytes)));
    this.part("no-frames").hidden = found.length > 0;
    text(this.part("no-frames"), this.frames.length ? "No frame matches the filter." : this.source ? "Waiting for frames…" : "Control shows its frames only while somebody watches.");
  }

  row(frame, bytes) {
    const row = make("li", { "data-way": frame[WAY] });
    const what = make("span", { class: "what" });
    frame[TEXT].split(", ").forEach((part, index) => what.append(index ? ", " : "", frame[NEWS][index] ? make("mark", {}, part) : part));
    row.append(make("time", {}, timeText(this.wallClock(frame[AT]))), make("span", { class: "line" }, frame[WIRE]),
      make("span", { class: "way", title: frame[WAY] }, frame[WAY] === "sent" ? "→" : "←"), make("b", {}, frame[MESSAGE]), what);
    if (bytes) row.append(make("code", {}, frame[BYTES].replace(/(..)/g, "$1 ").trim()));
    return row;
  }

  state() {
    const on = this.source !== null;
    attribute(this.part("wire-watch"), "aria-pressed", on ? "true" : "false");
    text(this.part("wire-watch"), on ? "Stop watching" : "Watch the wires");
    this.part("wire-pause").disabled = !on && !this.paused;
    attribute(this.part("wire-pause"), "aria-pressed", this.paused ? "true" : "false");
    text(this.part("wire-pause"), this.paused ? "Go on" : "Pause");
    this.part("wire-clear").disabled = this.frames.length === 0;
    const words = [on && "watching", this.paused && "paused, frames are still collected", this.seen && `${this.seen} frames seen`, this.lost && `${this.lost} lost`];
    text(this.part("wire-state"), words.filter(Boolean).join(" · "));
  }
}
