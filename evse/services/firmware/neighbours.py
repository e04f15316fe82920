"""A master brings its slaves to its own confirmed version (*THØR/KEBA P30 configuration manual 120501*, 6.2).

``UpdatePlan`` decides what to do now: ask a slave how its firmware stands, send it the package, or wait. It looks at what
is, again and again, and keeps no list of things to do: whatever power cut or network takes away, the next look finds.
Nothing is sent to a slave that has not said within ``FRESH_US`` that it could take it: a slave with a vehicle plugged in, on
trial, with a newer version, of another product, or where this version has failed is left alone. One package goes out at a
time, and every package to the same slave makes the pause before the next one longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from evse.core.units import HOUR, MINUTE, SECOND
from evse.records import dataclass
from evse.services.firmware.manifest import Manifest, version_order
from evse.services.firmware.service import FirmwareState

LOOK_US: Final = 5 * SECOND
"""Between two questions to a slave."""
SILENT_LOOK_US: Final = 2 * MINUTE
"""At most, to one that does not answer."""
FRESH_US: Final = 3 * SECOND
PAUSE_US: Final = 10 * SECOND
"""Between the first package and the second to the same slave; doubled each time up to ``LONGEST_US``."""
LONGEST_US: Final = HOUR
TEXT_LIMIT: Final = 64
_FLAGS: Final = ("trial", "plugged")
_TEXTS: Final = ("serial", "product", "version", "staged", "returned")


@dataclass(frozen=True, slots=True)
class Told:
    """What a slave says of itself. ``version``: the confirmed one; ``floor``: the least rollback number it takes.

    ``trial``: it tries a version. ``returned``: version whose trial failed there last. ``plugged``: a vehicle is plugged in, or nobody
    there knows.
    """

    serial: str
    product: str
    version: str
    floor: int
    staged: str
    trial: bool
    returned: str
    plugged: bool


def told(serial: str, product: str, state: FirmwareState, plugged: bool) -> Told:
    """What a station tells its master."""
    return Told(
        serial, product, state.confirmed, state.floor, state.staged, state.trial, state.returned, plugged=plugged
    )


def told_of(value: object) -> Told:
    """What somebody in the network has told. Raises ``ValueError`` for everything but what ``told`` gives."""
    if not isinstance(value, dict) or value.keys() != {*_TEXTS, *_FLAGS, "floor"}:
        raise ValueError("not what a slave says of itself")
    texts, flags, floor = [value[key] for key in _TEXTS], [value[key] for key in _FLAGS], value["floor"]
    good = all(isinstance(each, str) and len(each) <= TEXT_LIMIT and each.isprintable() for each in texts)
    if not good or not all(isinstance(each, bool) for each in flags) or type(floor) is not int:
        raise ValueError("not what a slave says of itself")
    return Told(**value)


class Standing(StrEnum):
    """How a slave stands to the master's version, in words for people."""

    UNKNOWN = "not asked yet"
    AWAY = "does not answer"
    UP_TO_DATE = "up to date"
    NEWER = "has a newer version"
    OTHER_PRODUCT = "is another product"
    WITHDRAWN = "takes no version that old any more"
    FAILED = "has tried this version, which did not work there"
    ON_TRIAL = "tries a new version"
    PLUGGED = "waits until no vehicle is plugged in"
    BEHIND = "gets the new version"
    NO_OFFER = "keeps its version: this station has no confirmed package to hand on"


def standing(slave: Told, offer: Manifest | None) -> Standing:
    """How a slave stands to what the master has. ``BEHIND`` alone means that a package is sent."""
    if offer is None:
        return Standing.NO_OFFER
    if slave.product != offer.product:
        return Standing.OTHER_PRODUCT
    if slave.trial:
        return Standing.ON_TRIAL
    if slave.version == offer.version:
        return Standing.UP_TO_DATE
    if version_order(slave.version) > version_order(offer.version):
        return Standing.NEWER
    if slave.floor > offer.rollback:
        return Standing.WITHDRAWN
    if slave.returned == offer.version:
        return Standing.FAILED
    return Standing.PLUGGED if slave.plugged else Standing.BEHIND


class Ask(NamedTuple):
    """Ask this slave how it stands."""

    serial: str


class Send(NamedTuple):
    """Send this slave the package."""

    serial: str


class Rest(NamedTuple):
    """Nothing to do until then (microseconds of the plan's clock)."""

    until_us: int


Step: TypeAlias = Ask | Send | Rest


@dataclass(frozen=True, slots=True)
class SlaveFinding:
    """How the firmware of one slave stands, for people. ``version``: empty while unknown; ``note``: what went wrong last."""

    serial: str
    version: str
    standing: Standing
    note: str = ""


