"""The rendered page: nothing a station, badge or back-end calls itself ever becomes markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from evse.core.values import Light, ShutterFeedback
from evse.exchange.snapshot import DipView, DomesticView, MeterView, OutletView, PhaseSwitchView, StationView
from evse.web.board_port import BoardOutlet, BoardView, DipBank
from evse.web.page import devices_of, environment, grouped, outlets_with, page_router, quick_actions, seats
from evse.web.ports import Extras
from evse.web.world_port import VerbParam, VerbView
from tests.fakes.web_fake import VERBS, charging, diode_fault, station_view

pytestmark = pytest.mark.anyio

_CORES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<math><mtext><style><img src=x onerror=alert(1)></style>",
    "<template><script>alert(1)</script></template>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>",
    "<style>*{background:url(//evil.example)}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(1)}`",
)
_BREAKS = ("", '"', "'", '">', "'>", "</title>", "</script>", "</textarea>", "-->", "]]>", "<!--", "&lt;", "\x00")
PAYLOADS = tuple(before + core for before in _BREAKS for core in _CORES)
MARK = "evilmark"


class Nodes(HTMLParser):
    """Every element with its attributes, as a browser's parser would make them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.nodes: list[tuple[str, tuple[str, ...]]] = []
        self.scripts: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append((tag, tuple(name for name, _ in attrs)))
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


def poisoned(value: Any, payload: str) -> Any:
    """The same value with every text in it replaced."""
    if isinstance(value, str):
        return payload
    if isinstance(value, tuple):
        return tuple(poisoned(item, payload) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: poisoned(getattr(value, f.name), payload) for f in fields(value)})
    return value


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            yield from texts(getattr(value, f.name))


def full_view() -> StationView:
    view = diode_fault(charging())
    dip = DipView("DSW1 00000000", "DSW1 10000000", True, 10_000, ("x1_enable", "DSW1.4"), "0000")
    domestic = DomesticView(True, False, False, ("OtherSocketInUse",))
    second = replace(
        view.outlets[1],
        session=view.outlets[0].session,
        dip=dip,
        active_inputs=("KeyLocked",),
        domestic=domestic,
        phase_switch=PhaseSwitchView(1, changing=True, failed=True, allowed_us=0),
        meter=MeterView("iem3155", True, "none", (1, 2, 3), (230_000, 230_000, 230_000), 4, 5, 6, 0),
    )
    return replace(view, outlets=(view.outlets[0], second))


async def test_no_text_of_the_station_becomes_markup(bench: Any) -> None:
    assert len(PAYLOADS) >= 200
    good = full_view()
    # Conditions on exact names may leave parts out, so the harmless twin is poisoned too, with a plain word.
    bench.station.view = poisoned(good, MARK)
    bench.records.records = [poisoned(record, MARK) for record in bench.records.records]
    async with bench.client() as client:
        plain = Nodes((await client.get("/")).text)
        # Every text field carries a dozen payloads at a time, so each payload is tried in each field.
        for first in range(0, len(PAYLOADS), 12):
            payload = "".join(PAYLOADS[first : first + 12])
            bench.station.view = poisoned(good, payload)
            bench.records.records = [poisoned(record, payload) for record in bench.records.records]
            text = (await client.get("/")).text
            assert Nodes(text).nodes == plain.nodes, payload
            assert payload not in text
    assert plain.scripts == ["/static/station.js"]


def test_the_corpus_reaches_every_text_of_the_view() -> None:
    reached = list(texts(poisoned(full_view(), MARK)))
    assert set(reached) == {MARK}
    optional = {f.name for f in fields(OutletView) if getattr(full_view().outlets[1], f.name) in (None, ())}
    assert not optional


