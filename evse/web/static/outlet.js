// One outlet's card: takes an OutletView as JSON and puts it into the page the server rendered.

import { amperes, attribute, kilowattHours, make, pilotVolts, span, text, volts } from "./format.js";
import { carHere, carUnknown, domesticPlugged, flowing, plugged } from "./stage.js";
import { describe, diodeMissing, drawWave } from "./waveform.js";
import { faultWords, limitWords, phaseSwitch, reasonItem } from "./words.js";

const UNKNOWN = "unknown";
const MINIMUM_MA = 6000;
const REACTION_WORDS = { emergency: "opens at once", controlled: "stops first, then opens", notice: "is only reported" };
const LATCH_WORDS = { self: "ends with its cause", unplug: "ends when unplugged", service: "ends when confirmed as mended" };
const WHAT_TO_DO = {
  self: "Ends by itself as soon as its cause is gone.", unplug: "When its cause is gone: unplug.",
  service: "When it has been mended: press Mended.",
};

// Measurements are null while the front end does not answer.
const measured = (value, show) => (value === null || value === undefined ? UNKNOWN : show(value));
const UNPLUG_WORDS = {
  OK_ChargeLoopEnded: "Charge ended, please unplug",
  OK_ChargeAuthorisationStarted: "Badge refused, please unplug",
  OK_ChargeContractStarted: "Charge refused, please unplug",
  OK_PlugProcedureStarted: "Could not begin, please unplug",
};

const NO_OFFER_WORDS = {
  WaitAfterFault: "Waiting after a fault", Suspended: "Suspended", Postponed: "Start postponed", NotEnoughCurrent: "Not enough current",
  ContactorMustRest: "Contactor rests", OutOfService: "Out of service", DelayedStart: "Start delayed", ConditionalStart: "Start held back", X1NotEnabled: "Waiting for X1", RestartDelay: "Waiting after a power failure",
};

// What holds of a limit once its source has been silent for too long.
function thenWords(limit) {
  if (limit.on_expiry === "fallback") return `${amperes(limit.fallback_ma)} A`;
  return limit.on_expiry === "release" ? "it limits nothing" : "the same goes on";
}