@dataclass(slots=True)
class _Slave:
    look_us: int
    """When to ask next."""
    told: Told | None = None
    told_us: int = 0
    silent: int = 0
    sent: int = 0
    """Packages since it was up to date last, or since the version is another one."""
    send_us: int = 0
    """Not before then the next one."""
    note: str = field(default="")


class UpdatePlan:
    """See the module. Pure: time is an argument; ``now_us`` on a clock that only rises."""

    def __init__(self) -> None:
        self._slaves: dict[str, _Slave] = {}
        self._offer: Manifest | None = None

    def use(self, now_us: int, serials: Iterable[str], offer: Manifest | None) -> None:
        """From now on these are the slaves, and this is what they are to have; ``None``: nothing."""
        self._slaves = {serial: self._slaves.get(serial) or _Slave(now_us) for serial in serials}
        if offer != self._offer:
            self._offer = offer
            for slave in self._slaves.values():
                slave.look_us, slave.sent, slave.send_us, slave.note = now_us, 0, now_us, ""

    def next(self, now_us: int) -> Step:
        """What to do now. What came of it is told by ``answered``, ``silent`` or ``sent`` before the next question."""
        for serial, slave in self._slaves.items():
            if not self._behind(slave) or now_us < slave.send_us:
                continue
            if now_us - slave.told_us <= FRESH_US:
                return Send(serial)
            slave.look_us = min(slave.look_us, now_us)
        for serial, slave in self._slaves.items():
            if slave.look_us <= now_us:
                return Ask(serial)
        return Rest(min((slave.look_us for slave in self._slaves.values()), default=now_us + LOOK_US))

    def answered(self, now_us: int, serial: str, said: Told) -> None:
        """A slave has said how it stands."""
        slave = self._slaves.get(serial)
        if slave is None:
            return
        if said.serial != serial:
            self.silent(now_us, serial, f"the station {said.serial} answers there")
            return
        slave.told, slave.told_us, slave.silent = said, now_us, 0
        slave.look_us = now_us + LOOK_US
        if standing(said, self._offer) in (Standing.UP_TO_DATE, Standing.NEWER):
            slave.sent, slave.send_us, slave.note = 0, now_us, ""

    def silent(self, now_us: int, serial: str, why: str) -> None:
        """A slave has not said how it stands."""
        slave = self._slaves.get(serial)
        if slave is None:
            return
        slave.told, slave.note = None, why
        slave.look_us = now_us + min(LOOK_US << min(slave.silent, 10), SILENT_LOOK_US)
        slave.silent += 1

    def sent(self, now_us: int, serial: str, problem: str = "", wait_us: int = 0) -> None:
        """A package has gone to a slave. ``problem``: why nothing came of it; ``wait_us``: how long the slave wants to be left alone."""
        slave = self._slaves.get(serial)
        if slave is None:
            return
        pause_us = max(PAUSE_US << min(slave.sent, 10), wait_us)
        slave.send_us = now_us + min(pause_us, LONGEST_US)
        slave.sent += 1
        slave.note = problem
        slave.look_us = now_us + LOOK_US

    def findings(self) -> tuple[SlaveFinding, ...]:
        """How every slave stands."""
        return tuple(self._finding(serial, slave) for serial, slave in self._slaves.items())

    def busy(self) -> bool:
        """Whether some slave is to get the package, now or when its pause is over."""
        return any(map(self._behind, self._slaves.values()))

    def _behind(self, slave: _Slave) -> bool:
        return slave.told is not None and standing(slave.told, self._offer) is Standing.BEHIND

    def _finding(self, serial: str, slave: _Slave) -> SlaveFinding:
        if slave.told is None:
            return SlaveFinding(serial, "", Standing.AWAY if slave.silent else Standing.UNKNOWN, slave.note)
        return SlaveFinding(serial, slave.told.version, standing(slave.told, self._offer), slave.note)


def chosen(
    wanted: int, named: Sequence[str], found: Iterable[str], before: Iterable[str] = ()
) -> tuple[tuple[str, ...], str]:
    """Which stations are the slaves, and what is wrong with that, empty when nothing is.

    ``named``: serial numbers of the settings; without one as many as are ``wanted`` are taken of those that are ``found`` now, by
    their serial numbers, and where there are too few, of those ``before``, which may only be restarting.
    """
    if named:
        return tuple(named), ""
    present = sorted(set(found))
    away = [each for each in sorted(set(before)) if each not in present]
    slaves = tuple((present + away)[:wanted])
    if len(present) > wanted:
        more = ", ".join(present[wanted:][:3])
        return slaves, f"{len(present)} slaves are found, {wanted} are set: left alone {more}; name the right ones"
    return slaves, f"{len(present)} of {wanted} slaves are found" if len(present) < wanted else ""
