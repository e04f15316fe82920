"""Requests of the feature profile Smart Charging, and how charging profiles reach the outlets (OCPP 1.6, 3.13, 5.5, 5.7, 5.16).

The composite schedule becomes a plan of the source `ocpp` that control follows by itself, so that it holds while services
restart. Limits only ever tighten what the station allows itself. Without "controlled by external system" profiles
are refused (EVlink commissioning guide DOCA0060).
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from evse.core.commands import SetLimit
from evse.core.limit_sources import OCPP
from evse.core.limits import LimitStep
from evse.core.orders import LIMIT_STEPS
from evse.core.units import NEVER, SECOND, THREE_PHASES
from evse.links.ocpp.charging_profile import (
    ChargingProfile,
    ProfileError,
    Purpose,
    RateUnit,
    payload_of,
    profile_from,
    utc_text,
)
from evse.links.ocpp.context import Context, Reply
from evse.links.ocpp.phase_wish import phases_fed
from evse.links.ocpp.profile_stack import (
    STATION,
    Composite,
    Electrics,
    Installed,
    ProfileStack,
    schedule_of,
)
from evse.links.ocpp.remembered import Pending, ToldPlan
from evse.links.ocpp.transactions import ID_TAG_LIMIT

Payload = Mapping[str, Any]
DOCUMENT: Final = "profiles"
PENDING: Final = "pending profiles"
"""Names of the documents with what is installed, and with what waits for a transaction."""
LONGEST_S: Final = 7 * 86_400
"""A composite schedule, and a plan for control, is made for so long at most."""
_NOT_CONTROLLED: Final = "the station is not controlled by an external system: that is a setting"


def _profile(context: Context, payload: Payload) -> ChargingProfile:
    limits = context.profiles.limits
    return profile_from(payload, max_periods=limits.max_periods, max_stack_level=limits.max_stack_level)


def _begun(profile: ChargingProfile, utc_s: int) -> ChargingProfile:
    """Without `startSchedule` a schedule begins with the transaction; the station's own has none, so it begins now."""
    schedule = profile.schedule
    if profile.purpose is not Purpose.CHARGE_POINT_MAX or schedule.start_utc_s is not None:
        return profile
    return replace(profile, schedule=replace(schedule, start_utc_s=utc_s))