// Whose limit is shared, and what a limit from outside is a limit of.
function noteWords({ source, note }) {
  if (source === "balancing share" && note && !note.startsWith("shed")) return `which “${note}” says`;
  return note.replace(/^station\b/, "for the whole station");
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const powerKw = (outlet) => outlet.currents_ma.reduce((sum, ma, phase) => sum + ma * outlet.voltages_mv[phase], 0) / 1e9;

// What matters most about this outlet, in plain words; the exact names stand below it.
// `from`: the Outlet Status that the unplug procedure came from, where the page has seen it.
export function headline(outlet, from) {
  if (!outlet.link_ok) return ["bad", "Front end does not answer"];
  if (outlet.active_inputs?.includes("KeyLocked")) return ["bad", "Locked by key"];
  const grave = outlet.faults.filter((fault) => fault.reaction !== "notice");
  if (grave.length) return ["bad", grave.length > 1 ? `${grave.length} faults` : faultWords(grave[0].name) || "Fault"];
  if (outlet.contactor_closed) {
    return flowing(outlet) ? ["ok", "Charging"] : ["ok", "Connected, no current"];
  }
  if (outlet.outlet_status.includes("Maintenance")) return ["busy", "Maintenance"];
  if (outlet.outlet_status === "OK_Unavailable" || outlet.ev_state === "F_NotAvailable") return ["bad", "Not available"];
  if (outlet.outlet_status === "Not_Initialized") return ["quiet", "Starting"];
  const car = carHere(outlet);
  if (outlet.session) {
    if (!car && outlet.shutter && outlet.shutter !== "open" && outlet.cable_state === "Not_Plugged") return ["busy", "Shutter opens"];
    if (!car) return ["busy", "Waiting for a car"];
    const reason = outlet.no_offer_reasons.find((name) => NO_OFFER_WORDS[name]);
    if (reason) return ["busy", NO_OFFER_WORDS[reason]];
    return outlet.no_offer_reasons.length ? ["busy", "Getting ready"] : ["busy", "Offered, waiting for the car"];
  }
  if (outlet.outlet_status === "OK_UnplugProcedureStarted") return ["busy", UNPLUG_WORDS[from] ?? "Please unplug"];
  return car ? ["busy", outlet.access === "badge" ? "Car here, waiting for a badge" : "Car here"] : ["quiet", "Free"];
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
  show(outlet, now, from) {
    this.outlet = outlet;
    this.measured = outlet.link_ok && outlet.pilot !== null;
    const [tone, words] = headline(outlet, from);
    this.set("headline", words, tone);
    this.words(outlet);
    this.picture(outlet);
    this.pilot(outlet.pilot);
    this.contactor(outlet);
    this.changed("limits", outlet.limits, () => this.limits(outlet.limits));
    this.changed("faults", [outlet.faults, outlet.number], () => this.faults(outlet.faults));
    for (const name of ["open_reasons", "no_offer_reasons"]) {
      this.changed(name, outlet[name], () => this.lists[name].replaceChildren(...outlet[name].map(reasonItem)));
    }
    this.changed("evse_status", outlet.evse_status, () => this.lists.evse_status.replaceChildren(...outlet.evse_status.map((word) => make("li", {}, word))));
    this.changed("error_status", outlet.error_status, () => this.bits(outlet.error_status));
    this.tick(now);
    return [tone, words];
  }

  tick(now) {
    const session = this.outlet?.session;
    text(this.fields.session_time, session ? span(now - session.opened_us) : "–");
    for (const ends of this.root.querySelectorAll("[data-ends]")) {
      const left = Number(ends.dataset.ends) - now;
      text(ends, left > 0 ? `its word ends in ${span(left)}, then ${ends.dataset.then}` : `its word has ended: ${ends.dataset.then}`);
    }
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
    for (const name of ["outlet_status", "access"]) this.set(name, outlet[name]);
    const cable = outlet.domestic?.plugged ? `${outlet.cable_state}, domestic cable` : outlet.cable_state;
    this.set("ev_state", outlet.link_ok ? outlet.ev_state : UNKNOWN);
    this.set("cable_state", outlet.link_ok ? cable : UNKNOWN);
    this.set("last_error", outlet.last_error ? `${outlet.last_error}${outlet.last_error_class ? ` (${outlet.last_error_class})` : ""}` : "none");
    this.set("power", measured(outlet.currents_ma, () => powerKw(outlet).toFixed(2)));
    attribute(this.fields.power, "data-known", outlet.currents_ma ? "yes" : "no");
    this.set("link_problem", outlet.link_ok ? "" : sentence(outlet.link_problem || "the front end does not answer"));
    this.fields.link_problem.hidden = outlet.link_ok;
    this.set("offered", amperes(outlet.offered_ma));
    const session = outlet.session;
    this.set("session_energy", session ? kilowattHours(session.energy_wh) : "–");
    this.set("uid", session ? session.uid || "none needed" : outlet.reader_ok ? "none" : outlet.reader_problem || "reader does not answer");
    this.set("session_id", session ? session.session_id : "none");
    this.set("record", session ? `${session.record_durable ? "start is safe" : "start not yet safe"}, ${session.charge_type}` : "none open");
    for (const phase of [0, 1, 2]) {
      if (!this.fields[`current_${phase}`]) continue;
      this.set(`current_${phase}`, measured(outlet.currents_ma?.[phase], amperes));
      this.set(`voltage_${phase}`, measured(outlet.voltages_mv?.[phase], volts));
    }
    if (this.fields.phase_switch) this.set("phase_switch", `Phase switch ${outlet.link_ok ? phaseSwitch(outlet.phase_switch) : "unknown"}`);
    this.set("register", `${kilowattHours(outlet.register_wh)} kWh`);
    this.meter(outlet.meter);
    this.set("temperature", measured(outlet.temperature_dc, (dc) => `${(dc / 10).toFixed(1)} °C`));
  }

  // Who meters, and what is wrong with the outlet's own meter: then the transformers do, with the voltage that was set.
  meter(meter) {
    if (!meter) return this.set("metered_by", "by current transformers", "quiet");
    this.set("metered_by", meter.in_force ? `by ${meter.name}` : "by current transformers", meter.in_force ? "ok" : "bad");
    this.set("meter_problem", meter.problem ? sentence(meter.problem) : "");
    this.fields.meter_problem.hidden = !meter.problem;
    this.set("meter_register", meter.energy_wh === null ? UNKNOWN : `${kilowattHours(meter.energy_wh)} kWh${meter.replaced ? `, replaced ${meter.replaced} times` : ""}`);
  }

  picture(outlet) {
    const flags = { plugged: plugged(outlet), car: carHere(outlet), closed: outlet.contactor_closed, flow: flowing(outlet), domestic: domesticPlugged(outlet) };
    for (const [name, value] of Object.entries(flags)) attribute(this.drawing, `data-${name}`, value ? "yes" : "no");
    if (carUnknown(outlet)) attribute(this.drawing, "data-car", "unknown");
    if (!this.measured) attribute(this.drawing, "data-closed", "unknown");
    attribute(this.drawing, "data-lock", outlet.link_ok ? outlet.lock : "unknown");
    const contactor = !this.measured ? "contactor unknown" : outlet.contactor_closed ? "contactor closed" : "contactor open";
    const plug = !outlet.link_ok ? "plug unknown" : flags.plugged ? (outlet.lock === "locked" ? "plug, locked" : "plug") : "no plug";
    const car = domesticPlugged(outlet) ? "domestic cable" : flags.car ? "vehicle" : carUnknown(outlet) ? "vehicle unknown" : flags.plugged ? "no vehicle yet" : "";
    this.set("contactor_word", contactor);
    this.set("plug_word", plug);
    this.set("car_word", car);
    text(this.drawing.querySelector("title"), `Outlet ${outlet.number}: ${[contactor, plug, car || "no vehicle"].join(", ")}`);
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
    const position = !this.measured ? UNKNOWN : closed ? "closed" : "open";
    this.set("contactor_state", `${position}, ${permitted ? "permitted" : "not permitted"}`, tone);
    this.set("open_lead", permitted ? "Nothing speaks against holding it." : "May not be held because:");
    const offering = outlet.no_offer_reasons.length === 0;
    this.set("offer_state", offering ? `${amperes(outlet.offered_ma)} A` : "none, because:", offering ? "ok" : "quiet");
  }

  // One bar per limit, all on one scale; the ruling one's end goes through all of them as a line.
  limits(limits) {
    const highest = Math.max(MINIMUM_MA, ...limits.map((limit) => limit.current_ma));
    const ruling = limits.find((limit) => limit.ruling);
    const list = this.root.querySelector("[data-limits]");
    list.style.setProperty("--rule", String((ruling?.current_ma ?? highest) / highest));
    list.style.setProperty("--least", String(MINIMUM_MA / highest));
    text(this.root.querySelector("[data-limit-top]"), `${amperes(highest)} A`);
    list.replaceChildren(...limits.map((limit) => {
      const row = make("li", { "data-ruling": limit.ruling ? "yes" : "no" });
      const name = make("b", {}, limit.source);
      const words = [limitWords(limit.source), noteWords(limit)].filter(Boolean).join(", ");
      const bar = make("span", { class: "bar" });
      bar.style.setProperty("--share", String(limit.current_ma / highest));
      row.append(name, make("span", { class: "amount" }, `${amperes(limit.current_ma)} A${limit.ruling ? " rules" : ""}`), bar);
      if (words) row.append(make("small", {}, words));
      if (limit.expires_us !== null && limit.expires_us !== undefined) row.append(make("small", { "data-ends": limit.expires_us, "data-then": thenWords(limit) }));
      return row;
    }));
    // What the others would allow: the next lowest rules when the ruling one goes.
    const next = limits.filter((limit) => !limit.ruling).reduce((least, limit) => (!least || limit.current_ma < least.current_ma ? limit : least), null);
    text(this.root.querySelector("[data-limit-next]"), ruling && next ? `Without “${ruling.source}”, “${next.source}” would rule and leave ${amperes(next.current_ma)} A.` : "");
  }

  faults(faults) {
    this.set("fault_state", faults.length ? String(faults.length) : "", "bad");
    this.root.querySelector("[data-faults]").replaceChildren(...faults.map((fault) => {
      const item = make("li", { "data-notice": fault.reaction === "notice" ? "yes" : "no" });
      const words = [`${fault.reaction}: ${REACTION_WORDS[fault.reaction] ?? "opens at once"}`, `latch ${fault.latch}: ${LATCH_WORDS[fault.latch] ?? fault.latch}`];
      const small = make("small", {}, `${words.join(" · ")} · raised `);
      small.append(make("span", { "data-raised": fault.raised_us }), " ago");
      const meaning = faultWords(fault.name);
      item.append(make("b", {}, meaning || fault.name), make("span", { class: "what-to-do" }, fault.reaction === "notice" ? "" : WHAT_TO_DO[fault.latch] ?? ""), small);
      if (meaning) small.prepend(make("code", {}, fault.name), " · ");
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
