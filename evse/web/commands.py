"""The commands a person or program may give to an outlet or the station: request bodies, and how they become core commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evse.core.commands import (
    ANY_EPOCH,
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    Postpone,
    SetLimit,
    SetPhases,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
)
from evse.core.duty import MINIMUM_OFFER_MA
from evse.core.units import MS, NEVER, SECOND
from evse.records import dataclass
from evse.web.words import LIMITS

UID_PATTERN = r"^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{16}|[0-9A-F]{20})$"
"""A badge: 4, 7, 8 or 10 bytes in upper-case hexadecimal."""


CALLERS_PREFIX: Final = "rest-"
"""Before every id from this interface: a caller must not be able to use up an id that services give to commands of their own."""


MAX_LIMIT_MA: Final = 80_000
"""Highest offer that a duty cycle can express (IEC 61851-1, table A.7)."""


class PlainBody(BaseModel):
    """What every command may carry, the station's own too."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$",
        description="The caller's id: the same id twice acts once. Made up when absent.",
    )
    ttl_ms: int = Field(
        default=5_000, ge=100, le=60_000, description="Milliseconds within which the station must take the command."
    )


class CommandBody(PlainBody):
    """What every command to an outlet may carry."""

    epoch: int = Field(
        default=ANY_EPOCH,
        ge=ANY_EPOCH,
        le=2**53,
        description="The outlet's `epoch` the command is meant for; refused when another session began since. -1: any.",
    )


class StartBody(CommandBody):
    """Release a charge from another system, where the authentication location is remote or a remote command is required."""

    uid: str = Field(
        default="", pattern=UID_PATTERN[:-2] + r"|)$", description="For whom, as a badge's identifier; may be empty."
    )


class StopBody(CommandBody):
    """End the running session in a controlled way."""

    reason: str = Field(default="Local", pattern=r"^[A-Za-z]{1,20}$", description="Reason for the charge record.")


class BookBody(CommandBody):
    """Reserve the outlet for one badge, or cancel with an empty uid."""

    uid: str = Field(
        pattern=UID_PATTERN[:-2] + r"|)$", description="Badge in upper-case hexadecimal; empty cancels the booking."
    )
    duration_s: int | None = Field(default=None, ge=1, le=7 * 86_400, description="Seconds; absent: until cancelled.")


class ActiveBody(CommandBody):
    """Switch a condition on or off."""

    active: bool = Field(default=True, description="On, or off again.")


class UnavailableBody(ActiveBody):
    """Take the outlet out of service, or return it."""

    after_session: bool = Field(default=False, description="Let a running session finish first.")


class PhasesBody(CommandBody):
    """Charge with one phase or with three, where X2 drives a phase switch."""

    phases: Literal[1, 3] = Field(description="1 or 3; at most one change in 300 s.")


class ClearFaultBody(CommandBody):
    """A service person confirms that a latched fault is mended."""

    fault: str = Field(pattern=r"^[A-Za-z0-9_.-][A-Za-z0-9_. -]{0,63}$", description="The fault's name as in `faults`.")


class LimitBody(PlainBody):
    """Give one source's limit of the current per phase, or take it back. The lowest of all limits rules; 0 stops charging."""

    source: str = Field(
        default="rest",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$",
        description="Who says it: a second limit of the same source replaces the first. At most 16 sources.",
    )
    active: bool = Field(default=True, description="False takes this source's limit back.")
    current_ma: int | None = Field(default=None, ge=0, le=MAX_LIMIT_MA, description="Milliamperes per phase.")
    duration_s: int | None = Field(default=None, ge=1, le=7 * 86_400, description="Seconds; absent: until taken back.")
    fallback_ma: int | None = Field(
        default=None,
        ge=0,
        le=MAX_LIMIT_MA,
        description="What holds after `duration_s` until the source says otherwise.",
    )

    @field_validator("source")
    @classmethod
    def _not_our_own(cls, source: str) -> str:
        if source in LIMITS:
            raise ValueError("the station gives this name to a limit of its own; choose another")
        return source

    @model_validator(mode="after")
    def _complete(self) -> LimitBody:
        values = (self.current_ma, self.duration_s, self.fallback_ma)
        if not self.active and values != (None, None, None):
            raise ValueError("a limit that is taken back (active false) has no current_ma, duration_s or fallback_ma")
        if self.active and self.current_ma is None:
            raise ValueError("current_ma is missing; to take the limit back, send active false")
        if (self.duration_s is None) != (self.fallback_ma is None):
            raise ValueError("duration_s and fallback_ma belong together: give both or neither")
        return self


