"""Frames in words."""

from __future__ import annotations

from evse.app.page.wire_text import describe
from hal.frames import pn532
from hal.frames.front_end import Frame, encode
from hal.frames.front_end_messages import Control, Hold, Inquiry, MessageId, State
from hal.ports import LightCode, LockPosition, OutletReading, PilotDriveMode, SelfTest

FRONT_END, READER = "outlet-1/front-end", "outlet-2/reader"


def test_a_front_end_frame_has_its_name_and_its_fields_with_units() -> None:
    assert describe(FRONT_END, encode(Frame(7, Hold(250, 3)))) == ("HOLD", "#7, hold 250 ms, reading age 3 ms")
    control = Control(PilotDriveMode.PWM, 2667, 320, False, LightCode.BLUE)
    assert describe(FRONT_END, encode(Frame(8, control))) == (
        "CONTROL",
        "#8, mode pwm, duty 26.67 %, limit 32.0 A, ventilation no, light blue",
    )
    assert describe(FRONT_END, encode(Frame(9, Inquiry(MessageId.STATE)))) == ("INQUIRY", "#9, wanted state")


def test_a_state_tells_every_measurement() -> None:
    reading = OutletReading(
        positive_mv=6_000,
        negative_mv=-12_000,
        duty_bp=2_667,
        frequency_dhz=10_000,
        proximity_ohm=None,
        mirror_closed=True,
        coil_energised=True,
        lock=LockPosition.LOCKED,
        self_test=SelfTest.PASSED,
        residual_ac=False,
        residual_dc=False,
        currents_ma=(15_800,) * 3,
        voltages_mv=(230_000,) * 3,
        temperature_dc=284,
        supply_mv=12_000,
        inputs=(True, *[False] * 7),
        fault_bits=0,
        safe_state_reason=0,
    )
    name, text = describe(FRONT_END, encode(Frame(3, State(reading, 17))))
    assert name == "STATE"
    assert "positive 6.0 V" in text
    assert "proximity open" in text
    assert "currents 15.80 A / 15.80 A / 15.80 A" in text
    assert "inputs 10000000" in text
    assert "self test passed" in text
    assert "residual ac no, residual dc no" in text
    assert text.endswith("accepted #17")


def test_a_readers_frames_tell_commands_answers_and_cards() -> None:
    assert describe(READER, pn532.ACK_FRAME) == ("ACK", "")
    command = pn532.command_frame(pn532.Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00")
    assert describe(READER, command) == ("IN_LIST_PASSIVE_TARGET", "parameters 0100")
    target = pn532.TypeATarget(1, 4, 8, bytes.fromhex("04A1B2C3"))
    answer = pn532.answer_frame(pn532.Command.IN_LIST_PASSIVE_TARGET, pn532.build_targets([target]))
    assert describe(READER, answer) == ("IN_LIST_PASSIVE_TARGET answer", "card 04A1B2C3")


def test_bytes_that_are_no_frame_stay_bytes() -> None:
    for wire in (FRONT_END, READER):
        assert describe(wire, b"\xa5\x11") == ("?", "")
        assert describe(wire, b"") == ("?", "")
