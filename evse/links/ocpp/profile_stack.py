"""The charging profiles a station holds, and what they leave (OCPP 1.6, chapter 3.13: stacking, combining, composite).

At each second, for one connector:

- of the purpose `TxProfile`, and without an active one of `TxDefaultProfile`, the active profile with the highest stack
  level rules; a profile of the connector itself goes before one of connector 0 with the same level;
- `ChargePointMaxProfile` rules the whole station the same way;
- the connector may have the lower of the two.

A profile with the id of an installed one replaces it, and so does one with the same purpose, level and connector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from evse.links.ocpp.charging_profile import (
    FOREVER_S,
    TENTHS,
    ChargingProfile,
    Period,
    ProfileError,
    Purpose,
    RateUnit,
    Schedule,
)

STATION: Final = 0
"""Connector 0: the whole station."""
COMPOSITE_PERIODS: Final = 512
"""A composite schedule ends after so many periods; the rest has to be asked for again."""
BOUNDARIES: Final = 2_048
"""So many beginnings and ends of periods are looked at for one composite schedule."""


class ProfileLimits(NamedTuple):
    """What the station takes: `ChargeProfileMaxStackLevel`, `ChargingScheduleMaxPeriods`, `MaxChargingProfilesInstalled`."""

    max_stack_level: int = 8
    max_periods: int = 48
    max_installed: int = 32


FACTORY_LIMITS: Final = ProfileLimits()


class Installed(NamedTuple):
    """A profile and the connector it was sent for."""

    connector: int
    profile: ChargingProfile


class Running(NamedTuple):
    """The transaction at a connector: its id (``None`` while the central system has not given one) and its start."""

    transaction_id: int | None
    began_utc_s: int


class Electrics(NamedTuple):
    """What turns watts into amperes: voltage between phase and neutral, and the phases that carry the charge."""

    voltage_mv: int = 230_000
    phases: int = 3


class CompositePeriod(NamedTuple):
    """From ``start_s`` on, counted from the composite's beginning."""

    start_s: int
    current_ma: int | None


class Composite(NamedTuple):
    """``periods`` say everything up to ``reach_s``, counted from the composite's beginning."""

    periods: tuple[CompositePeriod, ...]
    reach_s: int


def current_ma(unit: RateUnit, limit: int, electrics: Electrics) -> int:
    """Return tenths of amperes or watts as milliamperes per phase, rounded down.

    Watts count for all phases that carry the charge, whatever `numberPhases` says: where nobody switches phases the power
    is kept by a lower current.
    """
    if unit is RateUnit.AMPERE:
        return limit * 1_000 // TENTHS
    return limit * 1_000_000 // (TENTHS * electrics.voltage_mv * electrics.phases)


