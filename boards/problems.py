"""What can be wrong with a profile, said so that its writer can put it right without reading code."""

from __future__ import annotations

from collections.abc import Iterable

from evse.records import dataclass


def printable(text: str) -> str:
    """``text`` for a terminal: what is no visible character (control, bidirectional, lone surrogate) is shown escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


MANY_NAMES = 30
SHOWN_NAMES = 10


def shortened(names: str) -> str:
    """A list of names for a line that a person reads: of very many only the first, which are the most similar ones."""
    parts = names.split(", ")
    if len(parts) <= MANY_NAMES:
        return names
    return f"{', '.join(parts[:SHOWN_NAMES])}, … ({len(parts)} in all)"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a profile.

    ``line`` and ``column`` count from 1; both are 0 when the fault concerns the file as a whole. ``key`` is the path
    as it stands in that file (``outlets[0].rated_current_a``), empty for the whole file. ``allowed`` names the values
    or the range that would be right, ``hint`` a likely repair; both may be empty.
    """

    file: str
    line: int
    column: int
    key: str
    what: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = f"{place}: {self.key}: {self.what}" if self.key else f"{place}: {self.what}"
        if self.allowed:
            text += f"; allowed: {shortened(self.allowed)}"
        if self.hint:
            text += f"; {self.hint}"
        # Keys and values come from the file, which may be anybody's.
        return printable(text)


class ProfileError(Exception):
    """A profile was refused. ``problems`` holds every fault that was found, in the order of the files' lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by place, each fault once (a fault in a default would else be told for each outlet that takes it)."""
    return tuple(
        sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column, problem.key))
    )
