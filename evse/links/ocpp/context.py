"""What the parts of a charge point share: state, and the ways out (requests, commands, writes).

Everything is pure: time is an argument, and what is to be done stands in lists until the owner takes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from evse.core.commands import Command
from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import OutletView, StationView
from evse.links.ocpp.certificates import CertificateStore
from evse.links.ocpp.connector_status import (
    NO_ERROR,
    RESET_FAILURE,
    ConnectorWatch,
    StatusReport,
    StatusTeller,
    station_report,
)
from evse.links.ocpp.file_work import Files, WorkStates
from evse.links.ocpp.id_tags import IdCache, IdTagInfo, LocalList
from evse.links.ocpp.keeping import Keeping
from evse.links.ocpp.keys import Keys
from evse.links.ocpp.link import Link
from evse.links.ocpp.outbox import Outbox
from evse.links.ocpp.profile_stack import ProfileStack
from evse.links.ocpp.profile_stack import Running as ProfileRunning
from evse.links.ocpp.remembered import Marks, Reservation, Running
from evse.links.ocpp.requests import Requests
from evse.links.ocpp.security_events import INFO_LIMIT, TYPE_LIMIT, SecurityEvents, Waiting
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings, station_keys
from evse.links.ocpp.stamps import stamp
from evse.links.ocpp.vendor_keys import NoVendorKeys, VendorKeys
from evse.records import dataclass
from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Instant
from evse.services.journal import Checkpoint, KeepDocument, Write
from evse.services.supervision import SupervisionAnswer

_log = logging.getLogger(__name__)
ANSWER_US: Final = 10 * SECOND
"""How long the station may take to obey a command, and so the central system waits for an answer."""
VIEW_GRACE_US: Final = 5 * SECOND
"""A control that is silent for so long is being started again: until then the last Snapshot counts."""
SETTLED_US: Final = SECOND
"""So soon after its start control has looked at all that is plugged in."""
GROUPS_KEPT: Final = 32
KEPT_WITHIN_US: Final = 20 * SECOND
"""A request whose change is not durable after this is refused."""

Reply = Callable[[Mapping[str, Any]], None]
"""Answers the request that is being handled, now or later, once."""


class Outcome(NamedTuple):
    """What became of a command."""

    outcome: str
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether it was obeyed."""
        return self.outcome == "done"


def _nothing() -> None:
    return None


OnOutcome = Callable[[int, Outcome], None]


def ignore_outcome(_now_us: int, _outcome: Outcome) -> None:
    """For a command whose end changes nothing."""


@dataclass(slots=True)
class _Wait:
    check: Callable[[int], bool]
    deadline_us: int
    at_deadline: Callable[[int], None]


