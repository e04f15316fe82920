// The picture of the station: each outlet's unit, and the devices of the whole board, follow the view.

import { amperes, attribute, make, text } from "./format.js";
import { phaseSwitch } from "./words.js";

const CAR_STATES = /^[BCD]_/;
const BLIND_STATES = /^[EF]_/;
const FLOWING_MA = 500;
const SOUND_SHOWN_MS = 1600;
const SOUND_WORDS = { read: "one tone", accepted: "rising tone", refused: "falling tone", tone: "one tone" };
export const LIGHT_WORDS = {
  off: "light off", green: "green", green_blink: "green, blinking", blue: "blue", blue_blink: "blue, blinking", red: "red",
  red_blink: "red, blinking", green_every_3_s: "green, a flash every 3 s", blue_every_3_s: "blue, a flash every 3 s",
  orange: "orange", orange_slow: "orange, slowly blinking", orange_three: "orange, three segments",
};
const INPUT_WORDS = {
  BreakerTripped: "breaker tripped", KeyLocked: "key locked", PushButton: "button pressed", DelayedStart: "delayed start",
  CurrentLimit: "current limited", LoadShedding: "load shedding", ConditionalOutgoingLine: "start held back", X1Enable: "X1 closed", ServiceButton: "service button pressed",
};

// With an appliance in the domestic socket that socket's contactor is the outlet's.
export function socketInUse(outlet) {
  if (outlet.connector !== "TE" || !outlet.domestic) return outlet;
  const { contactor_permitted, contactor_closed, open_reasons } = outlet.domestic;
  return { ...outlet, contactor_permitted, contactor_closed, open_reasons };
}

export const domesticPlugged = (outlet) => outlet.connector === "TE" && Boolean(outlet.domestic?.plugged);
export const plugged = (outlet) => outlet.cable_state !== "Not_Plugged" || carHere(outlet);
export const carHere = (outlet) => CAR_STATES.test(outlet.ev_state) || domesticPlugged(outlet);
// While the pilot is at -12 V or shorted nobody can tell whether a vehicle hangs on the plugged cable.
export const carUnknown = (outlet) => !carHere(outlet) && outlet.cable_state !== "Not_Plugged" && (!outlet.link_ok || BLIND_STATES.test(outlet.ev_state));
export const flowing = (outlet) => outlet.currents_ma !== null && Math.max(...outlet.currents_ma) > FLOWING_MA;

const banks = (positions) => [...(positions ?? "").matchAll(/(\w+) ([01]+)/g)].map(([, bank, each]) => [bank, each]);

export class Stage {
  constructor(root) {
    this.root = root;
    this.sounds = new Map();
    this.silences = new Map();
  }

  show(outlet, tone, words) {
    for (const unit of this.root.querySelectorAll(`[data-unit="${outlet.number}"]`)) this.unit(unit, outlet);
    const place = this.root.querySelector(`[data-place="${outlet.number}"]`);
    if (place) this.place(place, outlet, tone, words);
    this.devices(outlet);
    this.sound(outlet);
  }

  unit(unit, outlet) {
    const domestic = outlet.connector === "TE";
    const flow = flowing(outlet);
    const flags = {
      plugged: !domestic && plugged(outlet), flow: flow && !domestic, closed: outlet.contactor_closed,
      te: Boolean(outlet.domestic?.plugged), "te-flow": flow && domestic, known: outlet.link_ok,
    };
    for (const [name, value] of Object.entries(flags)) attribute(unit, `data-${name}`, value ? "yes" : "no");
    attribute(unit, "data-car", CAR_STATES.test(outlet.ev_state) ? "yes" : carUnknown(outlet) ? "unknown" : "no");
    attribute(unit, "data-connector", outlet.connector);
    attribute(unit, "data-lock", outlet.link_ok ? outlet.lock : "unknown");
    attribute(unit, "data-shutter", outlet.link_ok ? outlet.shutter ?? "" : "unknown");
    attribute(unit, "data-light", outlet.link_ok ? outlet.light : "unknown");
  }

