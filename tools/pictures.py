"""``tools/pictures``: the page of each board as pictures, made from running stations in a real browser.

Every station runs in real processes on a free port, gets a story through its own REST interface, and is photographed at
the moments of the story, at desk and phone width, light and dark. Nothing is drawn by hand, so the pictures of the README
are what a reader will see.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.debian import find

ROOT: Final = Path(__file__).resolve().parent.parent
WIDTHS: Final = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES: Final = ("light", "dark")
START_S: Final = 60.0
STEP_S: Final = 30.0
README_PICTURE: Final = ROOT / "docs" / "images" / "page.png"
README_SIZE: Final = (1280, 1000)
BROWSER_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


class PictureError(Exception):
    """A station or the browser did not do what the story needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Step:
    """One verb of the world, or the path of a command, and what the outlet must show before the story goes on (a field and its value)."""

    verb: str
    params: Mapping[str, Any] = field(default_factory=dict)
    until: tuple[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment worth a picture, and the steps that lead there from the one before."""

    name: str
    steps: tuple[Step, ...] = ()
    settle_s: float = 1.5


BADGE = Step("present_card", {"outlet": 1, "hold": 1})
CHARGING = ("contactor_closed", True)
FREE = ("outlet_status", "OK_InitDone")


def _plug(outlet: int = 1, until: tuple[str, Any] | None = CHARGING) -> Step:
    return Step("plug_in", {"outlet": outlet}, until)


def _building(amperes: int) -> Step:
    """A third limit: the building leaves so much for the whole station."""
    return Step("api/station/commands/limit", {"source": "building", "current_ma": 1_000 * amperes})


def _open(outlet: int) -> Step:
    """Wait until the shutter is open."""
    return Step("", {"outlet": outlet}, ("shutter", "open"))


BADGE_STORY: Final = (
    Moment("idle"),
    Moment("charging", (_plug(until=("ev_state", "B_Present_9V")), BADGE, Step("", {"outlet": 1}, CHARGING)), 6),
    Moment("fault", (Step("trip_residual", {"outlet": 1}, ("contactor_closed", False)),)),
)
FREE_STORY: Final = (Moment("idle"), Moment("charging", (_plug(),), 6))
DOMESTIC_STORY: Final = (
    Moment("idle"),
    Moment("charging", (BADGE, Step("plug_in_domestic", {"outlet": 1}, ("connector", "TE"))), 6),
)
STORIES: Final[Mapping[str, Sequence[Moment]]] = {
    "parking": (
        *BADGE_STORY[:2],
        Moment("fault", (_plug(2, ("ev_state", "B_Present_9V")), Step("trip_breaker", {"outlet": 2}))),
    ),
    "city": (
        Moment("idle"),
        Moment("charging", (Step("present_card", {"outlet": 1, "hold": 1}, ("shutter", "open")), _plug()), 6),
        Moment(
            "fault",
            (
                Step("weld_contactor", {"outlet": 1}),
                Step("vehicle_stop", {"outlet": 1}, ("contactor_permitted", False)),
            ),
        ),
    ),
    "smart-wallbox": BADGE_STORY,
    "smart-wallbox-key-t1": (*FREE_STORY, Moment("locked", (Step("turn_key", {"outlet": 1, "to": "locked"}),), 4)),
    "thor": (
        *BADGE_STORY[:2],
        Moment(
            "dip",
            (
                Step("set_dip", {"outlet": 1, "bank": 1, "switch": 2, "on": True}),
                Step("set_x1", {"outlet": 1, "closed": False}),
            ),
        ),
    ),
    "thor-c": BADGE_STORY,
    "thor-cable": BADGE_STORY[:2],
    "thor-free": FREE_STORY,
    "parking-t2-te": DOMESTIC_STORY,
    "parking-te": DOMESTIC_STORY,
    "tools/energy_story/city-32a-metered.yaml": (
        Moment("two-cars", (_open(1), _plug(1), _open(2), _plug(2)), 25),
        Moment("in-1", (Step("set_input", {"outlet": 1, "line": 1, "closed": True}, ("offered_ma", 14_000)),), 12),
        Moment("third-limit", (_building(20), Step("", {"outlet": 1}, ("contactor_closed", False))), 12),
        Moment(
            "meter-dies",
            (_building(30), Step("silence_meter", {"outlet": 2}, ("metered_by", "internal CT"))),
            3,
        ),
    ),
    "thor-house": (
        Moment("charging", (_plug(until=("ev_state", "B_Present_9V")), BADGE, Step("", {"outlet": 1}, CHARGING)), 20),
        Moment("house-meter-dies", (Step("silence_meter", {"outlet": 1, "whose": "house"}, ("offered_ma", 0)),), 4),
    ),
}
"""What happens at each board. A profile that is not here shows itself at rest."""


class Station:
    """A running station, spoken to through its own REST interface."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> Any:
        """Read a JSON value."""
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def do(self, step: Step) -> None:
        """Do one step and wait for what it must lead to. Raises PictureError."""
        if step.verb:
            self._verb(step.verb, step.params)
        if step.until is None:
            return
        name, wanted = step.until
        deadline = time.monotonic() + STEP_S
        while (was := self.get(f"api/outlets/{step.params['outlet']}").get(name)) != wanted:
            if time.monotonic() > deadline:
                raise PictureError(f"{step.verb}: {name} is {was!r} after {STEP_S:.0f} s, wanted {wanted!r}")
            time.sleep(0.2)

    def _verb(self, verb: str, params: Mapping[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310
            self.address + (verb if verb.startswith("api/") else f"api/world/verbs/{verb}"),
            data=json.dumps(dict(params)).encode(),
            headers={"Content-Type": "application/json", "X-EVSE-Request": "1"},
        )
        try:
            urllib.request.urlopen(request, timeout=15).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            raise PictureError(f"{verb}: {error.read().decode(errors='replace')}") from error


@contextmanager
def running(profile: str) -> Iterator[Station]:
    """A station of ``profile`` on a free port with data of its own; it is stopped at the end. Raises PictureError."""
    with tempfile.TemporaryDirectory(prefix="evse-pictures-") as data:
        command = [sys.executable, "-m", "evse", "run", "--profile", profile, "--port", "0", "--data", data, "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise PictureError(f"{profile}: the station did not start, exit code {process.wait(START_S)}")
            yield Station(json.loads(line)["url"])
        finally:
            process.terminate()
            process.wait(START_S)


def photograph(browser: Any, address: str, target: Path, width: str, scheme: str, *, whole: bool = True) -> None:
    """One picture of the page at ``address``."""
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    page = browser.new_page(viewport=size, color_scheme=scheme)
    try:
        page.goto(address, wait_until="domcontentloaded")
        page.wait_for_selector("#link[data-tone=ok]")
        page.wait_for_timeout(700)
        page.screenshot(path=target, full_page=whole)
    finally:
        page.close()


def take(browser: Any, profile: str, folder: Path, moments: Sequence[str], schemes: Sequence[str]) -> None:
    """Take every picture of one profile, and tell each as soon as it is there."""
    with running(profile) as station:
        for moment in STORIES.get(profile, (Moment("idle"),)):
            for step in moment.steps:
                station.do(step)
            if moments and moment.name not in moments:
                continue
            time.sleep(moment.settle_s)
            for width in WIDTHS:
                for scheme in schemes:
                    target = folder / f"{Path(profile).stem}-{moment.name}-{width}-{scheme}.png"
                    photograph(browser, station.address, target, width, scheme)
                    print(target, flush=True)


def readme_picture(browser: Any) -> list[Path]:
    """The README's picture: outlet 1 charges, at outlet 2 a vehicle waits for a badge."""
    with running("parking") as station:
        for step in STORIES["parking"][1].steps:
            station.do(step)
        station.do(_plug(2, ("ev_state", "B_Present_9V")))
        time.sleep(20)
        width, height = README_SIZE
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(station.address, wait_until="domcontentloaded")
        page.wait_for_selector("#outlet-1 .headline:has-text('Charging')")
        page.wait_for_timeout(1500)
        page.screenshot(path=README_PICTURE)
        page.close()
    return [README_PICTURE]


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools/pictures", description="Pictures of the page, from running stations.")
    parser.add_argument(
        "--profile",
        action="append",
        help="only this profile, or a YAML file (may be repeated); default: all with a story",
    )
    parser.add_argument("--moment", action="append", default=[], help="only this moment (idle, charging, fault, ...)")
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="only this colour scheme; default: both")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "pictures", help="folder (default: build/pictures)")
    parser.add_argument("--readme", action="store_true", help="make docs/images/page.png instead")
    options = parser.parse_args(arguments)
    chromium = find("chromium")
    if chromium is None:
        print("tools/pictures: Chromium is not installed (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    options.to.mkdir(parents=True, exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_ARGUMENTS))
            if options.readme:
                print(*readme_picture(browser))
            else:
                for profile in options.profile or STORIES:
                    take(browser, profile, options.to, options.moment, options.scheme or SCHEMES)
            browser.close()
    except PictureError as error:
        print(f"tools/pictures: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
