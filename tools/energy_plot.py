"""Draws the story of two cars on one supply of 32 A: what rules at each outlet, what is offered, what is drawn.

    python -m tools.energy_plot docs/images/energy.svg

The figure is made from a run of the scenario ``tools/energy_story/story.yaml`` in virtual time, never by hand: limits, offers and
who meters from the Snapshot, currents from the simulated world.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from evse.app.virtual.scenario_library import load
from evse.app.virtual.station_factory import station_factory
from evse.core.metering import INTERNAL
from evse.core.units import SECOND
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.station import SimulatedStation
from evse.sim.trace import Trace

SCENARIO: Final = "tools/energy_story/story.yaml"
SAMPLE_US: Final = SECOND // 4
WIDTH, PANEL, GAP, LEFT, TOP, RIGHT = 1_000, 170, 46, 52, 34, 74
TOP_MA: Final = 36_000
STORY: Final = ((8, "car 1"), (66, "car 2"), (120, "In-1 acts"), (180, "In-1 rests"), (240, "house: 20 A"), (310, "house: 30 A"),
                (370, "house meter dies"), (430, "house: free"), (480, "meter 2 dies"), (530, "it is back"))  # fmt: skip
"""What happens when, in seconds: the steps of the scenario in two words each."""
RULED: Final = {
    "rated": "#c8d6e5",
    "cable": "#c8d6e5",
    "station maximum": "#c8d6e5",
    "balancing share": "#8fb8de",
    "load shedding": "#f4b860",
    "house meter": "#e58e73",
}
METERED, TRANSFORMERS = "#4c9f70", "#e08e3c"
OTHER_RULE: Final = "#d9d9d9"


@dataclass(frozen=True, slots=True)
class Sample:
    """One outlet at one moment: the ruling limit and its source, the offer, the highest phase that is drawn, who meters."""

    at_us: int
    ruling: str
    limit_ma: int
    offered_ma: int
    drawn_ma: int
    by_meter: bool


class Sampler:
    """Looks at a station four times a second."""

    def __init__(self, station: SimulatedStation) -> None:
        self._station = station
        self.samples: dict[int, list[Sample]] = {1: [], 2: []}
        self._next_us = 0

    def look(self, now_us: int) -> None:
        """Take a sample when one is due."""
        view = self._station.view()
        if now_us < self._next_us or view is None:
            return
        self._next_us = now_us + SAMPLE_US
        for outlet in view.outlets:
            truth = self._station.world.outlet(outlet.number).truth()
            ruling = outlet.limits[0]
            drawn_ma = max(truth.currents_ma)
            self.samples[outlet.number].append(
                Sample(
                    now_us, ruling.source, ruling.current_ma, outlet.offered_ma, drawn_ma, outlet.metered_by != INTERNAL
                )
            )


def play(scenario: Scenario) -> dict[int, list[Sample]]:
    """Run the scenario; return the samples of each outlet. Raises RuntimeError when it does not pass."""
    samplers: list[Sampler] = []

    def prepare(station: SimulatedStation, _trace: Trace) -> None:
        samplers.append(Sampler(station))
        station.scheduler.observers.append(samplers[0].look)

    verdict = run_scenario(scenario, station_factory, 1, prepare=prepare)
    if not verdict.passed:
        raise RuntimeError(verdict.summary())
    return samplers[0].samples


def drawn(samples: dict[int, list[Sample]]) -> str:
    """The figure as SVG."""
    end_us = max(sample.at_us for found in samples.values() for sample in found)
    height = TOP + 3 * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    scale = Scale(end_us)
    for panel, number in enumerate((1, 2)):
        parts += _outlet_panel(scale, panel, f"Outlet {number}", samples[number])
    parts += _together_panel(scale, 2, samples)
    parts += _story(scale, height)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class Scale:
    """From time and current to places on the figure."""

    end_us: int

    def x(self, at_us: int) -> float:
        """Horizontal place of a time."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * at_us / self.end_us, 1)

    def y(self, panel: int, current_ma: int) -> float:
        """Vertical place of a current in a panel."""
        return round(TOP + panel * (PANEL + GAP) + PANEL * (1 - min(current_ma, TOP_MA) / TOP_MA), 1)


