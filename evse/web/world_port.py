"""The simulated world as the web interface sees it: its verbs and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from evse.records import dataclass

if TYPE_CHECKING:
    from evse.web.ports import Outcome

ParamType = Literal["int", "number", "bool", "text", "choice"]
ParamValue = bool | int | float | str
OUTLET_PARAM = "outlet"
"""A verb parameter of this name is filled from the page's target outlet."""
HEAL_PARAM = "heal"
"""A truth value of this name undoes what the verb did."""


@dataclass(frozen=True, slots=True)
class VerbParam:
    """One parameter of a verb: a number with its unit and range, a truth value, a text, or one of ``choices``.

    ``default`` is ``None`` when the parameter must be given. Range and default are in ``unit``; a text's range is that
    of its length.
    """

    name: str
    type: ParamType
    unit: str = ""
    default: ParamValue | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    secret: bool = False
    """A password or key: it is neither shown nor kept."""


@dataclass(frozen=True, slots=True)
class VerbView:
    """One thing that can be done to the simulated world, with the group a person would look for it in."""

    name: str
    group: str
    help: str
    params: tuple[VerbParam, ...] = ()
    healed_by: str = ""
    """What undoes it: :data:`HEAL_PARAM`, or another verb's name; empty when there is nothing to undo."""


class BadVerb(ValueError):
    """The world does not take this parameter; nothing was done. ``param`` is empty when it is the verb as a whole."""

    def __init__(self, param: str, reason: str, allowed: str = "") -> None:
        super().__init__(reason)
        self.param, self.reason, self.allowed = param, reason, allowed


class WorldPort(Protocol):
    """The simulated world. Exists in simulation only."""

    def verbs(self) -> Sequence[VerbView]:
        """Everything that can be done, in the order to show it; fixed for the life of the process."""

    async def apply(self, name: str, params: Mapping[str, ParamValue]) -> Outcome:
        """Do it with ``params``; those not given take their defaults, and the world knows which were given.

        ``refused`` when it is impossible now. Raises :class:`BadVerb` when a parameter is wrong (a number may also
        come as a text with its unit, which only the world can check).
        """