async def test_no_text_of_a_verb_becomes_markup(bench: Any) -> None:
    param = VerbParam("uid", "text", "A", "x", 0, 20, (), "help")
    verb = VerbView("plug_in", "group", "help", (param, replace(param, name="c", type="choice", choices=("x", "y"))))
    for first in range(0, len(PAYLOADS), 40):
        payload = "".join(PAYLOADS[first : first + 40])
        evil = VerbView(
            payload,
            payload,
            payload,
            tuple(replace(p, default=payload, help=payload, unit=payload) for p in verb.params),
        )
        bench.world.verbs = lambda evil=evil: (evil,)
        bench.app = FastAPI()
        bench.app.include_router(page_router(bench.station, bench.world, bench.records, {}, Extras()))
        async with bench.client() as client:
            nodes = Nodes((await client.get("/")).text)
        assert nodes.scripts == ["/static/station.js"]
        assert not any(name.startswith("on") for _tag, names in nodes.nodes for name in names)
        assert not {"iframe", "object", "base", "style", "math"} & {tag for tag, _ in nodes.nodes}


async def test_the_page_has_no_inline_script_style_or_foreign_address(bench: Any) -> None:
    async with bench.client() as client:
        text = (await client.get("/")).text
    for tag, names in Nodes(text).nodes:
        assert "style" not in names, tag
        assert tag != "style"
        assert not any(name.startswith("on") for name in names), tag
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


@pytest.mark.req("SIM-04")
async def test_the_page_has_every_verb_and_the_quick_ones_first(bench: Any) -> None:
    async with bench.client() as client:
        text = (await client.get("/")).text
    for verb in VERBS:
        assert text.count(f'<form class="verb" data-verb="{verb.name}"') == 1
    first = [action.verb for action, _verb in quick_actions(VERBS)]
    assert first == ["plug_in", "present_card", "vehicle_stop", "unplug", "present_card"]
    assert text.index('data-verb="plug_in" data-when="plug" data-params') < text.index('<form class="verb"')
    assert [group.name for group in grouped(VERBS)] == [
        "Vehicle",
        "Cable and plug",
        "User and badge",
        "Outlet mechanics",
        "Supply and inputs",
        "Pilot faults",
    ]


def test_a_quick_action_needs_its_device() -> None:
    verbs = (*VERBS, VerbView("press_button", "user", "Press."), VerbView("turn_key", "user", "Turn."))

    def labels(*devices: str) -> list[str]:
        return [action.label for action, _ in quick_actions(verbs, frozenset((*devices, "pilot")))]

    assert "Hold a badge" not in labels()
    assert labels("push_button")[:2] == ["Plug a car", "Press the button"]
    assert labels("key_lock", "reader")[1:4] == ["Hold a badge", "Turn the key", "Turn it back"]


async def test_every_field_has_a_label_and_every_id_is_there_once(bench: Any) -> None:
    class Labels(HTMLParser):
        ids: list[str]
        wanted: list[str]
        targets: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if given.get("id"):
                self.ids.append(str(given["id"]))
            if tag in ("input", "select") and given.get("type") not in ("radio", "checkbox"):
                self.wanted.append(str(given.get("id")))
            if tag == "label" and given.get("for"):
                self.targets.append(str(given["for"]))

    async with bench.client() as client:
        text = (await client.get("/")).text
    parser = Labels()
    parser.ids, parser.wanted, parser.targets = [], [], []
    parser.feed(text)
    assert len(parser.ids) == len(set(parser.ids))
    assert sorted(parser.wanted) == sorted(parser.targets)


async def test_the_page_without_scripts_shows_the_moment(bench: Any) -> None:
    bench.station.view = full_view()
    async with bench.client() as client:
        text = (await client.get("/")).text
    for word in (
        "C_Ready_6V_M12V",
        "station maximum",
        "diode not seen",
        "DiodeFault",
        "KO_EvNotDetected",
        "0x00000080",
    ):
        assert word in text
    assert '<li data-bit="7" data-ko="yes">' in text
    assert '<li data-bit="11" data-ko="no"><span>11</span> DI PowerMeter Comm' in text


async def test_page_and_assets_are_tens_of_kilobytes(bench: Any) -> None:
    async with bench.client() as client:
        total = 0
        for path in ("/", "/static/base.css", "/static/outlet.css", "/static/world.css", "/static/station.js"):
            response = await client.get(path, headers={"accept-encoding": "gzip"})
            assert response.headers["content-encoding"] == "gzip"
            total += response.num_bytes_downloaded
    assert total < 40_000


