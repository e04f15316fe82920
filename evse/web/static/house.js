// The house connection: services know it, control does not, so it is asked for instead of streamed.

import { amperes, attribute, text } from "./format.js";

const EVERY_MS = 2000;
const NOISE_MA = 50;

// A house that gives shows a minus; what is nothing on the scale shows none.
const signed = (ma) => (Math.abs(ma) < NOISE_MA ? "0.0" : `${ma < 0 ? "−" : ""}${amperes(Math.abs(ma))}`);

const number = (value) => String(Math.round(value * 10) / 10);

function carries(house) {
  const power = house.maximum_power_mw ? ` and ${number(house.maximum_power_mw / 1e6)} kW in all` : "";
  const without = house.fallback_ma ? `${number(house.fallback_ma / 1000)} A are left` : "the charge ends";
  return `The connection carries ${number(house.maximum_ma / 1000)} A on each phase${power}. Without the meter ${without}.`;
}

export class House {
  constructor(root) {
    this.root = root;
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-h]")].map((element) => [element.dataset.h, element]));
    setInterval(() => this.refresh(), EVERY_MS);
  }

  async refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch("/api/house");
      if (answer.ok) this.show(await answer.json());
      // Monitoring has been switched off.
      else if (answer.status === 404) this.root.hidden = true;
    } catch {
      // The page says by itself that the station is gone.
    }
  }

  show(house) {
    this.root.hidden = false;
    text(this.fields.carries, carries(house));
    text(this.fields.headline, house.in_force ? house.meter : "The meter is lost");
    attribute(this.fields.headline, "data-tone", house.in_force ? "quiet" : "bad");
    text(this.fields.problem, house.problem.charAt(0).toUpperCase() + house.problem.slice(1));
    this.fields.problem.hidden = house.in_force;
    for (const phase of [0, 1, 2]) {
      text(this.fields[`house_${phase}`], house.house_ma ? signed(house.house_ma[phase]) : "–");
      text(this.fields[`allowed_${phase}`], house.allowed_ma ? amperes(house.allowed_ma[phase]) : "–");
    }
  }
}
