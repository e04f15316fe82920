// One outlet's card: takes an OutletView as JSON and puts it into the page the server rendered.

import { amperes, attribute, kilowattHours, make, pilotVolts, span, text, volts } from "./format.js";
import { describe, diodeMissing, drawWave } from "./waveform.js";

const CAR_STATES = /^[BCD]_/;
const FLOWING_MA = 500;
const LIGHT_WORDS = { off: "light off", green: "green", green_blink: "green, blinking", blue: "blue", blue_blink: "blue, blinking", red: "red", red_blink: "red, blinking" };
const REACTION_WORDS = { emergency: "opens at once", controlled: "stops first, then opens", notice: "is only reported" };
const LATCH_WORDS = { self: "ends with its cause", unplug: "ends when unplugged", service: "ends when confirmed as mended" };

const powerKw = (outlet) => outlet.currents_ma.reduce((sum, ma, phase) => sum + ma * outlet.voltages_mv[phase], 0) / 1e9;

// What matters most about this outlet, in plain words; the exact names stand below it.
export function headline(outlet) {
  if (!outlet.link_ok) return ["bad", "Front end does not answer"];
  const grave = outlet.faults.filter((fault) => fault.reaction !== "notice").length;
  if (grave) return ["bad", grave > 1 ? `${grave} faults` : "Fault"];
  if (outlet.contactor_closed) {
    return Math.max(...outlet.currents_ma) > FLOWING_MA ? ["ok", "Charging"] : ["ok", "Connected, no current"];
  }
  if (outlet.outlet_status.includes("Maintenance")) return ["busy", "Maintenance"];
  if (outlet.outlet_status === "OK_Unavailable" || outlet.ev_state === "F_NotAvailable") return ["bad", "Not available"];
  if (outlet.outlet_status === "Not_Initialized") return ["quiet", "Starting"];
  const car = CAR_STATES.test(outlet.ev_state) || (outlet.connector === "TE" && outlet.domestic?.plugged);
  if (outlet.session) {
    if (!car && outlet.shutter && outlet.shutter !== "open" && outlet.cable_state === "Not_Plugged") return ["busy", "Shutter opens"];
    if (!car) return ["busy", "Waiting for a car"];
    return outlet.no_offer_reasons.length ? ["busy", "Session open, no offer"] : ["busy", "Offered, waiting for the car"];
  }
  if (outlet.outlet_status === "OK_UnplugProcedureStarted") return ["busy", "Charge ended, please unplug"];
  return car ? ["busy", outlet.access === "badge" ? "Car here, waiting for a badge" : "Car here"] : ["quiet", "Free"];
}

// With an appliance in the domestic socket that socket's contactor is the outlet's.
function socketInUse(outlet) {
  if (outlet.connector !== "TE" || !outlet.domestic) return outlet;
  const { contactor_permitted, contactor_closed, open_reasons } = outlet.domestic;
  return { ...outlet, contactor_permitted, contactor_closed, open_reasons };
}

