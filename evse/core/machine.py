"""A transition table as a flyweight: one ``transitions`` machine per table, the state lives with its owner.

A machine object per outlet would cost tens of kilobytes and slow start-up in fleets; here every outlet of every station
shares one machine, and a step costs some ten microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from transitions import Machine, MachineError

from evse.records import dataclass


class InvalidTriggerError(Exception):
    """The table has no row for this trigger in this state; the state is unchanged."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: in any of ``sources``, ``trigger`` leads to ``target``; ``clause`` says where the rule comes from."""

    trigger: str
    sources: tuple[str, ...]
    target: str
    clause: str


class _Bearer:
    """Carries the state into and out of the shared machine during one trigger."""

    state: str = ""


class TransitionTable:
    """A named table of rows over a fixed set of states."""

    def __init__(self, name: str, states: Sequence[str], initial: str, rows: Sequence[Row]) -> None:
        self.name = name
        self.states = tuple(states)
        self.initial = initial
        self.rows = tuple(rows)
        self._bearer = _Bearer()
        self._machine = Machine(
            model=None,
            states=list(states),
            initial=None,
            transitions=[
                {"trigger": row.trigger, "source": list(row.sources), "dest": row.target} for row in self.rows
            ],
            auto_transitions=False,
            queued=True,
            send_event=True,
            model_override=True,
        )

    def next_state(self, state: str, trigger: str) -> str:
        """Return the state after ``trigger``; raise InvalidTriggerError when the table has no such row."""
        event = self._machine.events.get(trigger)
        if event is None:
            raise InvalidTriggerError(f"{self.name}: no trigger {trigger!r} in the table")
        self._bearer.state = state
        try:
            event.trigger(self._bearer)
        except MachineError as error:
            raise InvalidTriggerError(f"{self.name}: trigger {trigger!r} is not possible in {state!r}") from error
        return self._bearer.state