def test_a_shutter_is_drawn_and_named() -> None:
    """The picture has its leaves, the script moves them by the view's word, the style sheet knows every word."""
    board = BoardView("city", "City", (), (), (BoardOutlet(1, shutter=True), BoardOutlet(2, shutter=False)))
    drawing = environment().get_template("stage.html").module.stage(board, seats(board), frozenset())  # type: ignore[attr-defined]
    assert drawing.count('class="leaf ') == 2
    static = Path(str(resources.files("evse.web"))) / "static"
    script = (static / "stage.js").read_text(encoding="utf-8")
    assert '"data-shutter", outlet.link_ok ? outlet.shutter ?? "" : "unknown"' in script
    style = (static / "stage.css").read_text(encoding="utf-8")
    for word in ShutterFeedback:
        assert f'data-shutter="{word.value}"' in style


@pytest.mark.parametrize("light", list(Light))
def test_every_light_has_words_and_a_colour_or_none(light: Light) -> None:
    static = Path(str(resources.files("evse.web"))) / "static"
    assert f"{light.value}: " in (static / "stage.js").read_text(encoding="utf-8")
    colour = light.value.partition("_")[0]
    assert light is Light.OFF or f'data-light^="{colour}"' in (static / "stage.css").read_text(encoding="utf-8")


def test_outlets_stand_as_one_sees_them_who_stands_before_the_station() -> None:
    right, left = BoardOutlet(1, position="right"), BoardOutlet(2, position="left")
    assert [seat.outlet.number for seat in seats(BoardView(outlets=(right, left)))] == [2, 1]
    assert [seat.outlet.number for seat in seats(BoardView(outlets=(BoardOutlet(1), BoardOutlet(2))))] == [1, 2]
    assert [seat.outlet.number for seat in seats(BoardView(outlets=(right,)))] == [1]
    assert seats(BoardView()) == ()


@pytest.mark.parametrize("family", ["parking", "city", "smart-wallbox", "thor", "other"])
@pytest.mark.parametrize("socket", ["T2", "T3", "TE", "T2 - TE", "attached T1", "attached T2"])
def test_every_board_has_a_picture_with_its_devices(family: str, socket: str) -> None:
    devices = ("push_button", "key_lock", "display", "led_bar", "service_button", "x1", "x2")
    board = BoardView(
        family,
        "A board",
        devices,
        (DipBank("DSW1", 8, ("x1_enable", "unknown")),),
        (BoardOutlet(1, socket, devices=("x1",)),),
    )
    module: Any = environment().get_template("stage.html").module
    families = ("parking", "city", "smart-wallbox", "thor", "other")
    drawing = module.panel(None, board, seats(board), devices_of(board), True)
    assert 'data-unit="1"' in drawing
    assert ("parked" in drawing) == socket.startswith("attached")
    # A domestic socket is one: its own face, and whatever charges there is no car with a pilot.
    assert ("earth-pin" in drawing) == ("scooter" in drawing) == socket.endswith("TE")
    assert ('class="car"' in drawing) == (socket != "TE")
    for families_of, mark in (
        (("smart-wallbox", "other"), 'data-input="KeyLocked"'),
        (("smart-wallbox", "other"), 'data-input="PushButton"'),
        (("thor", "other"), "led-3"),
        (("thor", "other"), "data-display"),
        (("parking", "city", "smart-wallbox"), 'class="lamp"'),
        (families, "X2, switching output"),
        ((), "led-4"),
    ):
        assert (mark in drawing) == (family in families_of), mark
    for mark in ('data-dip="DSW1.8"', 'data-input="X1Enable"', 'data-input="ServiceButton"'):
        assert drawing.count(mark) == 1


@pytest.mark.parametrize("simulated", [True, False])
def test_dip_switches_can_be_moved_in_the_simulation_only(simulated: bool) -> None:
    board = BoardView("thor", "", ("x1",), (DipBank("DSW1", 2, ("x1_enable", "unknown")),), (BoardOutlet(1),))
    module: Any = environment().get_template("cover.html").module
    cover = module.cover(board, devices_of(board), simulated)
    assert cover.count('role="switch"') == (3 if simulated else 2)
    assert cover.count(" disabled") == (0 if simulated else 2)
    assert 'aria-label="DSW1.1, x1 enable"' in cover


