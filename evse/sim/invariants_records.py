"""Invariants of sessions and records against the world's energy: T1, T3.

Energy through a welded contact that nobody orders closed belongs to no session and is left out of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evse.core.units import NJ_PER_WH, SECOND
from evse.records import dataclass
from evse.sim.invariants_base import DISK, OPEN_ON_LEASE_US, Moment, Violation
from evse.sim.station import ClosedSession, OutletFacts

TOLERANCE_WH: Final = 1
"""Energy balance: one watt-hour per record, because a record is the difference of two whole register readings ..."""
METER_TOLERANCE_WH: Final = 3
"""With a meter of its own: its last digit at the beginning and at the end, and what flows between two of its readings ..."""
MEASURING_PER_MILLE: Final = 1
"""... and this much of the record for the resolution of the front end's currents and the delay of its readings."""
STALE_READING_US: Final = 250_000
"""A front end that falls silent while it holds or opens is missed 200 ms after its last STATE; until then its last reading
counts."""
RECORD_TIME_US: Final = 10 * SECOND
"""A session without a record and no longer open is lost only after this long: a store may be slow."""


@dataclass(slots=True)
class _Interval:
    begin_us: int
    begin_nj: int
    session: str | None = None
    alone_since_us: int | None = None
    """Since when no session is open any more."""
    told: bool = False


class ClosedIntervalsBelongToOneSession:
    """T1. Every closed interval with energy belongs to exactly one session, and that to exactly one record."""

    name = "T1"

    def __init__(self) -> None:
        self._open: dict[int, _Interval] = {}
        self._sessions: dict[str, int] = {}
        """Outlet of every session that energy belongs to."""
        self._unrecorded: dict[str, int | None] = {}
        """Those of them without a record, with the time since when they are not open any more."""
        self._records_of: dict[str, int] = {}
        self._records_seen = 0

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            yield from self._follow(moment, facts)
        yield from self._records(moment, at_end=False)

    def _follow(self, moment: Moment, facts: OutletFacts) -> Iterator[Violation]:
        number, truth = facts.number, facts.truth
        interval = self._open.get(number)
        if not facts.held:
            self._open.pop(number, None)
            return
        if interval is None:
            interval = self._open[number] = _Interval(moment.now_us, truth.energy_nj)
        names = [session.session_id for session in moment.sessions(number)]
        if len(names) == 1 and interval.session in (None, names[0]):
            interval.session, interval.alone_since_us = names[0], None
            if names[0] not in self._sessions:
                self._sessions[names[0]] = number
                self._unrecorded[names[0]] = None
            return
        if interval.alone_since_us is None:
            interval.alone_since_us = moment.now_us
        energy = truth.energy_nj > interval.begin_nj
        # A session may close while the contact is still falling: its record was written on the order to open.
        ending = not names and moment.now_us - interval.alone_since_us <= OPEN_ON_LEASE_US
        if energy and not interval.told and not ending:
            interval.told = True
            what = f"energy flows with {len(names)} open sessions ({', '.join(names) or 'none'})"
            yield Violation(self.name, moment.now_us, number, what)

    def _records(self, moment: Moment, *, at_end: bool) -> Iterator[Violation]:
        for record in moment.records[self._records_seen :]:
            name = record.session_id
            count = self._records_of[name] = self._records_of.get(name, 0) + 1
            self._unrecorded.pop(name, None)
            if count == 2 and name in self._sessions:
                yield Violation(self.name, moment.now_us, self._sessions[name], f"session {name} has a second record")
        self._records_seen = len(moment.records)
        for name, since in list(self._unrecorded.items()):
            number = self._sessions[name]
            if name in self._records_of:
                del self._unrecorded[name]
            elif any(session.session_id == name for session in moment.sessions(number)):
                self._unrecorded[name] = None
            elif since is None and not at_end:
                self._unrecorded[name] = moment.now_us
            elif at_end or moment.now_us - (since or 0) > RECORD_TIME_US:
                del self._unrecorded[name]
                yield Violation(self.name, moment.now_us, number, f"session {name} has no record")

    def finish(self, moment: Moment) -> Iterator[Violation]:
        yield from self._records(moment, at_end=True)

    def pending(self) -> bool:
        return any(interval.alone_since_us is not None and not interval.told for interval in self._open.values())


