"""Decides when a report is made, when it is tried and when it is dropped. Pure: UTC is an argument, states are values.

The order that keeps every promise over a power cut: a new report is durable before it is tried; a delivered report's
records are durably marked as published before it is forgotten. A cut between delivery and mark sends the same report
once more *under the same name*, so that a receiver can tell; records are never in two reports.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from evse.core.units import SECOND
from evse.services.publication.calendar import Frequency, latest_due_us
from evse.services.publication.report import REPORTS_KEPT, RETRY_US, PublicationState, Report

_LONGEST_WAIT_US = 60 * SECOND
"""Clocks are set and zones changed: a due time is looked for at least this often."""


def planned(
    state: PublicationState, now_us: int, frequency: Frequency, zone: tzinfo, waiting: tuple[int, ...]
) -> PublicationState:
    """The state at ``now_us``, with a new report if one is due and records wait.

    ``waiting``: the numbers of the records that no server has confirmed, rising. A due time without records makes no
    report. The first due time after publication was switched on, or its frequency changed, is the next one to come.
    """
    state = _with_sound_clock(state, now_us)
    due_us = latest_due_us(now_us, frequency, zone)
    if due_us is None or state.frequency != frequency.value or state.last_due_us is None:
        return replace(state, last_due_us=due_us, frequency=frequency.value)
    if state.last_due_us >= now_us:
        # The clock was set back over a due time that was served: the next one to come counts again.
        return replace(state, last_due_us=due_us)
    if due_us <= state.last_due_us:
        return state
    return replace(with_report(state, now_us, waiting), last_due_us=due_us)


def with_report(state: PublicationState, now_us: int, waiting: tuple[int, ...]) -> PublicationState:
    """The state with a report of the records in ``waiting`` that are in no other report; unchanged without any."""
    reported = max((report.last for report in state.reports), default=0)
    fresh = [number for number in waiting if number > reported]
    if not fresh or len(state.reports) >= REPORTS_KEPT:
        return state
    created_us = max([now_us, *(report.created_us + SECOND for report in state.reports)])
    report = Report(fresh[0], fresh[-1], created_us, next_try_us=now_us)
    return replace(state, reports=(*state.reports, report))


def next_report(state: PublicationState, now_us: int, forced: bool = False) -> Report | None:
    """The report to try now: the oldest whose time has come, or with ``forced`` the oldest of all."""
    ready = (report for report in state.reports if forced or report.next_try_us <= now_us)
    return next(ready, None)


def delivered(state: PublicationState, report: Report) -> PublicationState:
    """The state after ``report`` was delivered and its records marked."""
    return replace(state, reports=tuple(each for each in state.reports if each.first != report.first))


def failed(
    state: PublicationState, report: Report, now_us: int, problem: str, forced: bool = False
) -> tuple[PublicationState, Report | None]:
    """The state after a failed try, and the report if it was the last try: that report is dropped.

    ``forced``: the try was the TEST button's. However often somebody presses it, no report is dropped for that.
    """
    after = report.failed(now_us, problem, forced)
    if after.given_up:
        return delivered(state, report), after
    reports = tuple(after if each.first == report.first else each for each in state.reports)
    return replace(state, reports=reports), None


def wait_us(state: PublicationState, now_us: int) -> int:
    """How long nothing has to be done, microseconds."""
    next_us = min((report.next_try_us for report in state.reports), default=now_us + _LONGEST_WAIT_US)
    return max(0, min(next_us - now_us, _LONGEST_WAIT_US))


def _with_sound_clock(state: PublicationState, now_us: int) -> PublicationState:
    """A clock that was set back must not postpone a try by more than the hour that it may wait."""
    latest_us = now_us + RETRY_US
    if all(report.next_try_us <= latest_us for report in state.reports):
        return state
    reports = tuple(replace(each, next_try_us=min(each.next_try_us, latest_us)) for each in state.reports)
    return replace(state, reports=reports)