class Context:
    """State of one charge point."""

    def __init__(self, settings: SupervisionSettings, identity: StationIdentity, token: str) -> None:
        """``token`` makes message and command ids unique over starts of the services."""
        self.settings = settings
        self.identity = identity
        self.token = token
        self.keys = Keys(station_keys(settings, identity))
        self.link = Link()
        self.requests = Requests(token)
        self.outbox = Outbox()
        self.cache = IdCache()
        self.local_list = LocalList()
        self.profiles = ProfileStack()
        self.reservations: dict[int, Reservation] = {}
        self.running: dict[int, Running] = {}
        self.watches = {number: ConnectorWatch() for number in identity.outlets}
        self.tellers = {number: StatusTeller() for number in (0, *identity.outlets)}
        self.reports: dict[int, StatusReport] = {}
        self.view: StationView | None = None
        self.view_ends_us = NEVER
        self.boot_id = ""
        self.states = WorkStates()
        self.files = Files()
        self.certificates = CertificateStore()
        self.security_events = SecurityEvents()
        self.vendor_keys: VendorKeys = NoVendorKeys()
        self.certificate_noted: Callable[[str], None] = lambda _detail: None
        """Is told what the central system has changed about certificates, for the station's security log."""
        self.restart = ""
        """Kind of the reset that is to be carried out now."""
        self.resetting = ""
        """Kind of the reset that is on its way: nobody may begin."""
        self.commands: list[Command] = []
        self.card_answers: list[tuple[str, SupervisionAnswer]] = []
        self.writes: list[Write] = []
        self.keeping = Keeping()
        self._clock: ClockMapping = NO_CLOCK
        self._adopted: ClockMapping | None = None
        self._commanded: dict[str, tuple[OnOutcome, int]] = {}
        self._command_count = 0
        self._waits: list[_Wait] = []
        self.now_us = 0
        """The time of this step, for answers that come without one."""
        self.marks = Marks()
        self.connection = 0
        """Counts connections: an answer belongs to the one that asked."""

    # --- time ---------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> ClockMapping:
        """The mapping to UTC: the station's own, or the central system's time while the station's is worth less."""
        adopted = self._adopted
        if adopted is None or adopted.boot_id != self.boot_id or self._clock.quality is ClockQuality.SYNCHRONISED:
            return self._clock
        return adopted

    @clock.setter
    def clock(self, mapping: ClockMapping) -> None:
        self._clock = mapping

    def adopt_time(self, now_us: int, utc_us: int) -> None:
        """The central system has said what time it is."""
        if self._clock.quality is not ClockQuality.SYNCHRONISED:
            self._adopted = ClockMapping(self.boot_id, now_us, utc_us, ClockQuality.SET, self._clock.clock_id)

    def utc_us(self, now_us: int) -> int | None:
        """UTC at ``now_us``, ``None`` while nobody knows."""
        return self.clock.instant(self.boot_id, now_us).utc_us

    def utc_s(self, now_us: int) -> int:
        """UTC in whole seconds for schedules; while nobody knows the time, seconds of the monotonic clock."""
        utc_us = self.utc_us(now_us)
        return (now_us if utc_us is None else utc_us) // SECOND

    def now_text(self, now_us: int) -> str:
        """A `dateTime` for now. Without a clock: the beginning of the epoch, which nobody takes for a time."""
        return stamp(self.utc_us(now_us) or 0)

    def instant(self, now_us: int) -> Instant:
        """Now, to be kept."""
        return self.clock.instant(self.boot_id, now_us)

    # --- the station --------------------------------------------------------------------------------------------

    def outlet(self, connector: int) -> OutletView | None:
        """How an outlet is; ``None`` while control does not answer."""
        outlets = self.view.outlets if self.view is not None else ()
        return next((each for each in outlets if each.number == connector), None)

    def report_all(self) -> None:
        """Derive every connector's status from the newest Snapshot."""
        view = self.view
        settled = view is None or view.mono_us >= view.started_us + SETTLED_US
        for number, watch in self.watches.items():
            self.reports[number] = watch.report(self.outlet(number), settled=settled)
        report = station_report([self.reports[number] for number in self.watches])
        failed = self.boot_id and self.marks.failed_reset == self.boot_id and report.error_code == NO_ERROR
        self.reports[0] = report._replace(error_code=RESET_FAILURE) if failed else report

    def connector_of(self, transaction_id: int) -> int | None:
        """The connector at which a transaction runs."""
        for connector, running in self.running.items():
            if self.outbox.transaction_ids.get(running.session_id) == transaction_id:
                return connector
        return None

    def profile_running(self, connector: int, now_us: int) -> ProfileRunning | None:
        """The connector's transaction as charging profiles need it."""
        running = self.running.get(connector)
        if running is None:
            return None
        transaction_id = self.outbox.transaction_ids.get(running.session_id)
        began = running.began
        if began.boot_id == self.boot_id:
            return ProfileRunning(transaction_id, self.utc_s(began.mono_us))
        return ProfileRunning(transaction_id, self.utc_s(now_us) if began.utc_us is None else began.utc_us // SECOND)

    def in_session(self, connector: int) -> bool:
        """Whether somebody uses the outlet."""
        outlet = self.outlet(connector)
        return outlet is not None and outlet.session is not None

    # --- ids ----------------------------------------------------------------------------------------------------

    def known_tag(self, tag: str, now_us: int) -> IdTagInfo | None:
        """What the local list, else the cache, says of an id; ``None``: unknown."""
        utc_us = self.utc_us(now_us)
        if self.keys.flag("LocalAuthListEnabled"):
            info = self.local_list.get(tag, utc_us)
            if info is not None:
                return info
        return self.cache.get(tag, utc_us) if self.keys.flag("AuthorizationCacheEnabled") else None

    def learn_tag(self, tag: str, info: IdTagInfo) -> None:
        """The central system has said something of an id: remembered unless the local list says it (OCPP 1.6, 3.5.1)."""
        groups = self.marks.groups
        groups[tag.lower()] = info.parent
        groups.move_to_end(tag.lower())
        while len(groups) > GROUPS_KEPT:
            groups.popitem(last=False)
        entry = self.local_list.get(tag, None) if self.keys.flag("LocalAuthListEnabled") else None
        listed = entry is not None
        if entry is not None and info.status != "ConcurrentTx":
            conflicts, known = self.marks.conflicts, self.marks.conflicts.pop(tag.lower(), "")
            if info.status != entry.status:
                conflicts[tag.lower()] = info.status
                while len(conflicts) > GROUPS_KEPT:
                    conflicts.popitem(last=False)
            if info.status not in (entry.status, known):
                self._tell_conflict(tag)
        # Busy elsewhere says nothing of tomorrow.
        if info.status == "ConcurrentTx" or listed or not self.keys.flag("AuthorizationCacheEnabled"):
            return
        if self.cache.put(tag, info):
            self.keep("cache", self.cache.text())

    def _tell_conflict(self, tag: str) -> None:
        """The central system says of an id what its own list does not (OCPP 1.6, 3.5.2)."""
        status = {"connectorId": 0, "errorCode": "LocalListConflict", "status": self.reports[0].status.value}
        self.requests.ask("StatusNotification", {**status, "info": tag[:20]})

    # --- ways out -----------------------------------------------------------------------------------------------

    def command_id(self) -> str:
        """A new id."""
        self._command_count += 1
        return f"ocpp-{self.token}-{self._command_count}"

    def command(self, now_us: int, command: Command, then: OnOutcome = ignore_outcome) -> None:
        """Post a command; ``then`` is called once, with ``expired`` when nobody answers in time."""
        self._commanded[command.command_id] = (then, now_us + ANSWER_US)
        self.commands.append(command)

    def command_done(self, now_us: int, command_id: str, outcome: Outcome) -> None:
        """Control has answered a command."""
        found = self._commanded.pop(command_id, None)
        if found is not None:
            found[0](now_us, outcome)

    def take_along(self) -> list[Write]:
        """Everything that is to be committed, for a commit with what an event makes durable; each is handed out once."""
        writes, self.writes = self.writes, []
        return [*writes, *self._with_readings(self.keeping.take_along())]

    def take_writes(self, now_us: int) -> list[Write]:
        """What is to be committed now; when that is durable, ``keeping`` is to be told."""
        writes, self.writes = self.writes, []
        return [*writes, *self._with_readings(self.keeping.take(now_us, anyway=bool(writes)))]

    def _with_readings(self, documents: list[KeepDocument]) -> list[Write]:
        waiting = self.marks.readings
        return [*(waiting.pop(each.name) for each in documents if each.name in waiting), *documents]

    def keep_reading(self, name: str, reading: Checkpoint, then: Callable[[], None]) -> bool:
        """Make a reading durable in its turn, then call ``then``; at once when the register stands where it did. False: too many wait."""
        self.marks.readings[name] = reading
        kept = self.keeping.put(name, f"{reading.session_id} {reading.register_wh}", then)
        if not self.keeping.waits(name):
            del self.marks.readings[name]
        return kept

    def keep(self, name: str, text: str) -> None:
        """Make a text durable under a name, with the next commit."""
        self.keeping.keep(name, text)

    def keep_in_turn(self, name: str, text: str) -> None:
        """Make a text durable that a central system can cause in a flood, and that may be lost with the last seconds."""
        self.keeping.put(name, text, _nothing)

    def keep_then(
        self, name: str, text: str, reply: Reply, accepted: Mapping[str, Any], refused: Mapping[str, Any]
    ) -> None:
        """Make durable what a request has changed, then answer it; ``refused``: the disk does not work."""
        ended = False

        def end(payload: Mapping[str, Any]) -> None:
            nonlocal ended
            if not ended:
                ended = True
                reply(payload)

        def late(_now_us: int) -> None:
            self.refuse(name, "the disk has not taken it in time")
            end(refused)

        if not self.keeping.put(name, text, lambda: end(accepted)):
            end(refused)
            return
        self.wait(lambda _now_us: ended, self.now_us + KEPT_WITHIN_US, late)

    def wait(self, check: Callable[[int], bool], deadline_us: int, at_deadline: Callable[[int], None]) -> None:
        """Call ``check`` at each step until it returns true, or ``at_deadline`` when that has not happened in time."""
        self._waits.append(_Wait(check, deadline_us, at_deadline))

    def at(self, deadline_us: int, act: Callable[[int], None]) -> None:
        """Act once, at a time."""
        self.wait(lambda _now_us: False, deadline_us, act)

    def pass_time(self, now_us: int) -> int:
        """Do what is due of waits and unanswered commands; return when the next is due."""
        for command_id, (then, deadline_us) in list(self._commanded.items()):
            if now_us >= deadline_us:
                del self._commanded[command_id]
                then(now_us, Outcome("expired", "the station did not answer in time"))
        waits, self._waits = self._waits, []
        for each in waits:
            if each.check(now_us):
                continue
            if now_us >= each.deadline_us:
                each.at_deadline(now_us)
            else:
                self._waits.append(each)
        deadlines = [deadline_us for _, deadline_us in self._commanded.values()]
        return min([*deadlines, *(each.deadline_us for each in self._waits)], default=NEVER)

    def security_event(self, kind: str, info: str, *, stranger: bool = False) -> None:
        """Something that concerns security has happened: told with security profile 1 and above, kept until it is told.

        ``stranger``: somebody without an account can cause it.
        """
        if self.keys.integer("SecurityProfile") > 0:
            at = self.instant(self.now_us)
            self.security_events.add(Waiting(kind[:TYPE_LIMIT], at, info[:INFO_LIMIT], stranger))

    def refuse(self, what: str, reason: str) -> None:
        """Note why a wish of the central system was not fulfilled: the protocol has no room for reasons."""
        _log.info("%s refused: %s", what, reason)
