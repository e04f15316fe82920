"""The people of a story: visits, one after another at each outlet, and those who touch what a board has besides.

Somebody comes (badge or plug first, turning the key where there is one), charges for seconds to hours at the socket or,
where there is one, with an appliance at the domestic socket, ends it in one of several ways and pulls the plug, trying
again while the bolt holds it. Nights without anybody are part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.core.commands import StartSession, StopSession
from evse.core.units import MINUTE, MS, SECOND
from evse.sim.scenario import Post
from evse.sim.station import ParamValue
from evse.sim.story_boards import Feature, StoryOutlet
from evse.sim.story_menu import CARDS, log_uniform
from evse.sim.story_script import BOOT_US, Script

HOUR: Final = 60 * MINUTE


class Visits:
    """Everybody who comes to one outlet."""

    def __init__(self, script: Script, outlet: StoryOutlet) -> None:
        self._script = script
        self._outlet = outlet
        self._number = outlet.number
        self._stream = script.stream("visits")
        self._vehicles = script.stream("vehicles")

    def write(self) -> None:
        """From the start to the end of the story."""
        at_us = BOOT_US + log_uniform(self._stream, SECOND, 2 * HOUR)
        while at_us < self._script.options.length_us:
            at_us = self._visit(at_us) + log_uniform(self._stream, SECOND, 4 * HOUR)

    def _has(self, habit: str, chance: float) -> bool:
        """Whether ``habit`` takes part in this story and happens now."""
        happens = self._stream.random() < chance
        return happens and habit in self._script.options.habits

    def _pause(self, low_us: int = 20 * MS, high_us: int = 90 * SECOND) -> int:
        return log_uniform(self._stream, low_us, high_us)

    def _do(self, at_us: int, verb: str, **params: ParamValue) -> int:
        return self._script.do(at_us, verb, self._number, **params)

    # --- one visit ---------------------------------------------------------------------------------------------

    def _visit(self, at_us: int) -> int:
        stream, outlet = self._stream, self._outlet
        card = stream.choice(CARDS)
        domestic = outlet.has(Feature.DOMESTIC) and (not outlet.has(Feature.MODE3) or stream.random() < 0.5)
        if outlet.has(Feature.KEY) and stream.random() < 0.9:
            at_us = self._do(at_us, "turn_key", to="unlocked") + self._pause()
        # A closed shutter lets nobody plug in before he has shown who he is.
        asked_first = outlet.has(Feature.SHUTTER) and outlet.has(Feature.READER) and stream.random() < 0.9
        if asked_first or self._has("badge_first", 0.6):
            self._identify(at_us, card)
            at_us = self._plug(at_us + self._pause(2 * SECOND if asked_first else 20 * MS), domestic=domestic)
        else:
            at_us = self._plug(at_us, domestic=domestic)
            self._identify(at_us + self._pause(), card)
            at_us += self._pause()
        charge_us = log_uniform(stream, 5 * SECOND, 6 * HOUR)
        self._meanwhile(at_us, charge_us, domestic=domestic)
        at_us = self._leave(at_us + charge_us, card, domestic=domestic)
        if outlet.has(Feature.KEY) and stream.random() < 0.6:
            at_us = self._do(at_us + self._pause(), "turn_key", to="locked")
        return at_us

    def _identify(self, at_us: int, card: str) -> None:
        if self._has("remote_start", 0.3):
            self._script.add(at_us, Post(StartSession, {"outlet": self._number, "uid": card}, {}))
            return
        if not self._outlet.has(Feature.READER):
            return
        stays = self._has("card_stays", 0.3)
        hold = "0 s" if stays else self._stream.choice(("60 ms", "300 ms", "1 s"))
        self._do(at_us, "present_card", uid=card, hold=hold)
        if stays:
            # Not for long: a card in the field keeps the line busy.
            self._do(at_us + self._pause(SECOND, 90 * SECOND), "remove_card")
        if self._has("second_card", 0.3):
            self._do(at_us + self._pause(), "present_card", uid=self._stream.choice(CARDS), hold="1 s")

    def _plug(self, at_us: int, *, domestic: bool) -> int:
        if domestic:
            return self._do(at_us, "plug_in_domestic", current=self._appliance())
        vehicle = self._vehicle()
        if not self._outlet.has(Feature.SOCKET) or self._stream.random() < 0.5:
            return self._do(at_us, "plug_in", **vehicle)
        self._do(at_us, "plug_in", end="station", cable=vehicle.pop("cable", "32 A"))
        return self._do(at_us + self._pause(100 * MS, 80 * SECOND), "plug_in", end="vehicle", **vehicle)

    def _appliance(self) -> str:
        return self._vehicles.choice(("500 mA", "2 A", "8 A", "9.9 A", "10.4 A", "12 A"))

    def _vehicle(self) -> dict[str, ParamValue]:
        """Settings that differ from those of an ordinary vehicle."""
        stream = self._vehicles
        odd: dict[str, dict[str, ParamValue]] = {
            "thin_cable": {"cable": stream.choice(("13 A", "20 A", "63 A"))},
            "sleeps": {"sleep": stream.choice(("light", "deep"))},
            "ventilation": {"ventilation": True},
            "simplified": {"simplified": True},
            "slow_to_stop": {"stop_within": "10 s", "stop_reaction": "5 s", "ramp_down": "2 A/s"},
            "small_charger": {"phases": stream.randint(1, 2), "max_current": stream.choice(("8 A", "16 A"))},
            "nearly_full": {"charge": stream.choice(("90 %", "98 %", "100 %")), "capacity": "20 kWh"},
            "ignores_stop": {"ignores_stop": True},
            "not_yet": {"wants_charge": False},
        }
        chances = {"small_charger": 0.5, "nearly_full": 0.4}
        chosen: dict[str, ParamValue] = {"charge": f"{stream.randint(5, 90)} %"}
        for habit, settings in odd.items():
            if stream.random() < chances.get(habit, 0.2) and habit in self._script.options.habits:
                chosen |= settings
        return chosen

    def _meanwhile(self, begin_us: int, span_us: int, *, domestic: bool) -> None:
        """What vehicle and user do while the charge goes on."""

        def sometime() -> int:
            return begin_us + log_uniform(self._stream, 10 * MS, max(span_us, SECOND))

        if domestic:
            if self._has("vehicle_pauses", 0.5):
                self._do(sometime(), "set_domestic_load", current=self._appliance())
        else:
            self._vehicle_meanwhile(sometime)
        if self._has("presses_button", 0.6):
            for _ in range(self._stream.randint(1, 3)):
                self._do(sometime(), "press_button", hold=self._stream.choice(("60 ms", "300 ms", "3 s")))
        if self._has("turns_key", 0.3):
            turned_us = self._do(sometime(), "turn_key", to="locked")
            self._do(turned_us + self._pause(), "turn_key", to="unlocked")
        if self._has("touches_inputs", 0.4) and self._outlet.inputs:
            line, resting = self._stream.choice(self._outlet.inputs)
            moved_us = self._do(sometime(), "set_input", line=line, closed=not resting)
            if self._stream.random() < 0.8:
                self._do(moved_us + self._pause(), "set_input", line=line, closed=resting)

    def _vehicle_meanwhile(self, sometime: Callable[[], int]) -> None:
        if self._has("vehicle_pauses", 0.5):
            paused_us = self._do(sometime(), "vehicle_stop")
            self._do(paused_us + self._pause(100 * MS, HOUR), "vehicle_ready")
        if self._has("not_yet", 0.5):
            self._do(sometime(), "vehicle_ready")
        if self._has("pulses_s2", 0.4):
            self._do(sometime(), "pulse_s2", count=self._stream.randint(1, 3), width="250 ms")
        if self._has("changes_vehicle", 0.4):
            setting, value = self._stream.choice(
                (("max_current", "10 A"), ("ventilation", "true"), ("ignores_duty", "true"), ("follow_delay", "4 s"))
            )
            self._do(sometime(), "set_vehicle", setting=setting, value=value)
        if self._has("cable_swap", 0.2):
            swap_us = self._do(sometime(), "unplug", end="vehicle", pull_under_load=True)
            self._do(swap_us + self._pause(), "plug_in", end="vehicle", **_without_cable(self._vehicle()))

    def _leave(self, at_us: int, card: str, *, domestic: bool) -> int:
        if self._has("pulls_under_load", 0.3):
            self._pull(at_us, domestic=domestic)
        elif self._has("remote_stop", 0.3):
            self._script.add(at_us, Post(StopSession, {"outlet": self._number}, {}))
        elif self._outlet.has(Feature.READER) and self._stream.random() < 0.6:
            other = self._stream.choice(CARDS) if self._has("wrong_card_at_end", 0.4) else card
            self._do(at_us, "present_card", uid=other, hold="300 ms")
        else:
            self._rest(at_us, domestic=domestic)
            if self._outlet.has(Feature.READER) and self._stream.random() < 0.7:
                at_us = self._do(at_us + self._pause(), "present_card", uid=card, hold="300 ms")
        if domestic:
            return self._do(at_us + self._pause(), "unplug_domestic", pull_under_load=self._stream.random() < 0.5)
        if self._has("vehicle_end_only", 0.3):
            at_us = self._do(at_us + self._pause(), "unplug", end="vehicle")
        for _ in range(3):
            at_us = self._do(at_us + self._pause(SECOND, 5 * MINUTE), "unplug")
        if self._outlet.has(Feature.READER):
            at_us = self._do(at_us + self._pause(), "remove_card")
        return at_us

    def _pull(self, at_us: int, *, domestic: bool) -> None:
        if domestic:
            self._do(at_us, "unplug_domestic", pull_under_load=True)
        else:
            self._do(at_us, "unplug", end=self._stream.choice(("vehicle", "both")), pull_under_load=True)

    def _rest(self, at_us: int, *, domestic: bool) -> None:
        """Vehicle or appliance has had enough."""
        if domestic:
            self._do(at_us, "set_domestic_load", current="0 A")
        else:
            self._do(at_us, "vehicle_stop")


class Touches:
    """Somebody at what a THØR has behind its cover: DIP switches, enable input, service button."""

    def __init__(self, script: Script, outlet: StoryOutlet) -> None:
        self._script = script
        self._number = outlet.number
        self._stream = script.stream("touches")

    def write(self) -> None:
        """A few times in the story, whatever of it the board has."""
        stream, habits = self._stream, self._script.options.habits
        for _ in range(stream.randint(1, 5)):
            at_us = stream.randint(BOOT_US, self._script.options.length_us)
            if "moves_dip" in habits:
                self._move_dip(at_us)
            if "moves_x1" in habits:
                closed = stream.random() < 0.6
                self._do(at_us + log_uniform(stream, MS, HOUR), "set_x1", closed=closed)
            if "holds_service_button" in habits and stream.random() < 0.5:
                hold = stream.choice(("400 ms", "1.5 s", "9.9 s", "10.1 s", "20 s"))
                self._do(at_us + log_uniform(stream, MS, HOUR), "press_service_button", hold=hold)

    def _move_dip(self, at_us: int) -> None:
        stream = self._stream
        # X1 and current; the address of the second bank does nothing yet.
        switch = stream.choice((1, 1, 6, 7, 8))
        self._do(at_us, "set_dip", bank=1, switch=switch, on=stream.random() < 0.6)
        if stream.random() < 0.7:
            self._do(at_us + log_uniform(stream, SECOND, 10 * MINUTE), "press_service_button", hold="2 s")

    def _do(self, at_us: int, verb: str, **params: ParamValue) -> int:
        return self._script.do(at_us, verb, self._number, **params)


def _without_cable(vehicle: dict[str, ParamValue]) -> dict[str, ParamValue]:
    return {name: value for name, value in vehicle.items() if name != "cable"}
