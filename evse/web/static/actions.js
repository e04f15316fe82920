// Everything a person can ask for: the world's verbs and the commands to an outlet. The answer, or the reason of the
// refusal, is shown where the button is.

import { attribute, make, text } from "./format.js";

// The header tells the station that its own page asks: a foreign page cannot send it.
export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-EVSE-Request": "1" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  return { ok: response.ok, answer };
}

export function refusalText(answer) {
  const allowed = Array.isArray(answer.allowed) ? answer.allowed.join(", ") : answer.allowed;
  return [answer.error || "refused", allowed && `allowed: ${allowed}`, answer.hint].filter(Boolean).join(" · ");
}

export async function ask(button, output, name, path, body) {
  attribute(button, "aria-busy", "true");
  output.dataset.tone = "busy";
  text(output, `${name}…`);
  try {
    const { ok, answer } = await post(path, body);
    output.dataset.tone = ok ? "ok" : "bad";
    text(output, ok ? `✓ ${name}: done${answer.reason ? `, ${answer.reason}` : ""}` : `✕ ${name}: ${refusalText(answer)}`);
    return ok;
  } catch {
    output.dataset.tone = "bad";
    text(output, `✕ ${name}: the station does not answer`);
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// What the page's own limits leave when their time is over: the least that a charge can go on with.
const AFTER_LIMIT_MA = 6000;

const words = (name) => name.replaceAll("_", " ");
const target = () => Number(document.querySelector('input[name="target"]:checked')?.value ?? 1);
const verbPath = (name) => `/api/world/verbs/${encodeURIComponent(name)}`;

// What was left as it stood is not sent: for some verbs "not given" means "as it was".
function formParams(form) {
  const params = {};
  for (const input of form.querySelectorAll("[data-type]")) {
    const { type, was } = input.dataset;
    const value = type === "bool" ? String(input.checked) : input.value;
    if (value === was) continue;
    params[input.name] = type === "bool" ? input.checked : type === "number" ? input.valueAsNumber : input.value;
  }
  return params;
}

function firstInvalid(form) {
  let first = null;
  for (const input of form.querySelectorAll("input, select")) {
    const valid = input.checkValidity();
    attribute(input, "aria-invalid", valid ? "false" : "true");
    if (!valid) { input.closest("details.more")?.setAttribute("open", ""); first ??= input; }
  }
  return first;
}

// What was done last stands first, with the parameters it was done with; the outlet is the one that is chosen now.
const RECENT = "evse.recent-verbs";
const RECENT_KEPT = 5;

function recentVerbs() {
  try {
    const list = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(list) ? list.filter((each) => document.querySelector(`form.verb[data-verb="${CSS.escape(String(each.verb))}"]`)) : [];
  } catch { return []; }
}

function remember(verb, hasOutlet, params) {
  const { outlet: _, ...kept } = params;
  const key = JSON.stringify([verb, kept]);
  const list = [{ verb, hasOutlet, params: kept }, ...recentVerbs().filter((each) => JSON.stringify([each.verb, each.params]) !== key)];
  try { localStorage.setItem(RECENT, JSON.stringify(list.slice(0, RECENT_KEPT))); } catch { /* a browser that keeps nothing */ }
  showRecent();
}

function recentName({ verb, params }) {
  const { heal, ...rest } = params;
  return [heal ? `undo ${words(verb)}` : words(verb), ...Object.entries(rest).map(([name, value]) => `${words(name)} ${value}`)].join(", ");
}

function showRecent() {
  const section = document.querySelector("[data-recent]");
  const list = recentVerbs();
  if (!section) return;
  section.hidden = list.length === 0;
  section.querySelector("ul").replaceChildren(...list.map((each) => {
    const button = make("button", { type: "button" }, recentName(each));
    button.addEventListener("click", () => {
      const params = each.hasOutlet ? { ...each.params, outlet: target() } : each.params;
      ask(button, document.getElementById("quick-result"), recentName(each), verbPath(each.verb), params);
    });
    const item = make("li");
    item.append(button);
    return item;
  }));
}

// The button that a person most likely wants next is marked, in words for those who do not see it.
// What the chosen outlet has no device for is not offered there.
export function suggest(wanted) {
  const chosen = target();
  const step = wanted(chosen);
  for (const button of document.querySelectorAll(".quick button")) {
    const { when, only } = button.dataset;
    button.hidden = only !== undefined && !only.split(" ").includes(String(chosen));
    const next = when !== "" && when === step;
    attribute(button, "data-next", next ? "yes" : "no");
    attribute(button, "aria-description", next ? "the likely next step" : "");
  }
}

// Parts of the picture and of the cover that can be used. In the picture they repeat buttons, so they take no keyboard.
export function wireStage(outletNow) {
  const root = document.getElementById("station");
  if (!root || document.body.dataset.simulated !== "yes") return;
  const output = document.getElementById("quick-result");
  const act = (part, verb, params) => ask(part, output, words(verb), verbPath(verb), params);
  root.addEventListener("click", (event) => {
    const part = event.target.closest("[data-act]");
    const dip = event.target.closest("button[data-dip]");
    const outlet = Number(part?.closest("[data-unit]")?.dataset.unit ?? Math.min(...outletNow.numbers()));
    if (dip) {
      act(dip, "set_dip", { outlet, bank: Number(dip.dataset.bank), switch: Number(dip.dataset.switch), on: dip.getAttribute("aria-checked") !== "true" });
    } else if (part) {
      const active = outletNow.get(outlet)?.active_inputs ?? [];
      const params = {
        present_card: { hold: 1 }, turn_key: { to: active.includes("KeyLocked") ? "unlocked" : "locked" },
        set_x1: { closed: !active.includes("X1Enable") },
      }[part.dataset.act] ?? JSON.parse(part.dataset.params ?? "{}");
      act(part, part.dataset.act, { outlet, ...params });
    }
  });
}

export function wireWorld(targetChanged) {
  for (const radio of document.querySelectorAll('input[name="target"]')) radio.addEventListener("change", targetChanged);
  for (const button of document.querySelectorAll(".quick button")) {
    button.addEventListener("click", () => {
      const params = JSON.parse(button.dataset.params);
      if (button.dataset.hasOutlet === "yes") params.outlet = target();
      ask(button, document.getElementById("quick-result"), button.textContent.trim(), verbPath(button.dataset.verb), params);
    });
  }
  for (const form of document.querySelectorAll("form.verb")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const output = form.querySelector("output");
      const heal = event.submitter?.dataset.heal;
      const invalid = heal ? null : firstInvalid(form);
      if (invalid) {
        output.dataset.tone = "bad";
        text(output, `✕ ${words(invalid.name)}: ${invalid.closest(".field").title}`);
        invalid.focus();
        return;
      }
      const params = heal ? { [heal]: true } : formParams(form);
      if (form.dataset.hasOutlet === "yes") params.outlet = target();
      const name = heal ? `undo ${words(form.dataset.verb)}` : words(form.dataset.verb);
      ask(event.submitter ?? form.querySelector("button"), output, name, verbPath(form.dataset.verb), params)
        .then((done) => { if (done && !form.querySelector("input[type=password]")) remember(form.dataset.verb, form.dataset.hasOutlet === "yes", params); });
    });
  }
  showRecent();
  document.getElementById("find-verb")?.addEventListener("input", (event) => find(event.target.value.trim().toLowerCase()));
}

