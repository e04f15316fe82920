"""The page in a real browser, served by the real server over loopback, in front of a scripted station."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evse.core import commands as c
from evse.core import events as e
from evse.web.app import create_app
from evse.web.board_port import BoardOutlet, BoardView
from evse.web.ports import Outcome
from evse.web.server import Server, make_server
from evse.web.wire_port import WireLine
from tests.fakes.web_extras import CARD, HOLD, STATE, FakeScenarios, FakeWires, extras
from tests.fakes.web_fake import (
    ERROR_BITS,
    FakeRecords,
    FakeStation,
    FakeWorld,
    changed,
    charging,
    diode_fault,
    station_view,
)

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
UNPLUG = "OK_UnplugProcedureStarted"
EVIL = "<img src=x onerror=document.title='evil'>"


class Site:
    """The server in a thread of its own; the test drives the station through ``push``."""

    def __init__(self, board: BoardView | None = None) -> None:
        self.station = FakeStation(diode_fault(station_view()))
        self.world = FakeWorld()
        self.records = FakeRecords()
        self.extras = extras() if board is None else replace(extras(), board=board)
        self.app = create_app(self.station, self.world, self.records, error_bits=ERROR_BITS, extras=self.extras)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.server: Server | None = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.server = make_server(self.app, "127.0.0.1", 0)
        self.loop.run_until_complete(self.server.serve([self.socket]))
        self.loop.close()

    def push(self, view: Any, *facts: e.Event) -> None:
        """The station moves on."""
        self.loop.call_soon_threadsafe(self.station.push, view, *facts)

    def frames(self, *lines: WireLine, lost: int = 0) -> None:
        """Frames are seen on the wires."""
        wires = self.extras.wires
        assert isinstance(wires, FakeWires)
        self.loop.call_soon_threadsafe(lambda: wires.put(*lines, lost=lost))

    def stop(self) -> None:
        """Stop serving, as a restart of services does."""
        if self.server is not None:
            self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()
        assert not self.thread.is_alive()


@pytest.fixture
def site() -> Iterator[Site]:
    """A served station."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; skipped where there is none, except in CI."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is not installed")
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Callable[[dict[str, int]], Any]]:
    """Open the page at a size; whatever the console says against it fails the test."""
    complaints: list[str] = []
    pages = []

    def open_page(size: dict[str, int]) -> Any:
        page = browser.new_page(viewport=size)
        pages.append(page)
        page.on("console", lambda text: complaints.append(text.text) if text.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if site.address not in request.url else None)
        page.goto(site.address, wait_until="domcontentloaded")
        page.wait_for_selector("#link[data-tone=ok]")
        page.wait_for_selector("#outlet-1 .headline:has-text('Free')")
        return page

    yield open_page
    for page in pages:
        page.close()
    # A refused verb is an answer of its own kind (409), which the console mentions; nothing else may be there.
    assert [text for text in complaints if "409 (Conflict)" not in text] == []


