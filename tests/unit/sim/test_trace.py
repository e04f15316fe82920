"""Traces: format, ring, reading back; random streams; quantities."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest

from evse.core.events import EVENT_TYPES, FaultRaised, PilotDriven
from evse.core.orders import OrderKind, StandingOrder
from evse.sim.quantities import QuantityError, convert, time_text, unit_of_name, whole
from evse.sim.random_streams import RandomStreams
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry, TraceError, TraceWriter, open_trace, parse_trace


@pytest.mark.req("SIM-02")
def test_the_file_has_exactly_these_bytes() -> None:
    file = io.StringIO()
    trace = Trace(TraceWriter(file, name="n", run_number=3, profile="parking"))
    trace.add_event(1500, PilotDriven(2, "PWM", 5333, 32_000))
    trace.add(2000, "wire reader", "frame", {"direction": "received", "bytes": "00ff"})
    trace.add(2500, "station", "note", {"list": ("a", "b"), "none": None, "word": "Ω"})
    assert file.getvalue() == (
        '{"schema":2,"kind":"trace","name":"n","run":3,"profile":"parking"}\n'
        '{"t":1500,"seq":1,"source":"outlet 2","type":"PilotDriven",'
        '"data":{"mode":"PWM","duty_bp":5333,"offered_ma":32000}}\n'
        '{"t":2000,"seq":2,"source":"wire reader","type":"frame","data":{"direction":"received","bytes":"00ff"}}\n'
        '{"t":2500,"seq":3,"source":"station","type":"note","data":{"list":["a","b"],"none":null,"word":"\\u03a9"}}\n'
    )
    assert [entry.seq for entry in parse_trace(file.getvalue()).entries] == [1, 2, 3]


@pytest.mark.parametrize("text", ["{}", "[]", '{"schema":2,"kind":"trace"}', '{"schema":1,"kind":"trace"}', "no json"])
def test_other_files_are_no_traces(text: str) -> None:
    with pytest.raises(TraceError, match="line 1"):
        list(parse_trace(text + "\n").entries)


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"t":1}', '{"t":"1","seq":1,"source":"a","type":"b","data":{}}', '{"t":1,"seq":1}']
)
def test_a_line_that_is_no_entry_is_named(line: str) -> None:
    with pytest.raises(TraceError, match="line 2"):
        list(parse_trace('{"schema":2,"kind":"trace","name":"n","run":1,"profile":"p"}\n' + line + "\n").entries)


def test_a_last_line_without_its_end_is_left_out(tmp_path: Path) -> None:
    head = '{"schema":2,"kind":"trace","name":"n","run":1,"profile":"p"}\n'
    whole = '{"t":1,"seq":1,"source":"station","type":"note","data":{"a":[]}}\n'
    (tmp_path / "t.jsonl").write_text(head + whole + whole[:20])
    for found in (parse_trace(head + whole + whole[:20]), open_trace(tmp_path / "t.jsonl")):
        assert (found.name, found.run_number, found.profile) == ("n", 1, "p")
        for _ in range(2):
            assert list(found.entries) == [TraceEntry(1, 1, "station", "note", {"a": ()})]
    with pytest.raises(TraceError, match="empty"):
        parse_trace("")


def test_the_timeline_has_words_for_every_event_of_the_core() -> None:
    file = io.StringIO()
    trace = Trace()
    lines: list[str | None] = []
    trace.add_sink(lambda entry: lines.append(timeline_line(entry)))
    samples: dict[str, object] = {"str": "x", "int": 1, "bool": True, "tuple[str, ...]": ("a", "b")}
    samples["tuple[StandingOrder, ...]"] = (StandingOrder(OrderKind.LIMIT, "plant", current_ma=6_000),)
    for kind in EVENT_TYPES:
        values = {
            name: samples[str(annotation)] for name, annotation in kind.__annotations__.items() if name != "durable"
        }
        values.pop("outlet", None)
        trace.add_event(1_500_000, kind(1, **{key: value for key, value in values.items() if "ClassVar" not in key}))
    assert file.getvalue() == ""
    shown = [line for line in lines if line is not None]
    assert len(shown) == len(EVENT_TYPES) - 1
    assert all(line.startswith("  0:00:01.500  outlet 1    ") for line in shown)


def test_the_timeline_leaves_frames_out() -> None:
    assert timeline_line(TraceEntry(0, 1, "wire a", "frame", {})) is None
    line = timeline_line(TraceEntry(0, 1, "outlet 1", "FaultRaised", {"fault": "X", "reaction": "y", "latched": True}))
    assert line is not None
    assert line.endswith("fault X (y, latched)")
    assert FaultRaised.__name__ == "FaultRaised"


@pytest.mark.req("SIM-02")
def test_streams_are_independent_of_each_other_and_of_their_order() -> None:
    one, two = RandomStreams(7), RandomStreams(7)
    one.stream("noise").random()
    assert [one.stream("vehicle").randrange(10**6) for _ in range(3)] == [
        two.stream("vehicle").randrange(10**6) for _ in range(3)
    ]
    assert RandomStreams(8).stream("vehicle").random() != RandomStreams(7).stream("vehicle").random()
    assert one.stream("noise") is one.stream("noise")
    assert RandomStreams(7).stream("vehicle").randrange(10**6) == 368_010


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("500 ms", "us", 500_000),
        ("1.5 kWh", "Wh", 1500),
        ("32A", "mA", 32_000),
        ("-3 °C", "dC", -30),
        ("50 %", "bp", 5000),
    ],
)
def test_quantities_convert_exactly(text: str, unit: str, value: int) -> None:
    assert whole(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "what"),
    [
        ("5", "us", "has no unit"),
        (5, "us", "has no unit"),
        ("5 A", "us", "does not fit"),
        ("five s", "us", "not a number"),
        (True, "us", "not a number"),
        (None, "us", "not a number"),
        ("0.5 us", "us", "not a whole number"),
        ("1e3 s", "us", "does not fit"),
    ],
)
def test_wrong_quantities_are_refused(text: object, unit: str, what: str) -> None:
    with pytest.raises(QuantityError, match=what):
        whole(text, unit)


def test_names_tell_units_and_times_read_well() -> None:
    assert (unit_of_name("energy_wh"), unit_of_name("duty_bp"), unit_of_name("epoch")) == ("Wh", "bp", "")
    assert convert("1 us", "s") == Fraction(1, 1_000_000)
    assert time_text(3_723_004_999) == "1:02:03.004"
    assert time_text(-500_000) == "-0:00:00.500"
