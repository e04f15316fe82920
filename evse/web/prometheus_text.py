"""Prometheus' text exposition format, version 0.0.4: families of samples to text.

    # HELP name text          backslash and line feed escaped
    # TYPE name counter
    name{label="value"} 1     backslash, quote and line feed escaped in values

Source: prometheus.io, "Exposition formats", text-based format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final, Literal

from evse.records import dataclass

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(slots=True)
class Family:
    """One metric with its samples. Names of counters end in ``_total``."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[dict[str, str], float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name) or (self.kind == "counter") != self.name.endswith("_total"):
            raise ValueError(f"{self.name!r} is no name of a {self.kind}")

    def add(self, value: float | None, **labels: str) -> None:
        """Add a sample; a value that is not known has none."""
        if value is not None:
            self.samples.append((labels, value))

    def add_state(self, state: str, states: Iterable[str], label: str, **labels: str) -> None:
        """Add a sample for each of ``states`` and for ``state``: 1 for the one that is, 0 for the others."""
        for each in dict.fromkeys((*states, state)):
            self.add(each == state, **labels, **{label: each})


def exposition(families: Iterable[Family]) -> str:
    """The text; a family without samples is left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text


def _number(value: float) -> str:
    """Whole numbers without a point, others as short as they read back the same."""
    return str(int(value)) if value == int(value) else repr(float(value))