def set_charging_profile(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`SetChargingProfile` (5.16)."""
    connector = payload["connectorId"]
    if not context.settings.external_limits:
        context.refuse("SetChargingProfile", _NOT_CONTROLLED)
        reply({"status": "NotSupported"})
        return
    try:
        if connector != STATION and connector not in context.identity.outlets:
            raise ProfileError(f"there is no connector {connector}")
        profile = _begun(_profile(context, payload["csChargingProfiles"]), context.utc_s(now_us))
        context.profiles.install(connector, profile, context.profile_running(connector, now_us))
    except ProfileError as error:
        context.refuse("SetChargingProfile", str(error))
        reply({"status": "Rejected"})
        return
    context.keep_then(DOCUMENT, _text(context), reply, {"status": "Accepted"}, {"status": "Rejected"})


def clear_charging_profile(context: Context, _now_us: int, payload: Payload, reply: Reply) -> None:
    """`ClearChargingProfile` (5.5)."""
    purpose = payload.get("chargingProfilePurpose")
    gone = context.profiles.clear(
        payload.get("id"),
        payload.get("connectorId"),
        None if purpose is None else Purpose(purpose),
        payload.get("stackLevel"),
    )
    if gone:
        context.keep_then(DOCUMENT, _text(context), reply, {"status": "Accepted"}, {"status": "Unknown"})
    else:
        reply({"status": "Unknown"})


def get_composite_schedule(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`GetCompositeSchedule` (5.7), exact to the second; for connector 0 what the station as a whole may draw."""
    connector, duration_s = payload["connectorId"], payload["duration"]
    known = connector == STATION or connector in context.identity.outlets
    if not known or duration_s <= 0 or context.utc_us(now_us) is None:
        context.refuse(
            "GetCompositeSchedule", f"connector {connector}, duration {duration_s} s, or the clock is not set"
        )
        reply({"status": "Rejected"})
        return
    start_s, electrics = context.utc_s(now_us), electrics_of(context, connector)
    asked_s = min(duration_s, LONGEST_S)
    running = context.profile_running(connector, now_us)
    # Its duration says how far a schedule reaches that is cut.
    periods, reach_s = context.profiles.composite(connector, start_s, asked_s, running, electrics)
    unit = RateUnit(payload.get("chargingRateUnit", RateUnit.AMPERE))
    schedule = schedule_of(periods, unit, electrics, _rated_ma(context, connector))
    made: dict[str, Any] = {
        "duration": reach_s,
        "startSchedule": utc_text(start_s),
        "chargingRateUnit": unit.value,
        "chargingSchedulePeriod": [
            {"startPeriod": each.start_s, "limit": each.limit / 10, "numberPhases": each.phases}
            for each in schedule.periods
        ],
    }
    reply(
        {"status": "Accepted", "connectorId": connector, "scheduleStart": utc_text(start_s), "chargingSchedule": made}
    )


def electrics_of(context: Context, connector: int) -> Electrics:
    """Voltage and phases that turn watts into amperes; for the station the most phases that an outlet has."""
    outlets = context.identity.outlets
    phases = outlets[connector].phases if connector in outlets else max(facts.phases for facts in outlets.values())
    return Electrics(context.settings.voltage_mv, phases_fed(context, connector, phases))


def _rated_ma(context: Context, connector: int) -> int:
    outlets = context.identity.outlets
    return outlets[connector].rated_ma if connector in outlets else sum(facts.rated_ma for facts in outlets.values())


def take_pending(context: Context, connector: int, tag: str, payload: Payload) -> None:
    """Keep the profile of a remote start for ``tag`` until its transaction begins (5.11). Raises ProfileError for one that cannot be used."""
    if not context.settings.external_limits:
        raise ProfileError(_NOT_CONTROLLED)
    profile = _profile(context, payload)
    if profile.purpose is not Purpose.TX or profile.transaction_id is not None:
        raise ProfileError("the profile of a remote start is a TxProfile without a transactionId")
    context.marks.pending_profiles[connector] = Pending(tag, profile)
    keep_pending(context)


def transaction_began(context: Context, now_us: int, connector: int) -> None:
    """The profile that came with the remote start now has its transaction."""
    pending, running = context.marks.pending_profiles.get(connector), context.running.get(connector)
    if pending is None or running is None or running.tag.lower() != pending.tag[:ID_TAG_LIMIT].lower():
        # Somebody else was quicker than the start: its profile is not for him.
        return
    forget_pending(context, connector)
    try:
        context.profiles.install(connector, pending.profile, context.profile_running(connector, now_us))
    except ProfileError as error:
        context.refuse("RemoteStartTransaction's profile", str(error))
    else:
        keep_profiles(context)


def forget_pending(context: Context, connector: int) -> None:
    """No profile waits for a transaction at this connector any more."""
    if context.marks.pending_profiles.pop(connector, None) is not None:
        keep_pending(context)


def keep_pending(context: Context) -> None:
    """Keep what waits for its transaction: services may start anew before somebody plugs in."""
    waiting = context.marks.pending_profiles
    made = {str(number): [each.tag, payload_of(each.profile)] for number, each in waiting.items()}
    context.keep_in_turn(PENDING, json.dumps(made, separators=(",", ":")) if made else "")


def restored_pending(context: Context, text: str) -> dict[int, Pending]:
    """Return what ``keep_pending`` has kept; what does not fit any more is left out."""
    found = {}
    for number, (tag, payload) in json.loads(text or "{}").items():
        try:
            found[int(number)] = Pending(tag, _profile(context, payload))
        except ProfileError:
            continue
    return found


def keep_profiles(context: Context) -> None:
    """What outlives a restart of the services: everything. With its transaction a transaction's profile ends."""
    context.keep(DOCUMENT, _text(context))


def _text(context: Context) -> str:
    kept = [{"connector": each.connector, "profile": payload_of(each.profile)} for each in context.profiles.installed]
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def restored_profiles(text: str, stack: ProfileStack, running: Container[int]) -> ProfileStack:
    """Return a stack with what ``keep_profiles`` has kept; what does not fit any more is left out.

    ``running``: connectors with a transaction; a transaction's profile needs it.
    """
    installed = []
    for each in json.loads(text) if text else ():
        try:
            limits = stack.limits
            profile = profile_from(
                each["profile"], max_periods=limits.max_periods, max_stack_level=limits.max_stack_level
            )
        except ProfileError:
            continue
        if profile.purpose is Purpose.TX and each["connector"] not in running:
            continue
        installed.append(Installed(each["connector"], profile))
    return ProfileStack(stack.limits, installed)


def limits_due(context: Context, now_us: int) -> int:
    """Post what has changed of the limits; return when to look again by time alone."""
    if context.view is None or not context.view.restored or not context.settings.external_limits:
        # Control itself drops what an external system has said when that is switched off.
        return NEVER
    wake_us = NEVER
    for connector in (STATION, *context.identity.outlets):
        wake_us = min(wake_us, _limit_due(context, now_us, connector))
    return wake_us


def _limit_due(context: Context, now_us: int, connector: int) -> int:
    electrics, running = electrics_of(context, connector), context.profile_running(connector, now_us)
    utc_us = context.utc_us(now_us)
    offset_us = 0 if utc_us is None else utc_us - now_us
    basis = (context.profiles.installed, running, electrics)
    told = context.marks.told_limits.get(connector)
    if told is not None and told.holds(now_us, basis, offset_us):
        return told.renew_us
    turns = context.marks.plans
    if told is not None and not turns.take(now_us):
        return turns.next_us(now_us)
    utc_s = context.utc_s(now_us)
    composite = context.profiles.composite(connector, utc_s, LONGEST_S, running, electrics, LIMIT_STEPS)
    starts_us = utc_s * SECOND - offset_us
    told = _plan(basis, offset_us, starts_us, composite)
    context.marks.told_limits[connector] = told
    context.command(now_us, _set_limit(context, connector, starts_us, told.steps))
    return told.renew_us


def _plan(basis: object, offset_us: int, starts_us: int, composite: Composite) -> ToldPlan:
    """Return the plan that control is told; a long one is renewed when half of it is over."""
    steps = [(each.start_s, each.current_ma) for each in composite.periods]
    renew_s = max(composite.reach_s // 2, 1) if len(steps) < LIMIT_STEPS else steps[LIMIT_STEPS // 2][0]
    return ToldPlan(basis, offset_us, starts_us + renew_s * SECOND, tuple(steps))


def _set_limit(context: Context, connector: int, starts_us: int, steps: Sequence[tuple[int, int | None]]) -> SetLimit:
    if all(current_ma is None for _, current_ma in steps):
        return SetLimit(context.command_id(), connector, source=OCPP, active=False)
    if len(steps) == 1:
        return SetLimit(context.command_id(), connector, source=OCPP, current_ma=steps[0][1] or 0)
    plan = tuple(
        LimitStep(after_s * SECOND, None if current_ma is None else (current_ma,) * THREE_PHASES)
        for after_s, current_ma in steps
    )
    return SetLimit(context.command_id(), connector, source=OCPP, plan=plan, starts_us=starts_us)
