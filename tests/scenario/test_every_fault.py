"""Every fault of the catalogue and every `KO_` error from its cause in the world, with exact times, with both front ends.

What is done and what must follow stands in ``tools/fault_cases.yaml``, the exact times in ``tools/fault_times.yaml``.
When a reaction was changed on purpose: ``python -m tools.fault_table --write``, and look at what moved.
"""

from __future__ import annotations

import pytest

from evse.core.faults import BY_NAME, NO_BIT
from evse.core.outlet_status import ERROR_CLASS, OutletErrorName
from tools import fault_table
from tools.fault_bench import Measured, run_case, run_error_case, run_reaction
from tools.fault_cases import LIMITS, Contact, Ends, ErrorCase, FaultCase, Scene, load

MS = 1_000
BOOK = load()
TIMES = fault_table.load_times()
DEAD_FEED = ("SupplyLost", "ProtectionDeviceTripped")
"""Their cause takes the load away."""
UNREACHED = "FrontEndLost"
"""No order gets through: the lease ends."""
AT_ONCE_MS = 20
SHOWN_MS = 300
IN_PHASES = ("pilot-broken", "pilot-short", "diode-shorted", "line-cut", "lock-forced", "city-breaker", "pilot-bounces")
PHASED = [case for case in BOOK.cases if case.id in IN_PHASES]


def bits_of(case: FaultCase) -> int:
    names = [name for name in case.also if name not in case.over]
    names += [case.fault] if case.fault and case.lasts else []
    return sum(1 << BOOK.faults[name].bit for name in names if BOOK.faults[name].bit != NO_BIT)


def check_shown(case: FaultCase, m: Measured) -> None:
    """Pilot, light, bits, errors, other faults: what anybody can see 12 s later."""
    assert (m.pilot, m.light) == (case.pilot, case.light)
    assert m.shows_f is case.shows_f
    assert m.f_us is None or m.f_us >= SHOWN_MS * MS
    assert m.bits == bits_of(case)
    assert (m.error, m.also) == (case.error, case.also)
    assert m.lasts is (case.lasts and bool(case.fault))


def check_contact(case: FaultCase, m: Measured) -> None:
    """What becomes of the contact, within its limit."""
    if case.contact is Contact.OPENS:
        assert m.opens_us is not None
        assert m.opens_us <= case.limit_us
    else:
        assert m.opens_us is None
        assert m.raised_us is not None
        assert m.raised_us <= case.limit_us
    assert m.closed is (case.contact is Contact.STAYS_CLOSED)


def check_class(case: FaultCase, m: Measured) -> None:
    """That the contact behaved as the class demands, whatever the catalogue says."""
    charging = case.scene is Scene.CHARGING and not case.before
    reaction = BOOK.faults[case.fault].reaction if case.fault else "emergency"
    if not charging:
        return
    if reaction == "notice":
        assert m.closed
        assert m.pwm_after_raise
        return
    assert m.opens_us is not None
    if reaction == "emergency":
        # Under load: nobody waited for the vehicle.
        assert m.break_ma >= 1_000 or case.fault in DEAD_FEED or not case.fault
        assert m.raised_us is None or m.opens_us - m.raised_us <= 100 * MS or case.fault == UNREACHED
        return
    assert m.raised_us is not None
    if case.domestic:
        # Nobody can ask an appliance to draw less: it opens at once.
        assert m.opens_us - m.raised_us <= 100 * MS
        return
    assert m.x1_us is not None
    assert m.closed_at_raise
    assert m.x1_us - m.raised_us <= AT_ONCE_MS * MS
    assert m.break_ma < 1_000 or m.opens_us - m.x1_us >= 6_000 * MS


def check_end(case: FaultCase, m: Measured) -> None:
    """How the fault ends, what is recorded, and that the outlet serves the next user."""
    if case.fault:
        assert m.raised_us is not None
        assert m.ends_us is not None
        assert m.latched is (case.ends is not Ends.HEAL)
    assert (m.resumes_us is not None) is case.resumes
    assert m.record == case.record
    assert m.usable


@pytest.mark.req("PIL-03", "PIL-04", "PIL-06", "OUT-04", "OUT-05", "OUT-08", "CDR-01")
@pytest.mark.parametrize("kind", ["usual", "dumb"])
@pytest.mark.parametrize("case", BOOK.cases, ids=lambda case: case.id)
def test_fault(case: FaultCase, kind: str) -> None:
    m = run_case(case, dumb=kind == "dumb")
    assert m.violations == ()
    check_contact(case, m)
    check_class(case, m)
    check_shown(case, m)
    check_end(case, m)
    assert fault_table.times_of(m) == TIMES[case.id][kind]


@pytest.mark.req("OUT-02")
@pytest.mark.parametrize("kind", ["usual", "dumb"])
@pytest.mark.parametrize("case", BOOK.errors, ids=lambda case: case.id)
def test_error(case: ErrorCase, kind: str) -> None:
    m = run_error_case(case, dumb=kind == "dumb")
    assert m.violations == ()
    assert m.told_us is not None
    assert case.after_us <= m.told_us <= case.limit_us
    assert m.error_class == case.error_class
    assert m.shown == (case.error, case.error_class)
    assert m.record == case.record
    assert not m.energised
    assert TIMES[case.id][kind] == {"told": m.told_us}


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("later_us", [900, 7_300, 23_900, 38_500, 49_700])
@pytest.mark.parametrize("case", PHASED, ids=[each.id for each in PHASED])
def test_the_limit_holds_at_every_phase(case: FaultCase, later_us: int) -> None:
    """Sampling, frames and renewals may stand anywhere when it happens."""
    m = run_reaction(case, dumb=True, later_us=later_us)
    check_contact(case, m)
    check_class(case, m)
    assert m.violations == ()


@pytest.mark.req("OUT-08")
def test_the_catalogue_is_what_the_cases_expect() -> None:
    assert {name: (kind.bit, kind.reaction, kind.latch) for name, kind in BY_NAME.items()} == {
        name: (row.bit, row.reaction, row.latch) for name, row in BOOK.faults.items()
    }
    assert {case.fault for case in BOOK.cases} - {""} == set(BY_NAME) - set(BOOK.not_yet)


@pytest.mark.req("OUT-02")
def test_every_error_has_a_case_under_its_class() -> None:
    assert {case.error for case in BOOK.errors} == {error.value for error in OutletErrorName}
    assert {(case.error, case.error_class) for case in BOOK.errors} == {
        (error.value, heading.value) for error, heading in ERROR_CLASS.items()
    }


def test_the_limits_are_those_of_the_standard_and_ours() -> None:
    assert {name: limit_us // MS for name, (limit_us, _) in LIMITS.items()} == {
        "vehicle": 100,
        "emergency": 150,
        "lease": 300,
        "forced": 7_000,
        "told": 1_000,
    }


@pytest.mark.req("OUT-05")
def test_the_page_follows_from_cases_and_times() -> None:
    assert set(TIMES) == {case.id for case in BOOK.cases} | {error.id for error in BOOK.errors}
    assert fault_table.main(["--check"]) == 0