@pytest.mark.req("SIM-04")
def test_a_live_charge_is_seen(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    card = page.locator("#outlet-1")
    assert "+12.0" in card.locator("[data-wave]").text_content()
    site.push(
        charging(diode_fault(station_view(62_000_000))),
        e.EvStateChanged(1, "A_Not_Present_12V", "C_Ready_6V_M12V"),
        e.ContactorMoved(1, True),
    )
    page.wait_for_selector("#outlet-1 .headline:has-text('Charging')", timeout=3000)
    assert card.locator("[data-f=ev_state]").text_content() == "C_Ready_6V_M12V"
    assert card.locator("[data-drawing]").get_attribute("data-closed") == "yes"
    assert card.locator("[data-f=power]").text_content() == "10.93"
    ruling = card.locator("[data-limits] li[data-ruling=yes]").text_content()
    assert ruling.startswith("station maximum16.0 A rules")
    assert "what the station's supply stands, 64 A shared with outlet 2" in ruling
    assert card.locator("[data-list=open_reasons] li").count() == 0
    wave = card.locator("[data-wave]").get_attribute("aria-label").replace("\u00a0", " ")
    assert "reconstructed from measured levels" in wave
    assert "V− −12.0 V" in wave
    page.wait_for_selector("[data-lanes='1'] title:has-text('closed')", state="attached")
    page.locator("#events-panel summary").press("Enter")  # by key: the page may still be growing above it
    page.wait_for_selector("#events td:has-text('ContactorMoved')")


def test_the_card_asks_to_unplug_and_says_why(site: Site, visit: Callable[..., Any]) -> None:
    """A refused badge has not ended a charge: what went before decides, and who has not seen it claims nothing."""
    page = visit(DESK)
    plugged = changed(station_view(62_000_000), ev_state="B_Present_9V", session=None)
    waiting = changed(plugged, outlet_status=UNPLUG)
    site.push(waiting)
    page.wait_for_selector("#outlet-1 .headline:text-is('Please unplug')", timeout=3000)
    for previous, words in (
        ("OK_ChargeAuthorisationStarted", "Badge refused, please unplug"),
        ("OK_ChargeLoopEnded", "Charge ended, please unplug"),
        ("OK_PlugProcedureStarted", "Could not begin, please unplug"),
    ):
        site.push(station_view(63_000_000))
        site.push(waiting, e.OutletStatusChanged(1, previous, UNPLUG, "any"))
        page.wait_for_selector(f"#outlet-1 .headline:has-text('{words}')", timeout=3000)
        page.wait_for_selector(f"[data-place='1'] .headline:has-text('{words}')", timeout=3000)


def test_energy_of_a_charge_cut_by_a_power_loss_is_a_lower_bound(site: Site, visit: Callable[..., Any]) -> None:
    site.records.records[-1] = replace(site.records.records[-1], reason="PowerLoss", energy_wh=65)
    page = visit(DESK)
    page.wait_for_selector("#record-rows td[title*='power cut']:has-text('≥\u00a00.065')")
    site.records.records[-1] = replace(site.records.records[-1], energy_wh=66)
    site.push(station_view(63_000_000), e.SessionClosed(1, "s", "PowerLoss", 66, 66, "Normal_Mode_3", 0))
    page.wait_for_selector("#record-rows tr:first-child td[title*='power cut']:has-text('≥\u00a00.066')")
    assert page.locator("#record-rows td[title]").count() == 1


@pytest.mark.req("PIL-03")
def test_a_shorted_diode_is_visible(visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    card = page.locator("#outlet-2")
    assert card.locator(".trace.bad").count() == 1
    assert card.locator("[data-f=pilot_warning]").is_visible()
    assert "−8.8" in card.locator("[data-wave]").text_content()
    assert not page.locator("#outlet-1 [data-f=pilot_warning]").is_visible()
    assert "diode not seen" in card.locator("[data-list=open_reasons]").text_content()


def test_a_quick_action_does_its_verb_at_the_chosen_outlet(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    page.get_by_role("button", name="Plug a car").click()
    page.wait_for_selector("#quick-result[data-tone=ok]")
    page.locator(".world .segments label").nth(1).click()
    page.get_by_role("button", name="Hold a badge").click()
    page.wait_for_selector("#quick-result:has-text('Hold a badge: done')")
    assert site.world.applied == [("plug_in", {"outlet": 1}), ("present_card", {"hold": 1.0, "outlet": 2})]


def test_an_action_is_offered_only_where_its_outlet_has_the_device(browser: Any) -> None:
    site = Site(BoardView("other", outlets=(BoardOutlet(1, reader=False), BoardOutlet(2, "T2 - TE"))))
    page = browser.new_page(viewport=DESK)
    try:
        page.goto(site.address, wait_until="domcontentloaded")
        page.wait_for_selector("#link[data-tone=ok]")
        badge = page.get_by_role("button", name="Hold a badge")
        badge.wait_for(state="hidden")
        assert page.get_by_role("button", name="Plug a car").is_visible()
        page.locator(".world .segments label").nth(1).click()
        badge.wait_for(state="visible")
        place = page.locator("[data-unit='2'] .te").bounding_box()
        assert place["x"] > page.locator("[data-unit='1'] .t2").bounding_box()["x"] + place["width"]
        assert place["y"] > page.locator("[data-unit='2'] .t2").bounding_box()["y"]
    finally:
        page.close()
        site.stop()


def test_a_form_sends_what_was_changed_and_shows_the_refusal_in_place(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    page.get_by_label("Find an action").fill("demand")
    form = page.locator("form.verb[data-verb=set_demand]")
    form.get_by_label("current").fill("90")
    form.get_by_role("button", name="Do it").click()
    assert "0 to 80 A" in form.locator("output").text_content()
    assert site.world.applied == []
    form.get_by_label("current").fill("20")
    form.get_by_role("button", name="Do it").click()
    page.wait_for_selector("form[data-verb=set_demand] output[data-tone=ok]")
    site.world.answer = Outcome("refused", "no vehicle is plugged")
    form.get_by_role("button", name="Do it").click()
    page.wait_for_selector("form[data-verb=set_demand] output:has-text('no vehicle is plugged')")
    page.get_by_label("Find an action").fill("diode")
    page.locator("form[data-verb=short_diode]").get_by_role("button", name="Undo").click()
    page.wait_for_selector("form[data-verb=short_diode] output[data-tone=bad]")
    assert site.world.applied == [
        ("set_demand", {"current": 20.0, "outlet": 1}),
        ("set_demand", {"current": 20.0, "outlet": 1}),
        ("short_diode", {"heal": True, "outlet": 1}),
    ]


def test_a_command_carries_the_epoch_that_was_seen(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    card = page.locator("#outlet-2")
    card.locator("summary:has-text('Commands')").click()
    card.get_by_role("button", name="Suspend").click()
    page.wait_for_selector("#outlet-2 [data-command-result][data-tone=ok]")
    card.get_by_role("button", name="DiodeFault is mended").click()
    page.wait_for_selector("#outlet-2 [data-fault-result][data-tone=ok]")
    assert [type(command).__name__ for command in site.station.commands] == ["Suspend", "ClearFault"]
    assert {command.epoch for command in site.station.commands} == {7}
    assert {command.outlet for command in site.station.commands} == {2}


def test_texts_of_the_station_stay_texts_when_they_come_live(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    evil = changed(station_view(61_000_000), 1, last_error=EVIL, open_reasons=(EVIL,), evse_status=(EVIL,))
    site.push(evil, e.OutletError(1, EVIL, EVIL))
    page.wait_for_selector("#outlet-1 [data-list=open_reasons] li:has-text('onerror')")
    assert page.locator("img").count() == 0
    assert page.title() != "evil"


@pytest.mark.req("SIM-04")
def test_on_a_phone_nothing_is_cut_off_sideways(visit: Callable[..., Any]) -> None:
    page = visit(PHONE)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.wait_for_timeout(400)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter((b) => b.offsetParent && b.offsetHeight < 36).length"
    )
    assert small == 0


def test_the_keyboard_reaches_every_action_and_focus_is_seen(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    reached: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
        if reached[-1] == "Plug a car":
            break
    assert reached[0].startswith("Skip")
    assert reached[-1] == "Plug a car"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    page.wait_for_selector("#quick-result[data-tone=ok]")
    assert site.world.applied == [("plug_in", {"outlet": 1})]


def test_control_that_goes_away_is_told_and_comes_back_by_itself(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    assert not page.locator("#lost").is_visible()
    site.push(None)
    page.wait_for_selector("#lost:has-text('Control is not connected')")
    site.push(station_view(70_000_000))
    page.wait_for_selector("#link[data-tone=ok]")
    assert not page.locator("#lost").is_visible()


def test_a_lost_connection_is_told_and_the_server_stops_at_once(browser: Any) -> None:
    site = Site()
    page = browser.new_page(viewport=DESK)
    try:
        page.goto(site.address, wait_until="domcontentloaded")
        page.wait_for_selector("#link[data-tone=ok]")
        # An open stream must not hold up the stop: it is ended first. `stop` fails after 20 s.
        site.stop()
        page.wait_for_selector("#lost:has-text('Trying again')", timeout=10_000)
    finally:
        page.close()
        site.stop()


@pytest.mark.req("SIM-04")
def test_the_picture_shows_what_the_station_is_and_does(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    unit, place = page.locator("[data-unit='1']"), page.locator("[data-place='1']")
    assert page.locator("[data-unit]").evaluate_all("all => all.map((each) => each.dataset.unit)") == ["2", "1"]
    assert unit.locator(".leaf").count() == 2
    assert not unit.locator(".car").is_visible()
    view = changed(charging(station_view(62_000_000)), shutter="open", sound="accepted", sounds=3)
    site.push(changed(view, sound="read", sounds=2))
    page.wait_for_selector(
        "[data-unit='1'][data-car=yes][data-flow=yes][data-lock=locked][data-shutter=open]", timeout=3000
    )
    assert unit.get_attribute("data-light") == "green_blink"
    assert unit.locator(".car").is_visible()
    tags = place.locator(".tags").first.inner_text().split("\n")
    assert tags[:5] == ["green, blinking", "lock locked", "shutter open", "vehicle connected", "contactor closed"]
    site.push(view)
    page.wait_for_selector("[data-place='1'] [data-p=sound]:has-text('rising tone')", timeout=3000)
    page.wait_for_selector("[data-place='1'] [data-p=sound]", state="hidden", timeout=5000)


def test_what_is_not_measured_is_unknown(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    dead = changed(
        charging(station_view(62_000_000)),
        link_ok=False,
        link_problem="no serial line /dev/ttyUSB0",
        pilot=None,
        currents_ma=None,
        voltages_mv=None,
        temperature_dc=None,
    )
    site.push(dead)
    page.wait_for_selector("#outlet-1 .headline:has-text('Front end does not answer')", timeout=3000)
    card = page.locator("#outlet-1")
    for field in ("power", "current_0", "voltage_2", "temperature", "ev_state", "cable_state"):
        assert card.locator(f"[data-f={field}]").text_content() == "unknown", field
    assert card.locator("[data-f=link_problem]").text_content() == "No serial line /dev/ttyUSB0"
    assert card.locator("[data-drawing]").get_attribute("data-closed") == "unknown"
    assert "contactor unknown" in page.locator("[data-place='1']").inner_text()
    page.wait_for_selector("[data-readout='1']:has-text('measured unknown')", timeout=3000)


def test_the_timeline_begins_with_what_the_station_remembers_and_can_be_moved(
    site: Site, visit: Callable[..., Any]
) -> None:
    page = visit(DESK)
    lanes, readout = page.locator("[data-lanes='1']"), page.locator("[data-readout='1']")
    page.wait_for_selector("[data-lanes='1'] title:has-text('C_Ready_6V_M12V')", state="attached")
    assert page.locator("[data-time-span]").text_content() == "5 min"
    lanes.focus()
    for _ in range(30):
        page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_selector("[data-readout='1']:has-text('C_Ready_6V_M12V')")
    text = readout.text_content().replace("\u00a0", " ")
    assert "PWM 26.7 %" in text
    assert "offered 16.0 A" in text
    assert "measured 15.8 / 15.8 / 15.8 A" in text
    assert "contactor closed" in text
    live = page.get_by_role("button", name="Live")
    assert live.get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowLeft")
    assert live.get_attribute("aria-pressed") == "false"
    page.keyboard.press("+")
    assert page.locator("[data-time-span]").text_content() == "3 min"
    page.keyboard.press("Home")
    assert live.get_attribute("aria-pressed") == "true"
    box = lanes.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    page.mouse.up()
    assert live.get_attribute("aria-pressed") == "false"
    live.click()
    assert live.get_attribute("aria-pressed") == "true"


def test_the_wires_are_watched_filtered_and_paused(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    wires = site.extras.wires
    assert isinstance(wires, FakeWires)
    assert wires.readers == []
    panel = page.locator("#wires")
    page.get_by_role("button", name="Watch the wires").click()
    page.wait_for_selector("#wire-state:has-text('watching')")
    while not wires.readers:
        page.wait_for_timeout(20)
    site.frames(HOLD, STATE, CARD)
    page.wait_for_selector("#frames li:nth-child(3)")
    rows = page.locator("#frames li")
    assert rows.nth(0).locator("b").text_content() == "IN_LIST_PASSIVE_TARGET answer"
    assert rows.nth(0).locator(".what").text_content() == "card 04A1B2C3"
    panel.get_by_label("Line", exact=True).select_option("outlet-1/front-end")
    assert rows.count() == 2
    panel.get_by_label("Direction").select_option("sent")
    assert rows.locator("b").all_text_contents() == ["HOLD"]
    panel.get_by_label("bytes").check()
    assert rows.locator("code").text_content() == "a5 11 07 02 00 03"
    panel.get_by_label("Direction").select_option("")
    panel.get_by_label("only what is new").check()
    site.frames(HOLD, STATE, lost=4)
    page.wait_for_selector("#wire-state:has-text('5 frames seen · 4 lost')")
    assert rows.count() == 2
    panel.get_by_label("only what is new").uncheck()
    assert rows.count() == 4
    panel.get_by_label("Contains").fill("positive")
    assert rows.locator("b").all_text_contents() == ["STATE", "STATE"]
    page.locator("#wire-pause").click()
    site.frames(STATE)
    page.wait_for_selector("#wire-state:has-text('6 frames seen')")
    assert rows.count() == 2
    page.locator("#wire-pause").click()
    assert rows.count() == 3
    page.get_by_role("button", name="Stop watching").click()
    page.get_by_role("button", name="Watch the wires").wait_for()


def test_a_scenario_is_run_and_its_verdict_seen(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    scenarios = site.extras.scenarios
    assert isinstance(scenarios, FakeScenarios)
    page.locator("#scenarios").scroll_into_view_if_needed()
    page.wait_for_selector("#scenario option[value='city-session']", state="attached")
    page.get_by_label("Story").select_option("city-session")
    assert page.locator("#scenario-about").text_content() == "Shutter, plug, charge."
    page.get_by_label("Seed").fill("7")
    page.get_by_label("dumb front ends").check()
    page.get_by_role("button", name="Run").click()
    page.wait_for_selector("#scenario-result[data-tone=bad]:has-text('failed: a City session, 1 of 2')")
    assert scenarios.asked == [("city-session", 7, True)]
    findings = page.locator("#scenario-findings li").all_text_contents()
    assert findings[0].endswith("expected lock == locked; was unlocked")
    assert findings[1].startswith("S1, outlet 2")
    assert "present_card" in page.locator("#scenario-timeline").text_content()
    page.get_by_label("Story").select_option("plug-first")
    page.get_by_role("button", name="Run").click()
    page.wait_for_selector("#scenario-result:has-text('longer than 60 s')")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save what was done here").click()
    assert download.value.suggested_filename == "recording.yaml"


def test_what_was_done_last_stands_first_and_can_be_done_again(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(DESK)
    assert not page.locator("[data-recent]").is_visible()
    page.get_by_label("Find an action").fill("demand")
    form = page.locator("form.verb[data-verb=set_demand]")
    form.get_by_label("current").fill("20")
    form.get_by_role("button", name="Do it").click()
    page.wait_for_selector("form[data-verb=set_demand] output[data-tone=ok]")
    again = page.locator("[data-recent] button")
    assert again.all_text_contents() == ["set demand, current 20"]
    page.locator(".world .segments label").nth(1).click()
    again.click()
    page.wait_for_selector("#quick-result:has-text('set demand, current 20: done')")
    assert site.world.applied[-1] == ("set_demand", {"current": 20.0, "outlet": 2})
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector("[data-recent] button:has-text('set demand')")


@pytest.mark.req("SIM-04")
def test_on_a_phone_the_actions_are_above_the_fold_and_records_are_whole(visit: Callable[..., Any]) -> None:
    page = visit(PHONE)
    for button in page.locator(".quick button").all():
        box = button.bounding_box()
        assert box["y"] + box["height"] < PHONE["height"]
    row = page.locator("#record-rows tr").first
    assert row.locator("td").count() == 8
    for cell in row.locator("td").all():
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= PHONE["width"]


@pytest.mark.req("SIM-04")
def test_on_a_phone_the_next_step_is_marked_and_the_picture_can_be_used(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(PHONE)

    def marked() -> list[str]:
        words: list[str] = page.locator(".quick button[data-next=yes]").all_inner_texts()
        return words

    page.wait_for_selector(".quick button[data-next=yes]:has-text('Plug a car')")
    assert page.locator(".quick button[data-next=yes]").get_attribute("aria-description") == "the likely next step"
    plugged = changed(station_view(62_000_000), ev_state="B_Present_9V", cable_state="32 A", shutter="open")
    site.push(plugged)
    page.wait_for_selector(".quick button[data-next=yes]:has-text('Hold a badge')")
    page.locator("[data-unit='1'] .reader").click()
    page.wait_for_selector("#quick-result[data-tone=ok]")
    assert site.world.applied == [("present_card", {"outlet": 1, "hold": 1.0})]
    site.push(charging(plugged))
    page.wait_for_selector(".quick button[data-next=yes]:has-text('Car stops charging')")
    site.push(changed(charging(plugged), outlet_status=UNPLUG, session=None, contactor_closed=False))
    page.wait_for_selector(".quick button[data-next=yes]:has-text('Unplug')")
    assert len(marked()) == 1
    # Nobody can tell what hangs on the cable while the pilot is at -12 V.
    site.push(changed(plugged, ev_state="F_NotAvailable"))
    page.wait_for_selector("[data-unit='1'][data-car=unknown]")
    assert "vehicle unknown" in page.locator("[data-place='1']").inner_text()


def test_limits_are_given_and_taken_back_and_troubles_are_told(site: Site, visit: Callable[..., Any]) -> None:
    page = visit(PHONE)
    commands = page.locator("#outlet-1 details:has(.commands)")
    commands.locator("summary").click()
    commands.get_by_label("Limit, A per phase").fill("8.5")
    commands.get_by_label("for", exact=True).select_option("60")
    page.get_by_role("button", name="Set limit").first.click()
    page.wait_for_selector("#outlet-1 [data-command-result]:has-text('Limit: done')")
    commands.get_by_label("of", exact=True).select_option("station")
    page.get_by_role("button", name="Take back").first.click()
    page.wait_for_selector("#outlet-1 [data-command-result]:has-text('Limit taken back: done')")
    given, taken = site.station.commands
    assert isinstance(given, c.SetLimit)
    assert isinstance(taken, c.SetLimit)
    assert (given.outlet, given.source, given.current_ma, given.fallback_ma) == (1, "page", 8_500, 6_000)
    assert given.valid_until_us - (given.expires_us - 5_000_000) == 3_600_000_000
    assert (taken.outlet, taken.source, taken.active) == (0, "page", False)
    assert page.locator("#trouble").is_hidden()
    site.station.state = replace(site.station.state, snapshot_age_us=3_000_000)
    page.wait_for_selector("#trouble[data-tone=warn] li:has-text('Snapshot is 3.0 s old')", timeout=9_000)
