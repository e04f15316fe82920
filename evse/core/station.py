"""The station: one or two outlets, the share of the current between them, and the commands from outside.

``StationCore.step(now, inputs, cards, commands)`` is the whole product as a pure function over its own state. One outlet's
fault never touches the other: they meet only in the station's maximum current.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from evse.core.balancing import Balancer, Claim
from evse.core.commands import (
    ANY_EPOCH,
    STANDING_ORDERS,
    Authorise,
    Book,
    ClearFault,
    Command,
    Configure,
    ConfirmRecord,
    Maintain,
    PlugWithin,
    Postpone,
    ReadCards,
    ReleaseCable,
    ReportMeter,
    Restart,
    RestoreState,
    SetLimit,
    SetPhases,
    SetUnavailable,
    ShowNotice,
    StartSession,
    StopSession,
    Suspend,
    WhenVehicleLeaves,
)
from evse.core.config import StationConfig
from evse.core.configure import refusal
from evse.core.events import CommandDone, ConfigurationActive, Event, OrdersChanged, RestartRequested
from evse.core.faults import Latch, fault_kind
from evse.core.limit_orders import set_limit
from evse.core.limit_sources import EXTERNAL_SYSTEMS
from evse.core.limit_stack import StationPart
from evse.core.limits import Limit
from evse.core.orders import OrderKind, StandingOrder, newly_dated
from evse.core.outlet import OutletCore, OutletStep
from evse.core.restart import RestartPlan
from evse.core.session import Booking
from evse.core.station_limits import StationLimits
from evse.core.units import NEVER
from evse.core.values import CardSeen, OutletInputs, OutletOutputs
from evse.records import dataclass

REMEMBERED_COMMANDS = 256
STATION_WIDE = (Maintain, SetUnavailable, ShowNotice)
"""Commands that outlet 0 addresses to every outlet."""
NOT_RESTORED = "the state from before the start is not restored yet: try again"


@dataclass(frozen=True, slots=True)
class StationStep:
    """Result of one step: orders per outlet in the order of the configuration, events, next wish."""

    outputs: tuple[OutletOutputs, ...]
    events: tuple[Event, ...]
    wake_us: int


class StationCore:
    """State of the whole station."""

    def __init__(self, config: StationConfig, boot_id: str, start_us: int) -> None:
        self.config = config
        self.boot_id = boot_id
        self.start_us = start_us
        self.outlets = tuple(OutletCore(outlet, config, boot_id, start_us) for outlet in config.outlets)
        self._by_number = {outlet.config.number: outlet for outlet in self.outlets}
        self._restart = RestartPlan()
        self._balancer = Balancer(config.shedding)
        self._demand: tuple[tuple[Limit, ...], int, list[Claim]] = ((), 0, [])
        self._parts: tuple[StationPart, ...] = ()
        """Every outlet's part for that demand."""
        self._claims: list[tuple[tuple[int, bool], int, Claim] | None] = [None] * len(self.outlets)
        """Of each outlet: what its claim was made of, until when it holds, and the claim."""
        self._parts_known = False
        """Whether that is the demand of this moment."""
        self._limits = StationLimits(config.station_maximum_ma, balancing=config.balancing)
        self._told_limits: tuple[StandingOrder, ...] = ()
        self._limits_restored = False
        self._steps: list[OutletStep | None] = [None] * len(self.outlets)
        self._seen: list[tuple[OutletInputs, StationPart] | None] = [None] * len(self.outlets)
        self._done: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._announced = False

    @property
    def restored(self) -> bool:
        """Whether every outlet knows what the boot before left."""
        return all(outlet.restored for outlet in self.outlets)

    def step(
        self,
        now_us: int,
        inputs: Sequence[OutletInputs],
        cards: Sequence[CardSeen] = (),
        commands: Sequence[Command] = (),
    ) -> StationStep:
        """Take the latest ``inputs`` (one per outlet, in order), cards and commands; return what to do."""
        events: list[Event] = []
        events += self._news()
        for command in commands:
            if isinstance(command, ReportMeter):
                self._report_meter(now_us, command)
                continue
            done = self._obey(now_us, command)
            events += self._news()
            events.append(done)
        for card in cards:
            outlet_of_card = self._by_number.get(card.outlet)
            if outlet_of_card is not None:
                outlet_of_card.present_card(now_us, card.uid)
        addressed = {command.outlet for command in commands} | {card.outlet for card in cards}
        wake_us = self._limits.update(now_us)
        self._parts_known = False
        if commands or cards:
            # They change outlets that do not step.
            self._claims = [None] * len(self.outlets)
        outputs = []
        for index, latest in enumerate(inputs):
            step = self._step_outlet(now_us, index, latest, addressed, events)
            outputs.append(step.outputs)
            wake_us = min(wake_us, step.wake_us, self._share_changes_us(now_us, index))
        if self._share_has_moved(now_us):
            wake_us = now_us
        wake_us = min(wake_us, self._balancer.wake_us)
        wake_us = min(wake_us, self._plan_restart(now_us, events))
        return StationStep(tuple(outputs), tuple(events), wake_us)

    def _step_outlet(
        self, now_us: int, index: int, latest: OutletInputs, addressed: set[int], events: list[Event]
    ) -> OutletStep:
        """Step one outlet if there is anything new for it; else its last step still stands."""
        outlet = self.outlets[index]
        news = (latest, self._part_for(now_us, index))
        last = self._steps[index]
        quiet = last is not None and now_us < last.wake_us and self._seen[index] == news
        if last is not None and quiet and not addressed & {0, outlet.config.number}:
            return last
        step = outlet.step(now_us, *news)
        self._parts_known = False
        self._steps[index], self._seen[index] = step, news
        events.extend(step.events)
        return step

    def _plan_restart(self, now_us: int, events: list[Event]) -> int:
        """Announce a restart that a command or an outlet's service button has asked for when it may come; return when to look again."""
        cause = next((outlet.panel.cause for outlet in self.outlets if outlet.panel.cause), "")
        if cause:
            self._restart.ask(now_us, cause)
        if not self._restart.cause:
            return NEVER
        energised = any(outlet.contactor.permitted or outlet.inputs.contactor_closed for outlet in self.outlets)
        if self._restart.due(now_us, energised=energised):
            events.append(RestartRequested(0, self._restart.cause))
        return self._restart.wake_us(now_us)

    def conclude(self, now_us: int) -> tuple[Event, ...]:
        """The process ends in an orderly way: every open session is closed with its energy up to now."""
        return tuple(event for outlet in self.outlets for event in outlet.conclude(now_us))

    def _part_for(self, now_us: int, index: int) -> StationPart:
        """What the station says to one outlet at this moment."""
        if self._parts_known:
            return self._parts[index]
        self._parts_known = True
        limits = self._limits
        claims: list[Claim] = []
        if len(self.outlets) > 1 and limits.shared:
            claims = [self._claim(now_us, index, outlet) for index, outlet in enumerate(self.outlets)]
        demand = (limits.limits, limits.maximum_ma, claims)
        if demand != self._demand or now_us >= self._balancer.wake_us:
            self._demand = demand
            self._parts = self._divide(now_us, claims)
        return self._parts[index]

    def _claim(self, now_us: int, index: int, outlet: OutletCore) -> Claim:
        """What an outlet claims; the last one stands until the outlet steps or what it reserves falls by time alone."""
        of = (outlet.revision, self._limits.settling)
        kept = self._claims[index]
        if kept is not None and kept[0] == of and now_us < kept[1]:
            return kept[2]
        step_wh = self.config.shedding.energy_step_wh
        claim = outlet.claim(now_us, settling=self._limits.settling, energy_step_wh=step_wh)
        self._claims[index] = (of, outlet.current.next_decay_us(now_us), claim)
        return claim

    def _divide(self, now_us: int, claims: list[Claim]) -> tuple[StationPart, ...]:
        limits = self._limits
        if not claims:
            return (StationPart(limits.limits),) * len(self.outlets)
        shares = self._balancer.shares(now_us, limits.maximum_ma, claims)
        shed = self._balancer.shed
        reason = self.config.shedding.priority.value.replace("_", " ")
        return tuple(
            StationPart(limits.limits, share_ma, f"shed by {reason}" if index in shed else limits.note)
            for index, share_ma in enumerate(shares)
        )

    def _share_has_moved(self, now_us: int) -> bool:
        """Whether a later outlet's step has changed what an earlier one may have: it must learn it at this instant."""
        return any(
            seen is not None and seen[1] != self._part_for(now_us, index) for index, seen in enumerate(self._seen)
        )

    def _share_changes_us(self, now_us: int, index: int) -> int:
        """When another outlet's reservation, or who is served, changes by time alone."""
        if len(self.outlets) == 1:
            return NEVER
        others = (outlet for i, outlet in enumerate(self.outlets) if i != index)
        return min((outlet.current.next_decay_us(now_us) for outlet in others), default=NEVER)

    # --- commands ----------------------------------------------------------------------------------------------

    def _report_meter(self, now_us: int, command: ReportMeter) -> None:
        outlet = self._by_number.get(command.outlet)
        if outlet is not None and now_us < command.expires_us:
            outlet.metering.report(now_us, command.sample, command.problem)

    def _obey(self, now_us: int, command: Command) -> CommandDone:
        known = self._done.get(command.command_id)
        if known is not None:
            return CommandDone(command.outlet, command.command_id, *known)
        if now_us >= command.expires_us:
            outcome, reason = "expired", "arrived after its time to live"
        else:
            reason = self._obey_for_outlets(now_us, command)
            outcome = "refused" if reason else "done"
        if reason == NOT_RESTORED:
            # Not for good: the same command may come again.
            return CommandDone(command.outlet, command.command_id, outcome, reason)
        self._done[command.command_id] = (outcome, reason)
        while len(self._done) > REMEMBERED_COMMANDS:
            self._done.popitem(last=False)
        return CommandDone(command.outlet, command.command_id, outcome, reason)

    def _news(self) -> list[Event]:
        """What a command has changed of the configuration and of the orders in force, the station's first."""
        news = [outlet.orders_news() for outlet in self.outlets]
        found: list[Event] = [each for each in news if each is not None]
        if not self._announced:
            self._announced = True
            found.insert(0, ConfigurationActive(0, self.config.version, self.config.digest))
        if (self._limits.orders or self._told_limits) and self._limits.in_force() != self._told_limits:
            self._told_limits = self._limits.in_force()
            found.insert(0, OrdersChanged(0, self._told_limits))
        return found

    def _obey_for_outlets(self, now_us: int, command: Command) -> str:
        if isinstance(command, STANDING_ORDERS) and not self._knows_orders(command.outlet):
            return NOT_RESTORED
        if isinstance(command, Configure):
            return self._configure(now_us, command)
        if isinstance(command, SetLimit) and command.active and not self._listens_to(command.source):
            return f"this station is not controlled by an external system: {command.source!r} may not limit it"
        if command.outlet == 0 and isinstance(command, SetLimit):
            return set_limit(now_us, self._limits.orders, command)
        if isinstance(command, Restart):
            self._restart.ask(now_us, command.cause)
            return ""
        if command.outlet == 0 and isinstance(command, STATION_WIDE):
            return "; ".join(filter(None, (self._act(now_us, command, outlet) for outlet in self.outlets)))
        outlet = self._by_number.get(command.outlet)
        if outlet is None:
            return f"no outlet {command.outlet}: this station has {', '.join(map(str, self._by_number))}"
        if command.epoch not in (ANY_EPOCH, outlet.procedure.epoch):
            return "meant for an earlier session"
        return self._act(now_us, command, outlet)

    def _configure(self, now_us: int, command: Configure) -> str:
        """Work by another configuration from this step on; return why not, or an empty text."""
        wanted = command.config
        why_not = refusal(self.config, wanted)
        if why_not or wanted is None or wanted == self.config:
            return why_not
        self.config = wanted
        for outlet, config in zip(self.outlets, wanted.outlets, strict=True):
            outlet.configure(now_us, config, wanted)
        self._limits.configure(wanted.station_maximum_ma, balancing=wanted.balancing)
        self._balancer.rule = wanted.shedding
        self._drop_external()
        self._steps = [None] * len(self.outlets)
        self._announced = False
        return ""

    def _listens_to(self, source: str) -> bool:
        return self.config.external_control or source not in EXTERNAL_SYSTEMS

    def _heeds(self, order: StandingOrder) -> bool:
        return order.kind is not OrderKind.LIMIT or self._listens_to(order.source)

    def _drop_external(self) -> None:
        """External systems have lost their say: their limits end, and that is told."""
        for orders in (self._limits.orders, *(outlet.limit_orders for outlet in self.outlets)):
            for source in EXTERNAL_SYSTEMS:
                if not self._listens_to(source):
                    orders.pop(source, None)

    def _knows_orders(self, outlet: int) -> bool:
        """Whether the orders from before the start are in force where a new one is for."""
        addressed = [each for each in self.outlets if outlet in (0, each.config.number)]
        return self._limits_restored and all(each.restored for each in addressed)

    def _restore(self, now_us: int, command: RestoreState, outlet: OutletCore) -> None:
        orders = tuple(each for each in command.orders if self._heeds(each))
        outlet.restore(now_us, command.latched, command.register_wh, orders, command.interrupted)
        limits = tuple(each for each in command.station_orders if self._heeds(each))
        if self._limits_restored:
            limits = newly_dated(self._told_limits, limits)
        self._limits.orders.update({each.source: each for each in limits if each.kind is OrderKind.LIMIT})
        if not self._limits_restored:
            self._limits_restored = True
            self._told_limits = self._limits.in_force()

    def _act(self, now_us: int, command: Command, outlet: OutletCore) -> str:
        procedure, availability = outlet.procedure, outlet.procedure.availability
        match command:
            case RestoreState():
                self._restore(now_us, command, outlet)
            case Authorise():
                return procedure.verdict(now_us, command)
            case ReadCards():
                procedure.read_cards_until_us = command.until_us if command.active else now_us
            case ConfirmRecord():
                return procedure.confirm_record(command.session_id)
            case StartSession():
                return outlet.remote_start(now_us, command.uid)
            case StopSession():
                return procedure.stop(now_us, command.reason)
            case WhenVehicleLeaves() | PlugWithin() | ReleaseCable():
                return procedure.take_rule(command)
            case Book():
                availability.booking = Booking(command.uid, command.until_us) if command.uid else None
            case Suspend():
                availability.suspended = command.active
            case Postpone():
                availability.postponed = command.active
            case Maintain():
                availability.maintenance = command.active
            case ShowNotice():
                outlet.panel.notice = command.notice
            case SetUnavailable():
                if command.active:
                    availability.unavailable[command.source.value] = command.after_session
                else:
                    availability.unavailable.pop(command.source.value, None)
            case ClearFault():
                return _clear_fault(outlet, command.fault)
            case _:
                return _act_on_supply(now_us, command, outlet)
        return ""


def _act_on_supply(now_us: int, command: Command, outlet: OutletCore) -> str:
    match command:
        case SetLimit():
            return set_limit(now_us, outlet.limit_orders, command)
        case SetPhases():
            return outlet.set_phases(now_us, command.phases)
        case _:
            return f"unknown command {type(command).__name__}"


def _clear_fault(outlet: OutletCore, fault: str) -> str:
    if not outlet.faults.in_force(fault):
        return f"fault {fault!r} is not in force"
    match fault_kind(fault).latch:
        case Latch.SELF:
            return f"fault {fault!r} ends by itself with its cause"
        case Latch.UNPLUG:
            return f"fault {fault!r} ends when its cause is gone and the vehicle is unplugged"
    outlet.faults.clear_by_service(fault)
    outlet.detectors.generator.serviced()
    outlet.phase_switch.serviced()
    outlet.contactor.mirror_lies = outlet.domestic.contactor.mirror_lies = False
    return ""
