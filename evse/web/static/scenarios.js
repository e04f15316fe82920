// The scenario runner: choose a story, run it in virtual time on a station of its own, see verdict, failures, timeline.

import { attribute, make, text } from "./format.js";
import { post, refusalText } from "./actions.js";

const seconds = (us) => { const s = us / 1e6; return s < 120 ? `${s.toFixed(1)} s` : s < 7200 ? `${(s / 60).toFixed(1)} min` : `${(s / 3600).toFixed(1)} h`; };

export class ScenarioRunner {
  constructor(root) {
    this.part = (id) => root.querySelector(`#${id}`);
    this.stories = new Map();
    this.part("scenario-form").addEventListener("submit", (event) => { event.preventDefault(); this.run(); });
    this.part("scenario").addEventListener("change", () => this.about());
    // Reading the library costs the station a second of a processor: only when somebody comes near.
    const near = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) { near.disconnect(); this.load(); } }, { rootMargin: "200px" });
    near.observe(root);
  }

  async load() {
    const response = await fetch("/api/scenarios").catch(() => null);
    const select = this.part("scenario");
    if (!response?.ok) { select.replaceChildren(make("option", { value: "" }, "the scenarios cannot be read now")); return; }
    const groups = new Map();
    for (const story of await response.json()) {
      this.stories.set(story.name, story);
      if (!groups.has(story.profile)) groups.set(story.profile, make("optgroup", { label: story.profile }));
      groups.get(story.profile).append(make("option", { value: story.name }, `${story.name}: ${story.title}`));
    }
    select.replaceChildren(...groups.values());
    this.about();
  }

  about() { text(this.part("scenario-about"), this.stories.get(this.part("scenario").value)?.description.trim() ?? ""); }

  async run() {
    const name = this.part("scenario").value;
    const output = this.part("scenario-result");
    if (!name) return;
    this.about();
    const button = this.part("scenario-form").querySelector("button");
    attribute(button, "aria-busy", "true");
    output.dataset.tone = "busy";
    text(output, `${name} runs…`);
    const body = { dumb: this.part("scenario-dumb").checked };
    if (this.part("scenario-seed").value !== "") body.seed = this.part("scenario-seed").valueAsNumber;
    try {
      const { ok, answer } = await post(`/api/scenarios/${encodeURIComponent(name)}/run`, body);
      if (ok) this.show(answer); else this.refuse(refusalText(answer));
    } catch {
      this.refuse("the station does not answer");
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  refuse(why) {
    const output = this.part("scenario-result");
    output.dataset.tone = "bad";
    text(output, `✕ ${why}`);
    this.part("scenario-findings").replaceChildren();
    this.part("scenario-more").hidden = true;
  }

  show({ verdict, timeline, seconds: took }) {
    const output = this.part("scenario-result");
    const met = verdict.decisions.filter((decision) => decision.passed).length;
    output.dataset.tone = verdict.passed ? "ok" : "bad";
    text(output, `${verdict.passed ? "✓ passed" : "✕ failed"}: ${verdict.name}, ${met} of ${verdict.decisions.length} expectations met, `
      + `${verdict.violations.length} invariants broken · ${seconds(verdict.end_us)} of virtual time in ${took.toFixed(1)} s · seed ${verdict.run_number}`);
    const findings = [
      ...verdict.failures.map((each) => [`Line ${each.line}, step ${each.step}, at ${seconds(each.at_us)}`, `expected ${each.expected}; was ${each.actual}`]),
      ...verdict.violations.map((each) => [`${each.invariant}${each.outlet ? `, outlet ${each.outlet}` : ""}, at ${seconds(each.at_us)}`, each.what]),
    ];
    this.part("scenario-findings").replaceChildren(...findings.map(([where, what]) => { const item = make("li"); item.append(make("b", {}, where), make("span", {}, what)); return item; }));
    this.part("scenario-timeline").replaceChildren(...timeline.map((line) => make("li", { "data-kind": /FAILED|VIOLATION/.test(line) ? "bad" : / {2}> /.test(line) ? "verb" : / ok: /.test(line) ? "ok" : "fact" }, line.trim())));
    this.part("scenario-more").hidden = false;
    this.part("scenario-more").open = true;
  }
}