export class OutletCard {
  constructor(root, clearFault) {
    this.root = root;
    this.clearFault = clearFault;
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-f]")].map((element) => [element.dataset.f, element]));
    this.lists = Object.fromEntries([...root.querySelectorAll("[data-list]")].map((element) => [element.dataset.list, element]));
    this.drawing = root.querySelector("[data-drawing]");
    this.wave = root.querySelector("[data-wave]");
    this.shown = {};
  }

  // `now` is control's clock in microseconds.
  show(station, now) {
    const outlet = socketInUse(station);
    this.outlet = outlet;
    const [tone, words] = headline(outlet);
    this.set("headline", words, tone);
    this.words(outlet);
    this.picture(outlet);
    this.pilot(outlet.pilot);
    this.contactor(outlet);
    this.changed("limits", outlet.limits, () => this.limits(outlet.limits));
    this.changed("faults", [outlet.faults, outlet.number], () => this.faults(outlet.faults));
    for (const name of ["open_reasons", "no_offer_reasons", "evse_status"]) {
      this.changed(name, outlet[name], () => this.lists[name].replaceChildren(...outlet[name].map((word) => make("li", {}, word))));
    }
    this.changed("error_status", outlet.error_status, () => this.bits(outlet.error_status));
    this.tick(now);
  }

  tick(now) {
    const session = this.outlet?.session;
    text(this.fields.session_time, session ? span(now - session.opened_us) : "–");
    for (const since of this.root.querySelectorAll("[data-raised]")) text(since, span(now - Number(since.dataset.raised)));
  }

  set(name, value, tone) {
    text(this.fields[name], value);
    if (tone) attribute(this.fields[name], "data-tone", tone);
  }

  changed(name, value, redraw) {
    const key = JSON.stringify(value);
    if (this.shown[name] === key) return;
    this.shown[name] = key;
    redraw();
  }

  words(outlet) {
    for (const name of ["ev_state", "outlet_status", "access"]) this.set(name, outlet[name]);
    this.set("cable_state", outlet.domestic?.plugged ? `${outlet.cable_state}, domestic cable` : outlet.cable_state);
    this.set("last_error", outlet.last_error ? `${outlet.last_error}${outlet.last_error_class ? ` (${outlet.last_error_class})` : ""}` : "none");
    this.set("power", powerKw(outlet).toFixed(2));
    this.set("offered", amperes(outlet.offered_ma));
    const session = outlet.session;
    this.set("session_energy", session ? kilowattHours(session.energy_wh) : "–");
    this.set("uid", session ? session.uid || "none needed" : outlet.reader_ok ? "none" : "reader does not answer");
    this.set("session_id", session ? session.session_id : "none");
    this.set("record", session ? `${session.record_durable ? "start is safe" : "start not yet safe"}, ${session.charge_type}` : "none open");
    for (const phase of [0, 1, 2]) {
      this.set(`current_${phase}`, amperes(outlet.currents_ma[phase]));
      this.set(`voltage_${phase}`, volts(outlet.voltages_mv[phase]));
    }
    this.set("register", `${kilowattHours(outlet.register_wh)} kWh`);
    this.set("temperature", `${(outlet.temperature_dc / 10).toFixed(1)} °C`);
  }

  picture(outlet) {
    const domestic = outlet.connector === "TE" && outlet.domestic?.plugged;
    const car = CAR_STATES.test(outlet.ev_state) && !domestic;
    const plugged = outlet.cable_state !== "Not_Plugged" || car || domestic;
    const flow = Math.max(...outlet.currents_ma) > FLOWING_MA;
    const flags = { plugged, car, closed: outlet.contactor_closed, flow };
    for (const [name, value] of Object.entries(flags)) attribute(this.drawing, `data-${name}`, value ? "yes" : "no");
    attribute(this.drawing, "data-lock", outlet.lock);
    attribute(this.drawing, "data-shutter", outlet.shutter ?? "");
    attribute(this.drawing, "data-light", outlet.light);
    this.set("contactor_word", outlet.contactor_closed ? "closed" : "open");
    this.set("permit_word", outlet.contactor_permitted ? "permitted" : "not permitted");
    this.set("lock_word", outlet.lock);
    this.set("shutter_word", outlet.shutter ? `shutter ${outlet.shutter}` : "");
    this.set("light_word", LIGHT_WORDS[outlet.light] ?? outlet.light);
    this.set("car_word", domestic ? "domestic cable" : car ? "vehicle" : plugged ? "cable only" : "");
    text(this.drawing.querySelector("title"), `Outlet ${outlet.number}: contactor ${outlet.contactor_closed ? "closed" : "open"}, `
      + `${plugged ? "cable plugged" : "no cable"}, ${car ? "vehicle present" : "no vehicle"}, lock ${outlet.lock}, ${outlet.shutter ? `shutter ${outlet.shutter}, ` : ""}light ${outlet.light}`);
  }

  pilot(pilot) {
    this.changed("pilot", pilot, () => {
      drawWave(this.wave, pilot);
      this.set("pilot_text", pilot ? describe(pilot) : "no measurement");
      const missing = pilot && diodeMissing(pilot);
      this.fields.pilot_warning.hidden = !missing;
      if (missing) this.set("pilot_warning", `No diode seen: V− is ${pilotVolts(pilot.negative_mv)} and must be −12\u00a0V ±\u00a01\u00a0V. The vehicle's diode is shorted or missing.`);
    });
  }

  contactor(outlet) {
    const { contactor_permitted: permitted, contactor_closed: closed } = outlet;
    const tone = permitted === closed ? (closed ? "ok" : "quiet") : "busy";
    this.set("contactor_state", `${closed ? "closed" : "open"}, ${permitted ? "permitted" : "not permitted"}`, tone);
    this.set("open_lead", permitted ? "Nothing speaks against holding it." : "May not be held because:");
    const offering = outlet.no_offer_reasons.length === 0;
    this.set("offer_state", offering ? `${amperes(outlet.offered_ma)} A` : "none, because:", offering ? "ok" : "quiet");
  }

  limits(limits) {
    const highest = Math.max(1, ...limits.map((limit) => limit.current_ma));
    this.root.querySelector("[data-limits]").replaceChildren(...limits.map((limit) => {
      const row = make("tr", { "data-ruling": limit.ruling ? "yes" : "no" });
      const name = make("th", { scope: "row" }, `${limit.source}${limit.ruling ? " ◀\u00a0rules" : ""}`);
      if (limit.note) name.append(make("small", {}, limit.note));
      const cell = make("td");
      const bar = make("span", { class: "bar" });
      bar.style.setProperty("--share", String(limit.current_ma / highest));
      cell.append(bar);
      row.append(name, make("td", {}, amperes(limit.current_ma)), cell);
      return row;
    }));
  }

  faults(faults) {
    this.set("fault_state", faults.length ? String(faults.length) : "", "bad");
    this.root.querySelector("[data-faults]").replaceChildren(...faults.map((fault) => {
      const item = make("li", { "data-notice": fault.reaction === "notice" ? "yes" : "no" });
      const words = [`${fault.reaction}: ${REACTION_WORDS[fault.reaction] ?? "opens at once"}`, `latch ${fault.latch}: ${LATCH_WORDS[fault.latch] ?? fault.latch}`];
      const small = make("small", {}, `${words.join(" · ")} · raised `);
      small.append(make("span", { "data-raised": fault.raised_us }), " ago");
      item.append(make("b", {}, fault.name), small);
      if (fault.latch === "service") {
        const button = make("button", { type: "button", "aria-label": `${fault.name} is mended` }, "Mended");
        button.addEventListener("click", () => this.clearFault(button, fault.name));
        item.append(button);
      }
      return item;
    }));
  }

  bits(status) {
    this.set("error_status", `0x${status.toString(16).toUpperCase().padStart(8, "0")}`, status ? "bad" : "quiet");
    for (const item of this.root.querySelectorAll("[data-bit]")) {
      const ko = Math.floor(status / 2 ** Number(item.dataset.bit)) % 2 === 1;
      attribute(item, "data-ko", ko ? "yes" : "no");
      text(item.querySelector("b"), ko ? "KO" : "OK");
    }
  }
}