  place(place, outlet, tone, words) {
    const part = (name) => place.querySelector(`[data-p="${name}"]`);
    text(part("headline"), words);
    attribute(part("headline"), "data-tone", tone);
    const known = outlet.link_ok;
    const say = (name, value) => { const item = part(name); if (item) { text(item, value); item.hidden = !value; } };
    say("light", known ? LIGHT_WORDS[outlet.light] ?? outlet.light : "light unknown");
    attribute(part("light"), "data-lamp", known ? outlet.light.split("_")[0] : "off");
    say("lock", `lock ${known ? outlet.lock || "unknown" : "unknown"}`);
    say("shutter", outlet.shutter ? `shutter ${known ? outlet.shutter : "unknown"}` : "");
    say("plug", known ? (domesticPlugged(outlet) ? "domestic cable plugged" : carHere(outlet) ? "vehicle connected" : carUnknown(outlet) ? "cable plugged, vehicle unknown" : plugged(outlet) ? "cable only" : "nothing plugged") : "plug unknown");
    say("contactor", `contactor ${known ? (outlet.contactor_closed ? "closed" : "open") : "unknown"}`);
    say("display", outlet.display ? `“${outlet.display}”` : "");
    const inputs = outlet.active_inputs ?? [];
    const key = inputs.join();
    if (place.dataset.inputs !== key) {
      place.dataset.inputs = key;
      place.querySelector("[data-p-inputs]").replaceChildren(...inputs.map((name) => make("li", { title: name }, INPUT_WORDS[name] ?? name)));
    }
  }

  devices(outlet) {
    const active = outlet.active_inputs;
    for (const device of this.root.querySelectorAll("[data-input]")) {
      const owner = device.closest("[data-unit]")?.dataset.unit;
      if (owner !== undefined && Number(owner) !== outlet.number) continue;
      const state = active === undefined || !outlet.link_ok ? "unknown" : active.includes(device.dataset.input) ? "yes" : "no";
      attribute(device, "data-active", state);
      const word = device.querySelector("[data-word-yes]");
      if (word) text(word, { yes: word.dataset.wordYes, no: word.dataset.wordNo, unknown: "unknown" }[state]);
      const contact = device.querySelector("[role=switch]");
      if (contact) attribute(contact, "aria-checked", state === "yes" ? "true" : "false");
    }
    const x2 = this.root.querySelector("[data-x2]");
    if (x2) text(x2, outlet.link_ok ? phaseSwitch(outlet.phase_switch) : "unknown");
    const display = this.root.querySelector("[data-display]");
    if (display) text(display, outlet.link_ok ? outlet.display ?? "" : "");
    this.dip(outlet);
  }

  // Positions as they stand now; those that count are the ones of the start.
  dip({ dip, link_ok: known }) {
    const words = this.root.querySelector("[data-dip-words]");
    if (!words) return;
    const starts = new Map(banks(dip?.at_start));
    for (const [bank, positions] of banks(dip?.now)) {
      [...positions].forEach((on, index) => {
        const button = this.root.querySelector(`[data-dip="${bank}.${index + 1}"]`);
        attribute(button, "aria-checked", on === "1" ? "true" : "false");
        attribute(button, "data-known", known ? "yes" : "no");
        attribute(button, "data-moved", starts.get(bank)?.[index] !== on ? "yes" : "no");
      });
    }
    if (!dip?.now) { text(words, "DIP switches not read yet"); return; }
    const inForce = [dip.current_ma ? `limit ${amperes(dip.current_ma)} A` : "no limit", ...dip.on.map((name) => name.replaceAll("_", " ")), `address ${dip.address || "0"}`];
    text(words, `In force since the start: ${inForce.join(" · ")}${dip.pending ? ". Moved since (marked): counts from the next start." : ""}`);
  }

  // A sound is shown for a moment, when a new one is heard; what sounded before the page was opened is not.
  sound(outlet) {
    const before = this.sounds.get(outlet.number);
    this.sounds.set(outlet.number, outlet.sounds);
    if (before === undefined || !outlet.sounds || before === outlet.sounds) return;
    const tag = this.root.querySelector(`[data-place="${outlet.number}"] [data-p="sound"]`);
    const units = [...this.root.querySelectorAll(`[data-unit="${outlet.number}"]`)];
    for (const unit of units) attribute(unit, "data-sound", outlet.sound);
    if (tag) { text(tag, `♪ ${SOUND_WORDS[outlet.sound] ?? outlet.sound}`); tag.hidden = false; }
    clearTimeout(this.silences.get(outlet.number));
    this.silences.set(outlet.number, setTimeout(() => {
      for (const unit of units) unit.removeAttribute("data-sound");
      if (tag) tag.hidden = true;
    }, SOUND_SHOWN_MS));
  }
}
