"""A strict reader of Prometheus' text exposition format 0.0.4, written from its specification: refuses what is not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEAD = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)\Z")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\Z)')
_UNESCAPE = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


@dataclass
class Metric:
    """One family as read."""

    help: str = ""
    kind: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def value(self, **labels: str) -> float:
        """The sample with exactly these labels."""
        return self.samples[tuple(sorted(labels.items()))]


def parse(text: str) -> dict[str, Metric]:
    """Every family by name. Raises ValueError at the first thing that the format does not allow."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no line end")
    found: dict[str, Metric] = {}
    current = ""
    for line in text.split("\n")[:-1]:
        head = _HEAD.match(line)
        if head is not None:
            what, name, rest = head.groups()
            if name != current and name in found:
                raise ValueError(f"{name} is told of in two places")
            current = name
            metric = found.setdefault(name, Metric())
            if metric.samples or (metric.kind if what == "TYPE" else metric.help):
                raise ValueError(f"{what} of {name} twice or after its samples")
            if what == "TYPE":
                metric.kind = rest
            else:
                metric.help = _unescaped(rest)
            continue
        _sample(line, current, found)
    return found


def _sample(line: str, current: str, found: dict[str, Metric]) -> None:
    match = _SAMPLE.match(line)
    if match is None or match[1] != current or found[current].kind not in ("counter", "gauge"):
        raise ValueError(f"no sample of {current!r}: {line!r}")
    labels: list[tuple[str, str]] = []
    rest = match[2] or ""
    while rest:
        label = _LABEL.match(rest)
        if label is None:
            raise ValueError(f"labels: {rest!r}")
        labels.append((label[1], _unescaped(label[2])))
        rest = rest[label.end() :]
    key = tuple(sorted(labels))
    if len(dict(labels)) != len(labels) or key in found[current].samples:
        raise ValueError(f"label or series twice: {line!r}")
    found[current].samples[key] = float(match[3])


def _unescaped(text: str) -> str:
    return re.sub(r"\\[\\n\"]", lambda match: _UNESCAPE[match[0]], text)
