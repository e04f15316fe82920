// The pilot's shape, put together from four measured numbers: both plateaus, duty cycle, frequency. It is not an
// oscilloscope's trace, and the caption says so. A good diode leaves the negative plateau at -12 V; a shorted one
// mirrors the positive plateau, which the trace shows as it is.

import { attribute, draw, percent, pilotVolts } from "./format.js";

const WIDTH = 420, HEIGHT = 190, LEFT = 52, RIGHT = 74, TOP = 12, BOTTOM = 32;
const HIGHEST_MV = 13500;
// Nominal levels with the state that the positive plateau means (IEC 61851-1, table A.4).
const LEVELS = [[12000, "A"], [9000, "B"], [6000, "C"], [3000, "D"], [0, ""], [-12000, "F"]];
const PERIODS = 3;
const TOLERANCE_MV = 1000;

const y = (mv) => TOP + (HIGHEST_MV - Math.max(-HIGHEST_MV, Math.min(HIGHEST_MV, mv))) / (2 * HIGHEST_MV) * (HEIGHT - TOP - BOTTOM);

export const pulsed = (pilot) => pilot.frequency_dhz > 0 && pilot.duty_bp > 0 && pilot.duty_bp < 10000;
export const diodeMissing = (pilot) => pulsed(pilot) && Math.abs(pilot.negative_mv + 12000) > TOLERANCE_MV;

function tracePath(pilot) {
  const right = WIDTH - RIGHT;
  if (!pulsed(pilot)) return `M${LEFT} ${y(pilot.positive_mv)}H${right}`;
  const period = (right - LEFT) / PERIODS;
  const high = y(pilot.positive_mv), low = y(pilot.negative_mv);
  let path = `M${LEFT} ${low}`;
  for (let n = 0; n < PERIODS; n += 1) {
    const start = LEFT + n * period;
    path += `V${high}H${(start + period * pilot.duty_bp / 10000).toFixed(1)}V${low}H${(start + period).toFixed(1)}`;
  }
  return path;
}

// A period of 1 kHz is 1 ms; the axis shows what was measured.
function timeAxis(pilot, right) {
  const period = (right - LEFT) / PERIODS, lengthMs = 10000 / pilot.frequency_dhz;
  return Array.from({ length: PERIODS + 1 }, (_, n) => [
    draw("line", { class: "tickmark", x1: LEFT + n * period, x2: LEFT + n * period, y1: HEIGHT - BOTTOM + 4, y2: HEIGHT - BOTTOM + 9 }),
    draw("text", { class: "time", x: LEFT + n * period, y: HEIGHT - 6 }, `${Number((n * lengthMs).toFixed(2))}${n === PERIODS ? " ms" : ""}`),
  ]).flat();
}

export function drawWave(svg, pilot) {
  const parts = [];
  const right = WIDTH - RIGHT;
  for (const [level, state] of LEVELS) {
    parts.push(draw("line", { class: level === 0 ? "nominal" : "grid", x1: LEFT, x2: right, y1: y(level), y2: y(level) }));
    parts.push(draw("text", { class: "level", x: LEFT - 6, y: y(level) + 4 }, `${level < 0 ? "−" : ""}${Math.abs(level) / 1000}${level === LEVELS[0][0] ? " V" : ""}`));
    if (state) parts.push(draw("text", { class: "zone", x: LEFT - 48, y: y(level) + 4 }, state));
  }
  if (!pilot) {
    parts.push(draw("text", { class: "none", x: (LEFT + right) / 2, y: HEIGHT / 2 }, "no measurement"));
    attribute(svg, "aria-label", "Pilot: no measurement");
    svg.replaceChildren(...parts);
    return;
  }
  const bad = diodeMissing(pilot);
  if (pulsed(pilot)) {
    const edge = y(-12000 + TOLERANCE_MV);
    parts.unshift(draw("rect", { class: bad ? "band bad" : "band", x: LEFT, width: right - LEFT, y: edge, height: y(-12000 - TOLERANCE_MV) - edge }));
  }
  if (pulsed(pilot)) parts.push(...timeAxis(pilot, right));
  parts.push(draw("path", { class: bad ? "trace bad" : "trace", d: tracePath(pilot) }));
  parts.push(draw("text", { class: "note", x: right + 8, y: y(pilot.positive_mv) + 4 }, pilotVolts(pilot.positive_mv)));
  if (pulsed(pilot)) {
    const gap = Math.max(y(pilot.negative_mv), y(pilot.positive_mv) + 16);
    parts.push(draw("text", { class: bad ? "note bad" : "note", x: right + 8, y: gap + 4 }, `${bad ? "▲ " : ""}${pilotVolts(pilot.negative_mv)}`));
  }
  attribute(svg, "aria-label", `Pilot, reconstructed from measured levels: ${describe(pilot)}`);
  svg.replaceChildren(...parts);
}

export function describe(pilot) {
  const driven = pilot.driven_mode === "PWM" ? `PWM ${percent(pilot.driven_duty_bp)}` : pilot.driven_mode;
  if (!pulsed(pilot)) return `steady ${pilotVolts(pilot.positive_mv)}, driven ${driven}`;
  return `V+\u00a0${pilotVolts(pilot.positive_mv)}, V−\u00a0${pilotVolts(pilot.negative_mv)}, duty ${percent(pilot.duty_bp)}, `
    + `${(pilot.frequency_dhz / 10).toFixed(0)} Hz; driven ${driven}`;
}
