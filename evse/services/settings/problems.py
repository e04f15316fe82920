"""Why a change of settings is refused: field, value, what is allowed, what to do; in the languages of the tool."""

from __future__ import annotations

from evse.records import dataclass
from evse.services.settings.kinds import NO_TEXT, Label

HIDDEN = "***"
"""Stands for the value of a secret wherever one would be told."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``value``: as given, stars for a secret; ``hint``: what to do, may be empty."""

    key: str
    value: str
    what: Label
    allowed: Label = NO_TEXT
    hint: Label = NO_TEXT

    def text(self, french: bool = False) -> str:
        """One line for people."""
        what, allowed, hint = (part[int(french)] for part in (self.what, self.allowed, self.hint))
        accepted = f"{'accepté' if french else 'allowed'}: {allowed}" if allowed else ""
        return "; ".join(part for part in (f"{self.key} = {self.value}: {what}", accepted, hint) if part)


class Refused(ValueError):
    """A change is refused as a whole, for every one of ``problems``."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.text() for problem in problems))
        self.problems = problems


def shown_value(value: object, secret: bool) -> str:
    """A value as it may be told: short, printable, never a secret."""
    if secret:
        return HIDDEN
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, int | str) else type(value).__name__
    text = "".join(character if character.isprintable() else "?" for character in text[:80])
    return text or "(empty)"
