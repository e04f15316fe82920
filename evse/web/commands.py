"""The commands a person or program may give to one outlet: request bodies, and how they become core commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from evse.core.commands import (
    ANY_EPOCH,
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    Postpone,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
)
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.snapshot import OutletView

UID_PATTERN = r"^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{16}|[0-9A-F]{20})$"
"""A badge: 4, 7, 8 or 10 bytes in upper-case hexadecimal."""


CALLERS_PREFIX: Final = "rest-"
"""Before every id from this interface: a caller must not be able to use up an id that services give to commands of their own."""


class CommandBody(BaseModel):
    """What every command may carry."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$",
        description="The caller's id: the same id twice acts once. Made up when absent.",
    )
    epoch: int = Field(
        default=ANY_EPOCH,
        ge=ANY_EPOCH,
        le=2**53,
        description="The outlet's `epoch` the command is meant for; refused when another session began since. -1: any.",
    )
    ttl_ms: int = Field(
        default=5_000, ge=100, le=60_000, description="Milliseconds within which the station must take the command."
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


class ClearFaultBody(CommandBody):
    """A service person confirms that a latched fault is mended."""

    fault: str = Field(pattern=r"^[A-Za-z0-9_.-][A-Za-z0-9_. -]{0,63}$", description="The fault's name as in `faults`.")


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


def envelope(body: CommandBody, outlet: OutletView, now_us: int, new_id: Callable[[], str]) -> Envelope:
    """The common part; ``now_us`` is control's clock at the newest view."""
    return Envelope(body.command_id or new_id(), outlet.number, now_us + body.ttl_ms * MS, body.epoch)


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


def clear_fault(body: ClearFaultBody, common: Envelope, now_us: int) -> Command:
    """`ClearFault`."""
    return ClearFault(**common.fields(), fault=body.fault)
