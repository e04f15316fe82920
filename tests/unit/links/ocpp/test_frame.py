from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.links.ocpp.frame import (
    DEPTH_LIMIT,
    TEXT_LIMIT,
    BadFrame,
    Call,
    CallError,
    CallResult,
    ErrorCode,
    encode,
    parse,
)


@pytest.mark.parametrize(
    "frame",
    [
        Call("1", "Heartbeat", {}),
        CallResult("a" * 36, {"currentTime": "2026-01-01T00:00:00Z"}),
        CallError("7", ErrorCode.NOT_IMPLEMENTED, "no such action", {"action": "Größe"}),
    ],
)
def test_what_is_written_is_read_back(frame: Call | CallResult | CallError) -> None:
    assert parse(encode(frame)) == frame


def test_a_call_error_may_lack_its_details() -> None:
    assert parse('[4,"1","GenericError",""]') == CallError("1", "GenericError", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{}", "not an array"),
        ("[2]", "not an array"),
        ('[2,"1","A",{"x":NaN}]', "NaN"),
        ('[2,"","Heartbeat",{}]', "message id"),
        (f'[2,"{"x" * 37}","Heartbeat",{{}}]', "message id"),
        ('[2,7,"Heartbeat",{}]', "message id"),
        ('[true,"1","Heartbeat",{}]', "message type"),
        ('[9,"1","Heartbeat",{}]', "message type"),
        ('[3,"1",[]]', "CALLRESULT"),
        ('[4,"1","GenericError"]', "CALLERROR"),
        ('[4,"1",5,"",{}]', "CALLERROR"),
        ("[" * (DEPTH_LIMIT + 1), "nested"),
        ('[2,"1","DataTransfer",{"data":"' + "x" * TEXT_LIMIT + '"}]', "characters"),
    ],
)
def test_what_is_no_frame_is_told_and_not_answered(text: str, says: str) -> None:
    with pytest.raises(BadFrame, match=says) as caught:
        parse(text)
    assert caught.value.answer is None


@pytest.mark.parametrize(
    "text", ['[2,"1",5,{}]', '[2,"1","Heartbeat"]', '[2,"1","Heartbeat",[]]', '[2,"1","Reset",{},1]']
)
def test_a_call_that_is_badly_formed_is_answered_under_its_id(text: str) -> None:
    with pytest.raises(BadFrame) as caught:
        parse(text)
    answer = caught.value.answer
    assert answer is not None
    assert (answer.unique_id, answer.code) == ("1", "FormationViolation")
    assert json.loads(encode(answer))[0] == 4


def test_brackets_inside_texts_do_not_nest() -> None:
    assert parse(encode(Call("1", "DataTransfer", {"data": '[[\\"' * 100}))).unique_id == "1"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_frame_or_a_bad_frame(text: str) -> None:
    try:
        parse(text)
    except BadFrame:
        pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=6))
def test_any_array_is_a_frame_or_a_bad_frame(items: list[object]) -> None:
    try:
        frame = parse(json.dumps(items))
    except BadFrame:
        return
    assert parse(encode(frame)) == frame
