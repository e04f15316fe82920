"""The Supervision port: how services ask a back-end whether an identifier may charge.

Whoever speaks the protocol implements ``SupervisionPort`` and hands answers to ``StationServices.supervision_answer``. It
need not take care of anything else: answers may come late, twice, never, for questions of an earlier boot, in any order.
"""

from __future__ import annotations

from typing import Protocol

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class SupervisionAnswer:
    """What the supervision says of an identifier.

    ``expires_utc_us``: until when an acceptance may be used from the cache (UTC in microseconds since 1970), ``None``
    without end. ``group``: its group (OCPP's parent identifier), empty for none. ``priority``: charges before others.
    """

    accepted: bool
    expires_utc_us: int | None = None
    group: str = ""
    priority: bool = False


class SupervisionPort(Protocol):
    """A back-end that knows who may charge. Nothing here waits."""

    @property
    def reachable(self) -> bool:
        """Whether a question sent now is likely to be answered: connected, and accepted by the back-end."""
        ...

    def at_once(self, uid: str, outlet: int, *, waited: bool = False) -> SupervisionAnswer | None:
        """What counts for ``uid`` at ``outlet`` without asking, because it is known or nobody can be asked; ``None``: it has to be asked.

        ``waited``: it was asked and there was no answer in time. ``None`` then: the loss strategy decides.
        """
        ...

    def group_of(self, uid: str) -> str | None:
        """The group of ``uid``, empty for none; ``None``: it is not known, but whoever is asked about a card finds out."""
        ...

    def kept_for_group(self, outlet: int) -> bool:
        """Whether the outlet is reserved for a group: then who may use it is not said by the booker's identifier alone.

        A card at such an outlet is always asked about, also while the back-end is away: ``ask`` answers then by what is known.
        """
        ...

    def ask(self, ask_id: str, uid: str, outlet: int) -> None:
        """Ask whether ``uid`` may charge at ``outlet``; the answer comes later, under ``ask_id``."""
        ...