def _outlet_panel(scale: Scale, panel: int, title: str, samples: Sequence[Sample]) -> Iterator[str]:
    floor = scale.y(panel, 0)
    for ruling, begin, end in _runs(samples):
        colour = RULED.get(ruling, OTHER_RULE)
        points = " ".join(
            f"{x},{y}" for x, y in _steps(scale, panel, [(s.at_us, s.limit_ma) for s in samples[begin : end + 1]])
        )
        left, right = scale.x(samples[begin].at_us), scale.x(samples[end].at_us)
        yield f'<polygon points="{left},{floor} {points} {right},{floor}" fill="{colour}"/>'
        if right - left > 60:
            yield f'<text x="{(left + right) / 2}" y="{floor - 6}" text-anchor="middle" fill="#444">{escape(ruling)}</text>'
    yield _line(scale, panel, [(s.at_us, s.offered_ma) for s in samples], "#1b4f8a", 2.5)
    yield _line(scale, panel, [(s.at_us, s.drawn_ma) for s in samples], "#c0392b", 1.5)
    yield from _strip(scale, floor, samples)
    words = "filled = ruling limit, blue = offered, red = drawn (A); strip: green = its meter meters, orange = the transformers do"
    yield from _frame(scale, panel, f"{title}: {words}")


def _strip(scale: Scale, floor: float, samples: Sequence[Sample]) -> Iterator[str]:
    """Who meters, under the panel."""
    begin = 0
    for index in range(1, len(samples) + 1):
        if index == len(samples) or samples[index].by_meter != samples[begin].by_meter:
            left, right = scale.x(samples[begin].at_us), scale.x(samples[min(index, len(samples) - 1)].at_us)
            colour = METERED if samples[begin].by_meter else TRANSFORMERS
            yield f'<rect x="{left}" y="{floor + 1}" width="{round(right - left, 1)}" height="4" fill="{colour}"/>'
            begin = index


def _together_panel(scale: Scale, panel: int, samples: dict[int, list[Sample]]) -> Iterator[str]:
    pairs = list(zip(samples[1], samples[2], strict=True))
    yield _line(scale, panel, [(a.at_us, a.offered_ma + b.offered_ma) for a, b in pairs], "#1b4f8a", 2.5)
    yield _line(scale, panel, [(a.at_us, a.drawn_ma + b.drawn_ma) for a, b in pairs], "#c0392b", 1.5)
    y = scale.y(panel, 32_000)
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#222" stroke-dasharray="6 4"/>'
    yield from _frame(scale, panel, "Both together: blue = offered, red = drawn, dashed = station maximum 32 A (A)")


def _runs(samples: Sequence[Sample]) -> Iterator[tuple[str, int, int]]:
    """Stretches with the same ruling source: it, the first sample and the one behind the last."""
    begin = 0
    for index in range(1, len(samples)):
        if samples[index].ruling != samples[begin].ruling:
            yield samples[begin].ruling, begin, index
            begin = index
    yield samples[begin].ruling, begin, len(samples) - 1


def _steps(scale: Scale, panel: int, values: Sequence[tuple[int, int]]) -> Iterator[tuple[float, float]]:
    """Corners of a line that holds each value until the next."""
    last: int | None = None
    for at_us, value in values:
        if value != last:
            if last is not None:
                yield scale.x(at_us), scale.y(panel, last)
            yield scale.x(at_us), scale.y(panel, value)
            last = value
    if last is not None:
        yield scale.x(values[-1][0]), scale.y(panel, last)


def _line(scale: Scale, panel: int, values: Sequence[tuple[int, int]], colour: str, width: float) -> str:
    points = " ".join(f"{x},{y}" for x, y in _steps(scale, panel, values))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _frame(scale: Scale, panel: int, title: str) -> Iterator[str]:
    top, floor = scale.y(panel, TOP_MA), scale.y(panel, 0)
    yield f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{escape(title)}</text>'
    yield f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL}" fill="none" stroke="#888"/>'
    for amperes in (0, 8, 16, 24, 32):
        y = scale.y(panel, amperes * 1_000)
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{amperes}</text>'
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#bbb" stroke-width="0.5"/>'
    for minute in range(scale.end_us // (60 * SECOND) + 1):
        x = scale.x(minute * 60 * SECOND)
        yield f'<text x="{x}" y="{floor + 14}" text-anchor="middle">{minute} min</text>'


def _story(scale: Scale, height: int) -> Iterator[str]:
    for index, (second, words) in enumerate(STORY):
        x, down = scale.x(second * SECOND), height - 18 + 14 * (index % 2)
        yield f'<line x1="{x}" x2="{x}" y1="{TOP - 16}" y2="{height - GAP}" stroke="#555" stroke-dasharray="2 4"/>'
        yield f'<text x="{x + 3}" y="{down}" fill="#222">{escape(words)}</text>'


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw into the file that is named; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1:
        print("usage: python -m tools.energy_plot FILE.svg", file=sys.stderr)
        return 2
    path = Path(given[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(drawn(play(load(SCENARIO))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
