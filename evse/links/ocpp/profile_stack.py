"""The charging profiles a station holds, and what they leave (OCPP 1.6, chapter 3.13: stacking, combining, composite).

At each second, for one connector:

- of the purpose `TxProfile`, and without an active one of `TxDefaultProfile`, the active profile with the highest stack
  level rules; a profile of the connector itself goes before one of connector 0 with the same level;
- `ChargePointMaxProfile` rules the whole station the same way;
- the connector may have the lower of the two.

A profile with the id of an installed one replaces it, and so does one with the same purpose, level and connector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


class Allowed(NamedTuple):
    """A composite at one instant: milliamperes per phase (``None``: no profile limits), and until when it holds."""

    current_ma: int | None
    until_utc_s: int


class CompositePeriod(NamedTuple):
    """From ``start_s`` on, counted from the composite's beginning."""

    start_s: int
    current_ma: int | None


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

    def allowed(self, connector: int, utc_s: int, running: Running | None, electrics: Electrics) -> Allowed:
        """Return what ``connector`` may draw at ``utc_s``; for connector 0 only the `ChargePointMaxProfile`s count."""
        found = [self._ruling(self._of(Purpose.CHARGE_POINT_MAX, STATION), utc_s, None, electrics)]
        if connector != STATION:
            own = self._ruling(self._of(Purpose.TX, connector), utc_s, running, electrics) if running else None
            if own is None or own.current_ma is None:
                default = self._ruling(self._of(Purpose.TX_DEFAULT, connector), utc_s, running, electrics)
                until_s = default.until_utc_s if own is None else min(default.until_utc_s, own.until_utc_s)
                own = Allowed(default.current_ma, until_s)
            found.append(own)
        values = [each.current_ma for each in found if each.current_ma is not None]
        return Allowed(min(values, default=None), min(each.until_utc_s for each in found))

    def phases(self, connector: int, utc_s: int, running: Running | None) -> tuple[int | None, int]:
        """Return with how many phases the connector shall charge at ``utc_s`` (``None``: no profile says), and until when."""
        began_s, until_s = running.began_utc_s if running else None, FOREVER_S
        purposes = (Purpose.TX, Purpose.TX_DEFAULT) if running else (Purpose.TX_DEFAULT,)
        for profile in (each for purpose in purposes for each in self._of(purpose, connector)):
            period, ends_s = profile.segment(utc_s, began_s)
            until_s = min(until_s, ends_s)
            if period is not None:
                return period.phases, until_s
        return None, until_s

    def composite(
        self, connector: int, utc_s: int, duration_s: int, running: Running | None, electrics: Electrics
    ) -> tuple[CompositePeriod, ...]:
        """Return the composite schedule from ``utc_s`` on, exact to the second, equal neighbours joined."""
        periods: list[CompositePeriod] = []
        at_s, end_s = utc_s, utc_s + duration_s
        while at_s < end_s and len(periods) < COMPOSITE_PERIODS:
            allowed = self.allowed(connector, at_s, running, electrics)
            if not periods or periods[-1].current_ma != allowed.current_ma:
                periods.append(CompositePeriod(at_s - utc_s, allowed.current_ma))
            at_s = allowed.until_utc_s
        return tuple(periods)

    def _of(self, purpose: Purpose, connector: int) -> Iterator[ChargingProfile]:
        """Profiles of a purpose for a connector, the ones that go first first."""
        fitting = [each for each in self._installed if each.profile.purpose is purpose and _is_for(each, connector)]
        fitting.sort(key=lambda each: (-each.profile.stack_level, each.connector == STATION))
        return (each.profile for each in fitting)

    @staticmethod
    def _ruling(
        profiles: Iterator[ChargingProfile], utc_s: int, running: Running | None, electrics: Electrics
    ) -> Allowed:
        until_s = FOREVER_S
        for profile in profiles:
            period, ends_s = profile.segment(utc_s, running.began_utc_s if running else None)
            until_s = min(until_s, ends_s)
            if period is not None:
                return Allowed(current_ma(profile.schedule.unit, period.limit, electrics), until_s)
        return Allowed(None, until_s)


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
