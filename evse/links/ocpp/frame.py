"""Frames of OCPP-J 1.6: CALL, CALLRESULT and CALLERROR as JSON text (OCPP-J 1.6, chapter 4).

The other side is not trusted: text is bounded before it is parsed, and whatever is wrong with it becomes a
:class:`BadFrame` that says whether the sender gets an answer. Only a CALL with a readable id is ever answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, Final

from evse.records import dataclass

TEXT_LIMIT: Final = 65_536
"""Characters of one frame at most."""
DEPTH_LIMIT: Final = 16
"""Nested arrays and objects at most; the deepest message of OCPP 1.6 has seven."""
ID_LIMIT: Final = 36
_CALL, _RESULT, _ERROR = 2, 3, 4


class ErrorCode(StrEnum):
    """Codes of a CALLERROR, spelled as OCPP-J 1.6 table 7 prints them."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT = "PropertyConstraintViolation"
    OCCURRENCE_CONSTRAINT = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


@dataclass(frozen=True, slots=True)
class Call:
    """A request."""

    unique_id: str
    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a request."""

    unique_id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallError:
    """A request could not be handled. ``code`` is kept as text: other sides use codes of their own."""

    unique_id: str
    code: str
    description: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Frame = Call | CallResult | CallError


class BadFrame(ValueError):
    """Text that is no frame; ``answer`` is what its sender gets, ``None`` for silence."""

    def __init__(self, reason: str, answer: CallError | None = None) -> None:
        super().__init__(reason)
        self.answer = answer


def parse(text: str) -> Frame:
    """Return the frame that ``text`` is; raises BadFrame."""
    if len(text) > TEXT_LIMIT:
        raise BadFrame(f"{len(text)} characters are more than the {TEXT_LIMIT} that one frame may have")
    if _too_deep(text):
        raise BadFrame(f"nested more than {DEPTH_LIMIT} deep")
    try:
        items = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise BadFrame(f"not JSON: {error}") from None
    if not isinstance(items, list) or len(items) < 3:
        raise BadFrame("not an array of message type, id and content")
    kind, unique_id = items[0], items[1]
    if not isinstance(unique_id, str) or not 1 <= len(unique_id) <= ID_LIMIT:
        raise BadFrame(f"the message id must be a text of 1 to {ID_LIMIT} characters")
    if not storable(unique_id):
        raise BadFrame("the message id holds half a character: no answer could carry it")
    # True == 1 in Python, but not in a frame.
    match kind if type(kind) is int else None:
        case 2:
            return _call(unique_id, items)
        case 3:
            if len(items) != 3 or not isinstance(items[2], dict):
                raise BadFrame("a CALLRESULT is [3, id, object]")
            return CallResult(unique_id, items[2])
        case 4:
            return _call_error(unique_id, items)
    raise BadFrame(f"unknown message type {kind!r}")


def _call(unique_id: str, items: list[Any]) -> Call:
    if len(items) != 4 or not isinstance(items[2], str) or not isinstance(items[3], dict):
        answer = CallError(unique_id, ErrorCode.FORMATION_VIOLATION, "a CALL is [2, id, action, object]")
        raise BadFrame(answer.description, answer)
    return Call(unique_id, items[2], items[3])


def _call_error(unique_id: str, items: list[Any]) -> CallError:
    if not 4 <= len(items) <= 5 or not isinstance(items[2], str) or not isinstance(items[3], str):
        raise BadFrame("a CALLERROR is [4, id, code, description, object]")
    details = items[4] if len(items) == 5 and isinstance(items[4], dict) else {}
    return CallError(unique_id, items[2], items[3], details)


def encode(frame: Frame) -> str:
    """Return the text of ``frame``."""
    match frame:
        case Call():
            items: list[Any] = [_CALL, frame.unique_id, frame.action, frame.payload]
        case CallResult():
            items = [_RESULT, frame.unique_id, frame.payload]
        case CallError():
            items = [_ERROR, frame.unique_id, frame.code, frame.description[:255], frame.details]
    return json.dumps(items, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def storable(text: str) -> bool:
    r"""Whether ``text`` can be written as UTF-8; JSON lets halves of characters pass (``"\\ud800"``)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _too_deep(text: str) -> bool:
    """Whether arrays and objects nest too deep: told before a parser recurses into them."""
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_LIMIT:
                return True
        elif character in "]}":
            depth -= 1
    return False
