"""The ring of the last minutes: changes only, bounded, one boot at a time."""

from __future__ import annotations

from dataclasses import replace

from evse.core.units import SECOND
from evse.exchange.snapshot import DomesticView, StationView
from evse.services.history import KEPT_US, ROWS, History
from tests.fakes.web_fake import changed, charging, station_view

S = SECOND


def at(view: StationView, mono_us: int) -> StationView:
    return replace(view, mono_us=mono_us)


def test_only_changes_are_kept() -> None:
    history = History()
    free = station_view(10 * S)
    for second in range(10, 20):
        history.put(at(free, second * S))
    assert [row.at_us for row in history.rows(1, 0)] == [10 * S]
    history.put(at(charging(free), 21 * S))
    rows = history.rows(1, 0)
    assert [(row.at_us, row.ev_state) for row in rows] == [
        (10 * S, "A_Not_Present_12V"),
        (21 * S, "C_Ready_6V_M12V"),
    ]
    assert (rows[1].duty_bp, rows[1].contactor_closed, rows[1].offered_ma) == (2_667, True, 16_000)
    assert len(history.rows(2, 0)) == 1
    assert history.since_us == 10 * S


def test_a_restless_current_is_kept_once_a_second_and_only_real_changes() -> None:
    history = History()
    view = charging(station_view(10 * S))
    for tenth in range(50):
        current = 10_000 + tenth * 100
        history.put(at(changed(view, currents_ma=(current, current, current)), 10 * S + tenth * S // 10))
    assert [row.at_us for row in history.rows(1, 0)] == [second * S for second in (10, 11, 12, 13, 14)]
    small = changed(view, currents_ma=(14_100, 14_100, 14_100))
    history.put(at(small, 30 * S))
    assert history.rows(1, 0)[-1].at_us == 14 * S


def test_rows_from_a_moment_begin_with_the_one_in_force_then() -> None:
    history = History()
    free = station_view(10 * S)
    for second, status in ((10, "OK_InitDone"), (20, "OK_PlugProcedureStarted"), (30, "OK_PlugProcedureDone")):
        history.put(at(changed(free, outlet_status=status), second * S))
    assert [row.at_us for row in history.rows(1, 25 * S)] == [20 * S, 30 * S]
    assert history.rows(9, 0) == []


def test_number_and_age_of_rows_are_bounded_and_the_beginning_is_told() -> None:
    history = History()
    for number in range(ROWS + 100):
        view = changed(station_view(), outlet_status="OK_InitDone" if number % 2 else "OK_Unavailable")
        history.put(at(view, number * S // 10))
    rows = history.rows(1, 0)
    assert len(rows) == ROWS
    assert history.since_us == rows[0].at_us
    history.put(at(changed(station_view(), outlet_status="OK_UnplugProcedureDone"), KEPT_US + 1_000 * S))
    assert len(history.rows(1, 0)) == 2


def test_another_boot_begins_anew() -> None:
    history = History()
    history.put(station_view(10 * S))
    history.put(replace(station_view(1 * S), boot_id="next"))
    assert (history.boot_id, history.since_us, len(history.rows(1, 0))) == ("next", 1 * S, 1)


def test_without_front_end_pilot_and_contact_are_unknown() -> None:
    history = History()
    history.put(charging(station_view(60 * S)))
    lost = charging(station_view(61 * S))
    outlet = replace(lost.outlets[0], link_ok=False, pilot=None, currents_ma=None)
    history.put(replace(lost, outlets=(outlet, *lost.outlets[1:])))
    known, unknown = history.rows(1, 0)
    assert (known.ev_state, known.contactor_closed) == ("C_Ready_6V_M12V", True)
    assert (unknown.ev_state, unknown.pilot_mode, unknown.contactor_closed, unknown.currents_ma) == ("", "", None, None)


def test_with_an_appliance_the_contact_is_the_domestic_sockets() -> None:
    history = History()
    view = station_view(60 * S)
    domestic = DomesticView(plugged=True, contactor_permitted=True, contactor_closed=True, open_reasons=())
    outlet = replace(view.outlets[0], connector="TE", domestic=domestic, contactor_closed=False)
    history.put(replace(view, outlets=(outlet,)))
    assert [row.contactor_closed for row in history.rows(1, 0)] == [True]
