// Values as people read them. The station speaks in integers with the unit in the field's name.

export const amperes = (ma) => (ma / 1000).toFixed(1);
export const volts = (mv) => (mv / 1000).toFixed(0);
export const pilotVolts = (mv) => `${mv < 0 ? "−" : "+"}${(Math.abs(mv) / 1000).toFixed(1)}\u00a0V`;
export const kilowattHours = (wh) => (wh / 1000).toFixed(3);
export const percent = (bp) => `${(bp / 100).toFixed(bp % 100 ? 1 : 0)}\u00a0%`;

export function span(us) {
  const seconds = Math.max(0, Math.floor(us / 1e6));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

// Only texts and attributes are ever set, never markup: what a card or a back-end calls itself stays text.
export function text(element, value) {
  const shown = value === null || value === undefined ? "" : String(value);
  if (element && element.textContent !== shown) element.textContent = shown;
}

export function attribute(element, name, value) {
  if (element && element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function make(name, attributes = {}, content = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (content !== "") element.textContent = content;
  return element;
}

const UNITS = {
  ma: (value) => `${amperes(value)} A`, mv: (value) => `${volts(value)} V`, bp: percent, wh: (value) => `${kilowattHours(value)} kWh`, us: span,
};

// One field of an event: its name in words, its value with the unit that the name ends with.
export function fieldText(name, value) {
  const [, words, unit] = name.match(/^(.*)_([a-z]{2})$/) ?? [];
  if (Number.isFinite(value) && UNITS[unit]) return `${words.replaceAll("_", " ")} ${UNITS[unit](value)}`;
  const shown = Array.isArray(value) ? value.join(", ") || "none" : typeof value === "boolean" ? (value ? "yes" : "no") : value === "" ? "none" : value;
  return `${name.replaceAll("_", " ")} ${shown}`;
}

const SVG = "http://www.w3.org/2000/svg";

export function draw(name, attributes = {}, content = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (content !== "") element.textContent = content;
  return element;
}