def test_a_verb_that_needs_a_device_is_left_out_where_the_board_has_none() -> None:
    verbs = tuple(VerbView(name, "station", "Does it.") for name in ("set_dip", "jam_shutter", "weld_domestic", "heat"))

    def offered(board: BoardView) -> set[str]:
        return {verb.name for group in grouped(verbs, devices_of(board)) for verb in group.verbs}

    assert offered(BoardView(outlets=(BoardOutlet(1),))) == {"heat"}
    assert offered(BoardView(outlets=(BoardOutlet(1, "T2 - TE", shutter=True),))) == {
        "heat",
        "jam_shutter",
        "weld_domestic",
    }
    assert offered(BoardView(dip_banks=(DipBank("DSW1", 8),), outlets=(BoardOutlet(1),))) == {"heat", "set_dip"}
    pilot = tuple(VerbView(name, "station", "Does it.") for name in ("plug_in", "vehicle_stop", "short_pilot", "heat"))
    domestic = grouped(pilot, devices_of(BoardView(outlets=(BoardOutlet(1, "TE"),))))
    assert {verb.name for group in domestic for verb in group.verbs} == {"heat"}
    assert {verb.name for group in grouped(verbs) for verb in group.verbs} == {verb.name for verb in verbs}


async def test_the_page_says_what_the_station_reports_about_itself(bench: Any) -> None:
    bench.station.state = replace(bench.station.state, journal_problem="journal: no space left on device")
    view = station_view()
    first = replace(view.outlets[0], link_ok=False, link_problem="no serial line /dev/ttyAMA0")
    bench.station.view = replace(view, outlets=(first, view.outlets[1]))
    async with bench.client() as client:
        text = (await client.get("/")).text
        reasons = (await client.get("/api/health")).json()["reasons"]
        bench.station.view, bench.station.state = view, replace(bench.station.state, journal_problem="")
        calm = (await client.get("/")).text
    assert reasons == ["journal: no space left on device", "outlet 1: no serial line /dev/ttyAMA0"]
    for reason in reasons:
        assert f"<li>{reason}</li>" in text
    assert '<div class="banner" id="trouble" role="status" data-tone="bad" >' in text
    assert '<div class="banner" id="trouble" role="status" data-tone="warn" hidden>' in calm


async def test_energy_of_a_charge_cut_by_a_power_loss_is_a_lower_bound(bench: Any) -> None:
    records = bench.records.records
    records[-1] = replace(records[-1], reason="PowerLoss", energy_wh=65)
    async with bench.client() as client:
        text = (await client.get("/")).text
    assert '<td data-th="kWh" title="A power cut may hide up to the last minute">≥\u00a00.065</td>' in text
    assert text.count("≥\u00a0") == 1


def test_two_sockets_of_one_outlet_share_its_half_of_a_board_with_two_outlets() -> None:
    """The domestic socket stands under its own Type 2 socket, not in the other outlet's place."""
    board = BoardView(
        "other",
        outlets=(
            BoardOutlet(1, "T2", "left", devices=("push_button",)),
            BoardOutlet(2, "T2 - TE", "right", devices=("push_button",)),
        ),
    )
    left, right = seats(board)
    assert not left.stacked
    assert right.stacked
    module: Any = environment().get_template("stage.html").module
    first, second = module.stage(board, seats(board), devices_of(board)).split('<g class="unit')[1:]
    assert "socket te" not in first
    assert f'class="socket te small" transform="translate({right.middle} ' in second
    assert 'transform="translate(452 207)' in second
    assert "translate(148 207)" not in second
    assert first.count('data-input="PushButton"') == second.count('data-input="PushButton"') == 1


def test_an_action_is_offered_where_its_outlet_has_the_device() -> None:
    board = BoardView(outlets=(BoardOutlet(1, reader=False), BoardOutlet(2, "T2 - TE")))
    assert outlets_with(board, "reader") == outlets_with(board, "domestic") == "2"
    assert outlets_with(board, "pilot") == outlets_with(board, "lock") == ""
    assert outlets_with(BoardView(dip_banks=(DipBank("DSW1", 8),), outlets=(BoardOutlet(1),)), "dip") == ""
