// The station's exact names in plain words, fetched once. Until they are here, and for names nobody knows, the name is all.

import { make } from "./format.js";

const words = { reasons: {}, faults: {}, limits: {} };

export async function loadWords() {
  const response = await fetch("/api/words").catch(() => null);
  if (response?.ok) Object.assign(words, await response.json());
}

export const reasonWords = (name) => words.reasons[name] ?? words.faults[name] ?? name;
export const limitWords = (name) => words.limits[name] ?? "";
export const faultWords = (name) => words.faults[name] ?? "";

export function reasonItem(name) {
  const plain = reasonWords(name);
  const item = make("li", {}, plain);
  if (plain !== name) item.append(" ", make("code", {}, name));
  return item;
}

// Where the phase switch behind X2 stands.
export function phaseSwitch(view) {
  if (!view) return "unknown";
  const stands = view.changing ? `switching to ${view.phases === 1 ? "L1 alone" : "three phases"}` : view.phases === 1 ? "open: L1 alone" : "closed: three phases";
  return view.failed ? `${stands}, the last switching failed` : stands;
}