class ProfileStack:
    """State: everything installed. Times are whole seconds of UTC."""

    def __init__(self, limits: ProfileLimits = FACTORY_LIMITS, installed: Iterable[Installed] = ()) -> None:
        self.limits = limits
        self._installed: list[Installed] = list(installed)

    @property
    def installed(self) -> tuple[Installed, ...]:
        """Everything, in the order it came."""
        return tuple(self._installed)

    def install(self, connector: int, profile: ChargingProfile, running: Running | None) -> None:
        """Take a profile for ``connector``, where ``running`` is the transaction. Raises ProfileError; then nothing changed."""
        self._fits(connector, profile, running)
        kept = [each for each in self._installed if not _replaces(connector, profile, each)]
        if len(kept) >= self.limits.max_installed:
            raise ProfileError(f"{self.limits.max_installed} profiles are installed already: clear one first")
        self._installed = [*kept, Installed(connector, profile)]

    def _fits(self, connector: int, profile: ChargingProfile, running: Running | None) -> None:
        match profile.purpose:
            case Purpose.CHARGE_POINT_MAX:
                if connector != STATION:
                    raise ProfileError(f"a ChargePointMaxProfile is for connector 0, not {connector}")
            case Purpose.TX:
                if connector == STATION:
                    raise ProfileError("a TxProfile needs the connector of its transaction, not 0")
                if running is None:
                    raise ProfileError(f"no transaction runs at connector {connector}")
                wanted = profile.transaction_id
                if wanted is not None and wanted != running.transaction_id:
                    raise ProfileError(f"transaction {wanted} does not run at connector {connector}")

    def clear(
        self,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Remove what fits all that is given, by its id alone when that is given; return how many went."""

        def goes(each: Installed) -> bool:
            if profile_id is not None:
                return each.profile.profile_id == profile_id
            return (
                connector in (None, each.connector)
                and purpose in (None, each.profile.purpose)
                and stack_level in (None, each.profile.stack_level)
            )

        return self._remove(goes)

    def transaction_ended(self, connector: int) -> int:
        """The connector's `TxProfile`s were for the transaction that has ended; return how many went."""
        return self._remove(lambda each: each.connector == connector and each.profile.purpose is Purpose.TX)

    def _remove(self, goes: Callable[[Installed], bool]) -> int:
        before = len(self._installed)
        self._installed = [each for each in self._installed if not goes(each)]
        return before - len(self._installed)

    # --- what they leave ---------------------------------------------------------------------------------------

    def phases(self, connector: int, utc_s: int, running: Running | None) -> tuple[int | None, int]:
        """Return with how many phases the connector shall charge at ``utc_s`` (``None``: no profile says), and until when."""
        began_s, until_s = running.began_utc_s if running else None, FOREVER_S
        for profile in self._own(connector, running):
            period, ends_s = profile.segment(utc_s, began_s)
            until_s = min(until_s, ends_s)
            if period is not None:
                return period.phases, until_s
        return None, until_s

    def composite(
        self,
        connector: int,
        utc_s: int,
        duration_s: int,
        running: Running | None,
        electrics: Electrics,
        most: int = COMPOSITE_PERIODS,
    ) -> Composite:
        """Return the composite schedule from ``utc_s`` on, exact to the second, equal neighbours joined, ``most`` periods long at most.

        For connector 0 only the `ChargePointMaxProfile`s count. Each boundary of a profile is looked at once, in the order of
        time, where it can matter, and of all together ``BOUNDARIES`` at most: beyond that the composite reaches less far.
        """
        own = [] if connector == STATION else self._own(connector, running)
        began_s = running.began_utc_s if running else None
        sweep = _Sweep(((self._of(Purpose.CHARGE_POINT_MAX, STATION), None), (own, began_s)), electrics)
        periods: list[CompositePeriod] = []
        at_s = utc_s
        while at_s < utc_s + duration_s:
            value, until_s = sweep.at(at_s)
            if sweep.looked_at > BOUNDARIES:
                return Composite(tuple(periods), at_s - utc_s)
            if not periods or periods[-1].current_ma != value:
                if len(periods) == most:
                    return Composite(tuple(periods), at_s - utc_s)
                periods.append(CompositePeriod(at_s - utc_s, value))
            at_s = until_s
        return Composite(tuple(periods), duration_s)

    def _own(self, connector: int, running: Running | None) -> list[ChargingProfile]:
        """Profiles for the transaction of a connector, the ones that go first first; those of nobody's transaction say nothing."""
        defaults = self._of(Purpose.TX_DEFAULT, connector)
        return defaults if running is None else [*self._of(Purpose.TX, connector), *defaults]

    def _of(self, purpose: Purpose, connector: int) -> list[ChargingProfile]:
        """Profiles of a purpose for a connector, the ones that go first first."""
        fitting = [each for each in self._installed if each.profile.purpose is purpose and _is_for(each, connector)]
        fitting.sort(key=lambda each: (-each.profile.stack_level, each.connector == STATION))
        return [each.profile for each in fitting]


class _Entry:
    """A profile while a composite is made: what it allows (``None``: it is not active), until when that holds."""

    __slots__ = ("_began_s", "_electrics", "_profile", "allowed_ma", "until_s")

    def __init__(self, profile: ChargingProfile, began_s: int | None, electrics: Electrics) -> None:
        self._profile, self._began_s, self._electrics = profile, began_s, electrics
        self.allowed_ma: int | None = None
        self.until_s = -FOREVER_S

    def pass_to(self, at_s: int) -> None:
        period, self.until_s = self._profile.segment(at_s, self._began_s)
        unit = self._profile.schedule.unit
        self.allowed_ma = None if period is None else current_ma(unit, period.limit, self._electrics)


class _Sweep:
    """Goes through time from boundary to boundary. Each group is a list of profiles, the ones that go first first, and the
    start of their transaction; at each time the first active profile of a group rules it, and the lowest group the whole.
    """

    def __init__(self, groups: Iterable[tuple[Sequence[ChargingProfile], int | None]], electrics: Electrics) -> None:
        self.looked_at = 0
        """Boundaries so far."""
        self._groups = [[_Entry(each, began_s, electrics) for each in profiles] for profiles, began_s in groups]

    def at(self, at_s: int) -> tuple[int | None, int]:
        """Return the milliamperes per phase that are allowed (``None`` where no profile is active), and until when. Never goes back."""
        lowest: int | None = None
        until_s = FOREVER_S
        for entries in self._groups:
            for entry in entries:
                if entry.until_s <= at_s:
                    entry.pass_to(at_s)
                    self.looked_at += 1
                until_s = min(until_s, entry.until_s)
                if entry.allowed_ma is not None:
                    lowest = entry.allowed_ma if lowest is None else min(lowest, entry.allowed_ma)
                    break
        return lowest, until_s


def _is_for(each: Installed, connector: int) -> bool:
    return each.connector == connector or (each.connector == STATION and each.profile.purpose is Purpose.TX_DEFAULT)


def _replaces(connector: int, profile: ChargingProfile, each: Installed) -> bool:
    same_place = (each.connector, each.profile.purpose, each.profile.stack_level) == (
        connector,
        profile.purpose,
        profile.stack_level,
    )
    return same_place or each.profile.profile_id == profile.profile_id


def schedule_of(
    periods: tuple[CompositePeriod, ...], unit: RateUnit, electrics: Electrics, otherwise_ma: int
) -> Schedule:
    """Return a composite as `ChargingSchedule` in ``unit``; where no profile limits, the station's ``otherwise_ma`` does."""
    made: list[Period] = []
    for start_s, amount_ma in periods:
        limit_ma = otherwise_ma if amount_ma is None else min(amount_ma, otherwise_ma)
        if unit is RateUnit.AMPERE:
            limit = limit_ma * TENTHS // 1_000
        else:
            limit = limit_ma * electrics.voltage_mv * electrics.phases * TENTHS // 1_000_000
        if not made or made[-1].limit != limit:
            made.append(Period(start_s, limit, electrics.phases))
    return Schedule(unit, tuple(made))