class RecordsBalanceWithTheWorld:
    """T3. A record's energy is what really flowed in its session, within 1 Wh and 1 per mille.

    An outlet that meters by current transformers alone does not know the voltage: there it is current times the voltage setting.
    While a meter of its own may have been lost, it is something between the two.
    A session cut by a power failure may lack what flowed since its last durable reading, at most ``checkpoint_us`` ago,
    and what flowed while the disk was full or slow.
    What flows between the loss of the front end, with its meter, and the end of the lease is not measured: a record may
    lack that too, never more.
    """

    name = "T3"

    def __init__(self) -> None:
        self._last_nj: dict[int, int] = {}
        self._flow: dict[int, tuple[int, int]] = {}
        """What flowed since the last moment: power by the voltage setting, and real power."""
        self._unsure: dict[str, int] = {}
        """Energy by which setting and truth differ in sessions metered by either."""
        self._of_session: dict[str, int] = {}
        self._power_limit_uw: dict[str, int] = {}
        self._charged: dict[int, str] = {}
        self._told: dict[str, bool] = {}
        self._unmeasured: dict[str, int] = {}
        self._blind: dict[int, bool] = {}
        self._alone: dict[int, bool] = {}
        """Whether since the last moment a weld alone has kept a contact closed."""
        self._welded: dict[str, int] = {}
        self._undurable: dict[str, int] = {}
        self._cut_off: set[str] = set()

    def check(self, moment: Moment) -> Iterator[Violation]:
        for facts in moment.outlets:
            self._add(moment, facts)
            said = moment.outlet_claims(facts.number)
            self._blind[facts.number] = said is not None and not said.link_ok
        for record in moment.records[len(self._told) :]:
            self._told[f"{record.number}"] = True
            yield from self._judge(moment, record)

    def _add(self, moment: Moment, facts: OutletFacts) -> None:
        number, truth = facts.number, facts.truth
        energy = truth.energy_nj - self._last_nj.get(number, 0)
        self._last_nj[number] = truth.energy_nj
        alone = self._alone.get(number, False)
        self._alone[number] = any(contact.welded and not contact.coil for contact in facts.contacts)
        by_setting = self._by_setting(moment, facts, energy)
        sessions = moment.sessions(number)
        if sessions:
            self._charged[number] = sessions[0].session_id
        name = self._charged.get(number)
        if name is None:
            return
        if moment.config.outlets[number - 1].meter:
            self._unsure[name] = self._unsure.get(name, 0) + abs(by_setting - energy)
        else:
            energy = by_setting
        if alone:
            self._welded[name] = self._welded.get(name, 0) + energy
            return
        self._of_session[name] = self._of_session.get(name, 0) + energy
        if self._blind.get(number, False):
            self._unmeasured[name] = self._unmeasured.get(name, 0) + energy
        if moment.cut_off:
            self._cut_off.add(name)
        if DISK in moment.disturbances:
            self._undurable[name] = self._undurable.get(name, 0) + energy
        self._power_limit_uw[name] = max(self._power_limit_uw.get(name, 0), *self._flow[number])

    def _by_setting(self, moment: Moment, facts: OutletFacts, energy: int) -> int:
        """What the outlet's transformers make of ``energy``, which has flowed since the last moment."""
        number, truth = facts.number, facts.truth
        set_uw, real_uw = self._flow.get(number, (0, 0))
        set_mv = (moment.config.nominal_voltage_mv,) * 3
        if not moment.config.outlets[number - 1].voltage_from_setting:
            set_mv = truth.voltages_mv
        self._flow[number] = (
            sum(i * u for i, u in zip(truth.currents_ma, set_mv, strict=True)),
            sum(i * u for i, u in zip(truth.currents_ma, truth.voltages_mv, strict=True)),
        )
        return energy * set_uw // real_uw if real_uw else energy

    def _judge(self, moment: Moment, record: ClosedSession) -> Iterator[Violation]:
        real = self._of_session.get(record.session_id, 0)
        low = record.energy_wh * NJ_PER_WH
        high = low + self._unmeasured.get(record.session_id, 0)
        if record.interrupted:
            high += self._undurable.get(record.session_id, 0)
            high += self._power_limit_uw.get(record.session_id, 0) * moment.config.checkpoint_us // 1_000
        metered = bool(moment.config.outlets[record.outlet - 1].meter)
        tolerance = (METER_TOLERANCE_WH if metered else TOLERANCE_WH) * NJ_PER_WH
        tolerance += self._unsure.get(record.session_id, 0) + low * MEASURING_PER_MILLE // 1_000
        # What the meter sees through a welded contact while the session is open is on its record.
        most = real + self._welded.get(record.session_id, 0)
        stale_us = STALE_READING_US if record.session_id in self._cut_off else 0
        low -= self._power_limit_uw.get(record.session_id, 0) * stale_us // 1_000
        if most < low - tolerance or real > high + tolerance:
            what = f"record {record.number} says {record.energy_wh} Wh, really {real / NJ_PER_WH:.3f} Wh flowed"
            yield Violation(self.name, moment.now_us, record.outlet, what)

    def finish(self, moment: Moment) -> Iterator[Violation]:
        yield from self.check(moment)

    def pending(self) -> bool:
        return False
