"""YAML text to plain values, with the place of every value, and nothing else.

A deliberate subset, because a profile is written by people and read by a safety-relevant program:

- mappings with text keys, lists, text, whole numbers, decimal numbers, ``true``/``false``, ``null``;
- ``on``/``off``/``yes``/``no``, octal ``010``, ``1:30`` and dates are *text* here, not surprises (YAML 1.2's view), so
  the schema refuses them where a number or truth value belongs;
- no anchors, aliases, merge keys, tags or second documents: nothing expands, nothing constructs objects;
- at most ``MAX_BYTES`` bytes and ``MAX_DEPTH`` levels; duplicate keys are faults, and both places are named.

Places come from the node marks: the text is composed into nodes first and only then turned into values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from boards.problems import Problem, ProfileError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
SUFFIXES = (".yaml", ".yml")

Key = tuple[str | int, ...]
Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Mark:
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
    try:
        node = _Composer(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refuse(file, _syntax(error), mark) from error
    except yaml.YAMLError as error:
        raise _refuse(file, f"not YAML: {_one_line(str(error))}") from error
    if node is None:
        raise _refuse(file, "the file is empty; a profile begins with 'schema: 1'")
    source = Source(file, {})
    data = _convert(node, (), source)
    if not isinstance(data, dict):
        raise _refuse(file, "a profile is a mapping of keys; it begins with 'schema: 1'", node.start_mark)
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


class _Composer(yaml.SafeLoader):
    """Composes nodes without anchors, aliases, tags or deep nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _NotAllowed("anchors (&) and aliases (*) are not allowed in a profile", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _NotAllowed(f"the tag {_one_line(str(event.tag))} is not allowed in a profile", event.start_mark)
        if self._depth >= MAX_DEPTH:
            raise _NotAllowed(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _NotAllowed(yaml.MarkedYAMLError):
    """YAML, but outside the subset."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def _convert(node: yaml.Node, path: Key, source: Source) -> Value:
    source.values[path] = _mark(source.file, node.start_mark, path)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(item, (*path, index), source) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Key, source: Source) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for key_node, value_node in node.value:
        place = _mark(source.file, key_node.start_mark, path)
        if not isinstance(key_node, yaml.ScalarNode):
            source.problems.append(_problem(place, path, "a key must be a word, not a list or mapping"))
            continue
        name = str(key_node.value)
        here = (*path, name)
        if name in result:
            what = f"the key {name!r} stands here a second time; first on line {source.keys[here].line}"
            source.problems.append(_problem(place, here, what))
            continue
        source.keys[here] = _mark(source.file, key_node.start_mark, here)
        result[name] = _convert(value_node, here, source)
    return result


def _scalar(node: yaml.Node) -> Value:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
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


def _refuse(file: str, what: str, mark: yaml.Mark | None = None) -> ProfileError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    return ProfileError([Problem(file, line, column, "", what)])


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
