"""YAML text to plain values, with the place of every value, and nothing else.

A deliberate subset, because a profile is written by people and read by a safety-relevant program:

- mappings with text keys, lists, text, whole numbers, decimal numbers, ``true``/``false``, ``null``;
- ``on``/``off``/``yes``/``no``, octal ``010``, ``1:30`` and dates are *text* here, not surprises (YAML 1.2's view), so
  the schema refuses them where a number or truth value belongs;
- a key with nothing behind it is a fault: whether the device is there or not, its writer has to say;
- no anchors, aliases, merge keys, tags or second documents: nothing expands, nothing constructs objects;
- at most ``MAX_BYTES`` bytes and ``MAX_DEPTH`` levels; duplicate keys are faults, and both places are named.

Places come from the marks of the parser's events. The parser of libyaml reads where it is there, ten times as fast as
Python's; a text that it refuses is read again by Python's, which words what is wrong, and so is one of the few that the
two read differently.
"""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from boards.problems import Problem, ProfileError
from evse.records import dataclass

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
SUFFIXES = (".yaml", ".yml")

_FAST: Final[Any] = getattr(yaml, "CSafeLoader", None)
"""Parser of libyaml; the package can be built without."""
_READ_ALIKE: Final = re.compile(r"[\n -<>@A-~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd=]*\Z")
"""Texts that both parsers read alike: without tabs, question marks, unusual line ends and characters outside 16 bits."""

Key = tuple[str | int, ...]
Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Mark(NamedTuple):
    """Where a value stands: file, line and column from 1, and the key path as written in that file."""

    file: str
    line: int
    column: int
    key: Key