class OutletLimitBody(CommandBody, LimitBody):
    """Give one source's limit of the current per phase, or take it back. The lowest of all limits rules; 0 stops charging."""


class StationLimitBody(LimitBody):
    """Limit all outlets together: what is left is divided among them like the station's maximum."""


def remark(body: PlainBody) -> str:
    """What a caller may not have meant although it was done; empty for most commands."""
    if isinstance(body, LimitBody) and body.active and 0 < (body.current_ma or 0) < MINIMUM_OFFER_MA:
        return f"{body.current_ma} mA is less than {MINIMUM_OFFER_MA} mA: with so little no vehicle charges"
    return ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The part common to all core commands, ready to be unpacked.

    ``callers_id`` is the id as the caller knows it: given again, it acts once. The command itself carries it with a prefix.
    """

    callers_id: str
    outlet: int
    expires_us: int
    epoch: int

    def fields(self) -> dict[str, Any]:
        """The common fields by name."""
        return {
            "command_id": CALLERS_PREFIX + self.callers_id,
            "outlet": self.outlet,
            "expires_us": self.expires_us,
            "epoch": self.epoch,
        }


def envelope(body: PlainBody, outlet: int, now_us: int, new_id: Callable[[], str]) -> Envelope:
    """The common part; ``outlet`` 0 is the station, ``now_us`` control's clock at the newest view."""
    epoch = body.epoch if isinstance(body, CommandBody) else ANY_EPOCH
    return Envelope(body.command_id or new_id(), outlet, now_us + body.ttl_ms * MS, epoch)


def limit(body: LimitBody, common: Envelope, now_us: int) -> Command:
    """`SetLimit`: the end is on control's clock, counted from the newest view."""
    until_us = NEVER if body.duration_s is None else now_us + body.duration_s * SECOND
    return SetLimit(
        **common.fields(),
        source=body.source,
        current_ma=body.current_ma or 0,
        valid_until_us=until_us,
        fallback_ma=body.fallback_ma or 0,
        active=body.active,
    )


def start(body: StartBody, common: Envelope, now_us: int) -> Command:
    """`StartSession`."""
    return StartSession(**common.fields(), uid=body.uid)


def stop(body: StopBody, common: Envelope, now_us: int) -> Command:
    """`StopSession`."""
    return StopSession(**common.fields(), reason=body.reason)


def book(body: BookBody, common: Envelope, now_us: int) -> Command:
    """`Book`: the end is on control's clock, counted from the newest view."""
    until_us = NEVER if body.duration_s is None else now_us + body.duration_s * SECOND
    return Book(**common.fields(), uid=body.uid, until_us=until_us)


def suspend(body: ActiveBody, common: Envelope, now_us: int) -> Command:
    """`Suspend`."""
    return Suspend(**common.fields(), active=body.active)


def unavailable(body: UnavailableBody, common: Envelope, now_us: int) -> Command:
    """`SetUnavailable`, in the name of the local control system."""
    return SetUnavailable(
        **common.fields(), active=body.active, source=AvailabilitySource.PLC, after_session=body.after_session
    )


def maintenance(body: ActiveBody, common: Envelope, now_us: int) -> Command:
    """`Maintain`."""
    return Maintain(**common.fields(), active=body.active)


def postpone(body: ActiveBody, common: Envelope, now_us: int) -> Command:
    """`Postpone`."""
    return Postpone(**common.fields(), active=body.active)


def phases(body: PhasesBody, common: Envelope, now_us: int) -> Command:
    """`SetPhases`."""
    return SetPhases(**common.fields(), phases=body.phases)


def clear_fault(body: ClearFaultBody, common: Envelope, now_us: int) -> Command:
    """`ClearFault`."""
    return ClearFault(**common.fields(), fault=body.fault)
