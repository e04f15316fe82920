"""Cards for which a supervision is asked: each question gets one final decision, by its answer or by its time-out.

A question belongs to one card read of one boot, so an answer can only touch the user it is for. Answers that are late,
double or for nobody change no charge; an accepted one still counts for the cache.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from evse.core.units import NEVER
from evse.records import dataclass

DECIDED_KEPT: Final = 64
"""So many decided questions are told from unknown ones."""


@dataclass(frozen=True, slots=True)
class Question:
    """A card that waits. ``seq`` is its event's number, which is not acknowledged before the decision."""

    ask_id: str
    outlet: int
    card_read_id: int
    epoch: int
    uid: str
    purpose: str
    seq: int
    due_us: int


class Questions:
    """The questions under way, and what became of the last ones."""

    def __init__(self) -> None:
        self._waiting: dict[str, Question] = {}
        self._decided: OrderedDict[str, str] = OrderedDict()
        self.late = 0
        """Answers that came after the decision."""
        self.foreign = 0
        """Answers to questions that nobody asked, or too long ago."""

    def clear(self) -> None:
        """Another boot of control: its cards are other cards."""
        self._waiting.clear()
        self._decided.clear()

    def put(self, question: Question) -> None:
        """A question has been asked."""
        self._waiting[question.ask_id] = question

    def waits(self, ask_id: str) -> bool:
        """Whether this question is under way."""
        return ask_id in self._waiting

    def take(self, ask_id: str) -> Question | None:
        """The question that an answer decides; ``None`` when it decides nothing."""
        question = self._waiting.pop(ask_id, None)
        if question is not None:
            self._decide(question)
        elif ask_id in self._decided:
            self.late += 1
        else:
            self.foreign += 1
        return question

    def overdue(self, now_us: int) -> list[Question]:
        """Take those whose time is over, in the order in which they were asked."""
        found = [question for question in self._waiting.values() if question.due_us <= now_us]
        for question in found:
            del self._waiting[question.ask_id]
            self._decide(question)
        return found

    @property
    def next_us(self) -> int:
        """When the next time-out comes, ``NEVER`` without any."""
        return min((question.due_us for question in self._waiting.values()), default=NEVER)

    @property
    def oldest_seq(self) -> int | None:
        """The lowest event number that waits for a decision."""
        return min((question.seq for question in self._waiting.values()), default=None)

    def uid_of(self, ask_id: str) -> str:
        """Whose question this was; empty when nobody knows any more."""
        return self._decided.get(ask_id, "")

    def _decide(self, question: Question) -> None:
        self._decided[question.ask_id] = question.uid
        while len(self._decided) > DECIDED_KEPT:
            self._decided.popitem(last=False)
