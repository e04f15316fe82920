"""LED bar and display of a THØR: each state of an outlet has its pattern and its words."""

from __future__ import annotations

import re
from typing import cast

import pytest

from evse.core.commands import Notice
from evse.core.led_bar import CARD_SHOWN_US, DISPLAY_TEXTS, TEXT_LENGTH, BarSigns, SignFacts, bar_light, display_text
from evse.core.outlet_status import OutletStatus
from evse.core.units import NEVER
from evse.core.values import Beep, Light

IDLE = SignFacts(
    status=OutletStatus.INIT_DONE,
    fault=False,
    too_hot=False,
    charging=False,
    session=False,
    free_access=False,
    out_of_service=False,
    released=True,
    restarting=False,
    teaching=False,
    notice=Notice.NONE,
)
CHARGE = IDLE._replace(status=OutletStatus.CHARGE_LOOP_STARTED, session=True)

TABLE = [
    pytest.param(IDLE._replace(status=OutletStatus.NOT_INITIALIZED), Light.OFF, "Starting", id="starting"),
    pytest.param(IDLE, Light.BLUE_EVERY_3_S, "Show card", id="waits for a card"),
    pytest.param(IDLE._replace(free_access=True), Light.GREEN_EVERY_3_S, "Ready", id="free"),
    pytest.param(
        IDLE._replace(free_access=True, released=False), Light.BLUE_EVERY_3_S, "Wait for X1", id="free, waits for X1"
    ),
    pytest.param(
        IDLE._replace(status=OutletStatus.PLUG_STARTED, session=True), Light.GREEN_EVERY_3_S, "Plug in", id="authorised"
    ),
    pytest.param(CHARGE, Light.GREEN_EVERY_3_S, "Wait for vehicle", id="vehicle pauses"),
    pytest.param(CHARGE._replace(released=False), Light.BLUE_EVERY_3_S, "Wait for X1", id="X1 opened"),
    pytest.param(CHARGE._replace(charging=True), Light.GREEN, "Charging", id="charging"),
    pytest.param(
        IDLE._replace(status=OutletStatus.UNAVAILABLE, out_of_service=True),
        Light.ORANGE_SLOW, "Out of service", id="out of service",
    ),
    pytest.param(CHARGE._replace(fault=True, charging=True), Light.RED_BLINK, "Fault", id="fault"),
    pytest.param(CHARGE._replace(fault=True, too_hot=True), Light.ORANGE_SLOW, "Too hot", id="too hot"),
    pytest.param(IDLE._replace(teaching=True), Light.ORANGE_THREE, "Show master card", id="teaching"),
    pytest.param(CHARGE._replace(charging=True, notice=Notice.USB_BUSY), Light.GREEN, "usb please wait", id="usb at work"),
    pytest.param(IDLE._replace(notice=Notice.USB_DONE), Light.BLUE_EVERY_3_S, "remove usb", id="usb done"),
    pytest.param(IDLE._replace(notice=Notice.USB_REFUSED), Light.BLUE_EVERY_3_S, "usb refused", id="usb refused"),
    pytest.param(CHARGE._replace(fault=True, notice=Notice.USB_DONE), Light.RED_BLINK, "Fault", id="a fault goes first"),
    pytest.param(IDLE._replace(restarting=True, teaching=True), Light.OFF, "Restart", id="restarting"),
]  # fmt: skip


@pytest.mark.req("OUT-07")
@pytest.mark.parametrize(("facts", "light", "text"), TABLE)
def test_each_state_has_its_pattern_and_words(facts: SignFacts, light: Light, text: str) -> None:
    assert (bar_light(facts, Beep.NONE), display_text(facts, Beep.NONE)) == (light, text)


@pytest.mark.req("OUT-07")
@pytest.mark.parametrize(
    ("card", "light", "text"),
    [
        (Beep.READ, Light.BLUE_EVERY_3_S, "Card read"),
        (Beep.ACCEPTED, Light.BLUE_EVERY_3_S, "Card accepted"),
        (Beep.REFUSED, Light.ORANGE, "Card invalid"),
        (Beep.TONE, Light.BLUE_EVERY_3_S, "Show card"),
    ],
)
def test_a_card_is_answered_once_and_then_forgotten(card: Beep, light: Light, text: str) -> None:
    signs = BarSigns()
    assert signs.update(0, IDLE, Beep.NONE, 0) == NEVER
    assert signs.update(1_000, IDLE, card, 1) == 1_000 + CARD_SHOWN_US
    assert (signs.light, signs.text) == (light, text)
    signs.update(1_000 + CARD_SHOWN_US - 1, IDLE, card, 1)
    assert signs.light is light
    assert signs.update(1_000 + CARD_SHOWN_US, IDLE, card, 1) == NEVER
    assert (signs.light, signs.text) == (Light.BLUE_EVERY_3_S, "Show card")
    signs.update(2_000 + CARD_SHOWN_US, IDLE, card, 1)
    assert signs.text == "Show card", "the same sound is not a new one"


@pytest.mark.req("OUT-07")
def test_every_text_is_what_the_manual_allows() -> None:
    facts = [cast(SignFacts, param.values[0]) for param in TABLE]
    facts += [IDLE._replace(status=status, session=True) for status in OutletStatus]
    texts = {display_text(each, card) for each in facts for card in Beep}
    assert sorted(texts) == sorted(DISPLAY_TEXTS)
    for text in texts:
        assert re.fullmatch(r"[A-Za-z0-9 ]+", text)
        assert len(text) <= TEXT_LENGTH
        assert "Wh" not in text