function find(wanted) {
  let found = 0;
  for (const group of document.querySelectorAll("[data-group]")) {
    let here = 0;
    const inName = group.querySelector("summary").textContent.toLowerCase().includes(wanted);
    for (const form of group.querySelectorAll("form.verb")) {
      const hit = inName || form.textContent.toLowerCase().includes(wanted);
      form.hidden = !hit;
      here += hit ? 1 : 0;
    }
    group.hidden = here === 0;
    group.open = wanted !== "" && here > 0;
    found += here;
  }
  document.getElementById("nothing-found").hidden = found > 0;
}

export function wireCommands(card) {
  const root = card.root;
  const number = root.dataset.outlet;
  const output = root.querySelector("[data-command-result]");
  // A command is meant for what the person sees: the epoch keeps a late one away from the next user.
  const send = (button, name, command, body) => ask(button, output, name,
    `/api/outlets/${number}/commands/${command}`, { ...body, epoch: card.outlet?.epoch ?? -1 });
  for (const button of root.querySelectorAll("[data-command]")) {
    button.addEventListener("click", () => {
      const about = document.getElementById(button.getAttribute("aria-describedby"))?.textContent;
      send(button, about ? `${about}: ${button.textContent}` : button.textContent, button.dataset.command, JSON.parse(button.dataset.body));
    });
  }
  root.querySelector("[data-start]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter ?? event.target, "Start", "start", { uid: event.target.elements.uid.value.trim().toUpperCase() });
  });
  root.querySelector("[data-limit]").addEventListener("submit", (event) => {
    event.preventDefault();
    const { current, of, minutes } = event.target.elements;
    const path = of.value === "station" ? "/api/station/commands/limit" : `/api/outlets/${number}/commands/limit`;
    const body = { source: "page" };
    if (event.submitter?.hasAttribute("data-take-back")) body.active = false;
    else {
      body.current_ma = Math.round(current.valueAsNumber * 1000);
      if (minutes.value) Object.assign(body, { duration_s: Number(minutes.value) * 60, fallback_ma: AFTER_LIMIT_MA });
    }
    ask(event.submitter ?? event.target, output, body.active === false ? "Limit taken back" : "Limit", path, body);
  });
  root.querySelector("[data-book]").addEventListener("submit", (event) => {
    event.preventDefault();
    const uid = event.target.elements.uid.value.trim().toUpperCase();
    send(event.submitter ?? event.target, "Book", "book", { uid, duration_s: 1800 });
  });
}

export const clearFault = (number, card) => (button, fault) => ask(button,
  document.querySelector(`#outlet-${number} [data-fault-result]`), `Mended ${fault}`,
  `/api/outlets/${number}/commands/clear-fault`, { fault, epoch: card()?.outlet?.epoch ?? -1 });