@dataclass(slots=True)
class Source:
    """Values with their places. ``values`` marks each value, ``keys`` each key of a mapping, by path."""

    file: str
    data: dict[str, Value]
    values: dict[Key, Mark] = field(default_factory=dict)
    keys: dict[Key, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def key_text(key: Key) -> str:
    """``("outlets", 0, "lock")`` as ``outlets[0].lock``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def looks_like_path(text: str) -> bool:
    """Whether ``text`` is meant as a path and not as the name of something shipped."""
    return "/" in text or "\\" in text or "\0" in text or text.endswith(SUFFIXES) or text in ("", ".", "..")


def read_source(path: Path) -> Source:
    """Read one file. Duplicate and non-text keys are collected in ``problems``.

    Raises ProfileError when nothing can be made of the file: missing, a directory, unreadable, too large, not UTF-8,
    empty, not YAML, not a mapping, or using what the subset leaves out.
    """
    return parse_source(_read_text(path), str(path))


def parse_source(text: str, file: str) -> Source:
    """Read YAML text; ``file`` is only the name for messages. Errors as ``read_source``."""
    if _FAST is not None and _READ_ALIKE.match(text):
        try:
            return _parse(_FAST(text), file)
        except (yaml.YAMLError, ProfileError, ValueError):
            pass  # what is wrong is told by the other parser, so that the words are the same everywhere
    try:
        return _parse(yaml.SafeLoader(text), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refuse(file, _syntax(error), mark, _syntax_hint(error)) from error
    except yaml.YAMLError as error:
        raise _refuse(file, f"not YAML: {_one_line(str(error))}") from error


def _parse(parser: Any, file: str) -> Source:
    source = Source(file, {})
    document = _Reader(parser, source).document()
    if document is None:
        raise _refuse(file, "the file is empty; a profile begins with 'schema: 1'")
    data, begin = document
    if not isinstance(data, dict):
        raise _refuse(file, "a profile is a mapping of keys; it begins with 'schema: 1'", begin)
    source.data = data
    return source


def _read_text(path: Path) -> str:
    file = str(path)
    try:
        if path.is_dir():
            raise _refuse(file, "is a directory, not a profile file")
        if not path.exists():
            raise _refuse(file, "no such file")
        if not path.is_file():
            raise _refuse(file, "is not an ordinary file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refuse(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(raw) > MAX_BYTES:
        raise _refuse(file, f"is larger than {MAX_BYTES // 1024} KiB; no profile is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        what = f"is not UTF-8 text (byte 0x{raw[error.start]:02x})"
        raise ProfileError([Problem(file, line, column, "", what, hint="save the file as UTF-8")]) from error


class _Reader:
    """Makes values of a parser's events, without anchors, aliases, tags or deep nesting."""

    def __init__(self, parser: Any, source: Source) -> None:
        self._parser = parser
        self._source = source
        self._depth = 0

    def document(self) -> tuple[Value, yaml.Mark] | None:
        """The only document and where it begins; ``None`` when there is none. Raises yaml.YAMLError."""
        parser = self._parser
        parser.get_event()
        if parser.check_event(yaml.StreamEndEvent):
            return None
        begin = parser.get_event().start_mark
        first = parser.peek_event().start_mark
        data = self._value(parser.get_event(), (), self._source)
        parser.get_event()
        if not parser.check_event(yaml.StreamEndEvent):
            another = parser.get_event().start_mark
            context = "expected a single document in the stream"
            raise yaml.MarkedYAMLError(context, begin, "but found another document", another)
        return data, first

    def _check(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _NotAllowed("anchors (&) and aliases (*) are not allowed in a profile", event.start_mark)
        if event.tag is not None:
            raise _NotAllowed(f"the tag {_one_line(str(event.tag))} is not allowed in a profile", event.start_mark)
        if self._depth >= MAX_DEPTH:
            raise _NotAllowed(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)

    def _value(self, event: Any, path: Key, source: Source) -> Value:
        self._check(event)
        place = source.values[path] = _mark(source.file, event.start_mark, path)
        if isinstance(event, yaml.ScalarEvent):
            if event.value == "" and not event.style:
                source.problems.append(_nothing(place, path))
            return _scalar(event)
        self._depth += 1
        value: Value = (self._mapping if isinstance(event, yaml.MappingStartEvent) else self._sequence)(path, source)
        self._depth -= 1
        return value

    def _sequence(self, path: Key, source: Source) -> list[Value]:
        result: list[Value] = []
        while not isinstance(event := self._parser.get_event(), yaml.SequenceEndEvent):
            result.append(self._value(event, (*path, len(result)), source))
        return result

    def _mapping(self, path: Key, source: Source) -> dict[str, Value]:
        result: dict[str, Value] = {}
        while not isinstance(event := self._parser.get_event(), yaml.MappingEndEvent):
            place = _mark(source.file, event.start_mark, path)
            if isinstance(event, yaml.ScalarEvent):
                self._check(event)
                name = str(event.value)
                here = (*path, name)
                if name not in result:
                    source.keys[here] = Mark(place.file, place.line, place.column, here)
                    result[name] = self._value(self._parser.get_event(), here, source)
                    continue
                what = f"the key {name!r} stands here a second time; first on line {source.keys[here].line}"
            else:
                here = path
                what = "a key must be a word, not a list or mapping"
                self._value(event, (), Source(source.file, {}))
            source.problems.append(_problem(place, here, what))
            # What stands under such a key is not used, and still has to keep to the subset.
            self._value(self._parser.get_event(), (), Source(source.file, {}))
        return result


class _NotAllowed(yaml.MarkedYAMLError):
    """YAML, but outside the subset."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def _scalar(event: yaml.ScalarEvent) -> Value:
    text = str(event.value)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _mark(file: str, mark: yaml.Mark, path: Key) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1, path)


def _problem(place: Mark, path: Key, what: str) -> Problem:
    return Problem(place.file, place.line, place.column, key_text(path), what)


def _nothing(place: Mark, path: Key) -> Problem:
    hint = "for a device {} means one with its defaults, null means none"
    return Problem(place.file, place.line, place.column, key_text(path), "nothing stands here", "a value", hint)


def _refuse(file: str, what: str, mark: yaml.Mark | None = None, hint: str = "") -> ProfileError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    return ProfileError([Problem(file, line, column, "", what, hint=hint)])


_SYNTAX_HINTS: Final = (
    (
        "mapping values are not allowed",
        "a text with ': ' in it needs quotation marks; keys beside each other begin in one column",
    ),
    ("but found '<block", "this line does not begin in the column of the keys or entries that it belongs to"),
    ("cannot start any token", "a text that begins with this character needs quotation marks"),
    ("or '}', but got '['", "a key with [ ] in it needs quotation marks"),
    ("but got '<stream end>'", "a bracket or brace is not closed"),
    ("could not find expected ':'", "a key needs a colon and a space behind it"),
)
"""Part of a parser's complaint, and what a writer has most likely done."""


def _syntax_hint(error: yaml.MarkedYAMLError) -> str:
    text = str(error.problem)
    if isinstance(error, _NotAllowed) or "'\\t'" in text:
        return ""
    return next((hint for part, hint in _SYNTAX_HINTS if part in text), "")


def _syntax(error: yaml.MarkedYAMLError) -> str:
    if isinstance(error, _NotAllowed):
        return str(error.problem)
    problem = error.problem or "cannot be understood"
    if "'\\t'" in problem:
        return "a tab stands here; YAML is indented with spaces"
    words = _one_line(f"{error.context or ''} {problem}")
    return f"not YAML: {words}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
