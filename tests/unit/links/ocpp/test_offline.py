"""What must not be lost: transactions through lost connections, power cuts and clock steps, in virtual time."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from evse.core.units import SECOND
from evse.services.journal import KeepDocument
from tests.fakes.ocpp_bench import DEFAULTS, UID, Bench, connected

DAY_S = 86_400


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def check_ledger(bench: Bench) -> None:
    """Each transaction once, start before stop, energies as in the records."""
    kept = bench.store.station(UID).records.values()
    records = {int(each.transaction_id): each for each in kept if each.transaction_id}
    # A power cut between the session's start and that of its transaction leaves a session alone.
    assert all(each.energy_wh == 0 and each.reason == "PowerLoss" for each in kept if not each.transaction_id)
    assert set(bench.central.ledger) == set(records)
    actions = bench.central.requests
    for number, entry in bench.central.ledger.items():
        record = records[number]
        (stop,) = entry.stops
        assert entry.start["meterStart"] == record.register_start_wh
        assert stop["meterStop"] == record.register_end_wh
        assert stop["meterStop"] - entry.start["meterStart"] == record.energy_wh
        assert entry.start["idTag"] == record.uid
        assert seconds(entry.start["timestamp"]) <= seconds(stop["timestamp"])
        started = next(i for i, (action, payload) in enumerate(actions) if payload is entry.start)
        stopped = next(i for i, (action, payload) in enumerate(actions) if payload is stop)
        assert started < stopped


@pytest.mark.req("OCP-03")
def test_a_week_offline_with_power_cuts_and_clock_steps() -> None:
    seed = 1
    chance = random.Random(seed)
    bench = connected(replace(DEFAULTS, sample_interval_s=900), seed=seed, check=False)
    began_us = bench.now_us
    bench.network(up=False)
    cuts = {chance.randrange(210) for _ in range(9)}
    cuts = set(sorted(cuts)[:3])
    for session in range(210):
        number = session % 2 + 1
        bench.card(number, f"04A1{session:04X}")
        bench.run(chance.randrange(60, 1_200))
        bench.draw(number, chance.randrange(1, 3_000))
        bench.run(chance.randrange(1, 1_300))
        if session in cuts:
            bench.power_cut(off_s=chance.randrange(5, 500))
            bench.run(5)
        else:
            bench.stop_session(number, chance.choice(["Local", "EVDisconnected", "Fault DiodeFault"]))
        if session in (70, 140):
            bench.clock_error_us += chance.choice([-3_600, 7_200]) * SECOND
        bench.run(DAY_S * 7 / 210 - 1_300)
    assert bench.now_us - began_us >= 6 * DAY_S * SECOND
    assert len(bench.store.station(UID).messages) >= 419, "everything waits on the disk"
    attempts = bench.attempts
    assert max(later - earlier for earlier, later in itertools.pairwise(attempts)) <= 901 * SECOND
    bench.network(up=True)
    bench.run(1_000)
    check_ledger(bench)
    assert len(bench.central.ledger) == 210
    assert bench.store.station(UID).messages == {}
    assert bench.store.station(UID).transaction_ids == {}
    reasons = [entry.stops[0]["reason"] for entry in bench.central.ledger.values()]
    assert reasons.count("PowerLoss") == 3


@pytest.mark.req("OCP-03")
def test_the_queue_of_a_week_is_told_within_ten_minutes() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=0), check=False)
    bench.network(up=False)
    for _ in range(210):
        bench.card(1, "04A1B2C3")
        bench.run(2)
        bench.stop_session(1)
        bench.run(2)
    bench.run(1_500)
    bench.network(up=True)
    while not bench.central.actions():
        bench.run(10)
    began_us = bench.now_us
    while bench.store.station(UID).messages:
        bench.run(5)
    assert bench.now_us - began_us <= 600 * SECOND
    check_ledger(bench)


@pytest.mark.req("OCP-03")
def test_a_connection_that_breaks_again_and_again_loses_nothing_and_doubles_nothing() -> None:
    chance = random.Random(7)
    bench = connected(replace(DEFAULTS, retry_interval_s=1, sample_interval_s=10), check=False)
    for session in range(40):
        bench.card(session % 2 + 1, "04A1B2C3")
        bench.run(chance.uniform(0.5, 15))
        bench.network(up=False)
        bench.run(chance.uniform(0.01, 3))
        bench.network(up=True)
        bench.run(chance.uniform(0.01, 3))
        bench.draw(session % 2 + 1, 100)
        bench.stop_session(session % 2 + 1)
        bench.run(chance.uniform(0.01, 2))
    bench.run(200)
    check_ledger(bench)
    assert len(bench.central.ledger) == 40


@pytest.mark.req("OCP-03")
def test_power_cuts_at_any_moment_lose_and_double_nothing() -> None:
    chance = random.Random(11)
    bench = connected(replace(DEFAULTS, retry_interval_s=1), check=False)
    for _ in range(40):
        bench.card(1, "04A1B2C3")
        bench.run(chance.choice([0.001, 0.004, 0.02, 0.05, 0.1, 1, 3]))
        bench.power_cut(off_s=5)
        bench.run(chance.choice([0.001, 0.01, 0.05, 1, 4]))
    bench.run(60)
    assert bench.store.station(UID).messages == {}
    check_ledger(bench)


@pytest.mark.req("OCP-03")
def test_after_a_power_cut_a_transaction_ends_with_no_less_than_was_told() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=10))
    bench.card(1, "04A1B2C3")
    bench.run(2)
    session = bench.outlet(1).session
    assert session is not None
    bench.change(1, register_wh=500, session=replace(session, energy_wh=500))
    bench.run(15)
    bench.power_cut()
    bench.run(60)
    (entry,) = bench.central.ledger.values()
    assert entry.values[-1]["meterValue"][0]["sampledValue"][0]["value"] == "500"
    assert entry.stops[0]["meterStop"] == 500
    check_ledger(bench)


@pytest.mark.req("OCP-03")
@pytest.mark.parametrize("seed", range(4))
def test_after_a_power_cut_neither_end_nor_next_start_is_below_a_triggered_reading(seed: int) -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=0), seed=seed)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    session = bench.outlet(1).session
    assert session is not None
    bench.draw(1, 1_493)
    bench.run(1)
    bench.change(1, register_wh=1_594, session=replace(session, energy_wh=1_594))
    bench.central.call(bench.now_us, "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    while not bench.central.payloads("MeterValues"):
        bench.run(0.001)
    bench.power_cut()
    bench.run(60)
    told = bench.central.payloads("MeterValues")[0]["meterValue"][0]
    (entry,) = bench.central.ledger.values()
    assert entry.stops[0]["meterStop"] == 1_594
    assert seconds(entry.stops[0]["timestamp"]) == pytest.approx(seconds(told["timestamp"]), abs=1)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[-1]["meterStart"] == 1_594


@pytest.mark.req("OCP-03")
def test_after_a_power_cut_no_data_of_a_transaction_are_above_its_end() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=10))
    change(bench, MeterValuesSampledData="", StopTxnSampledData="Energy.Active.Import.Register")
    bench.card(1, "04A1B2C3")
    bench.run(2)
    session = bench.outlet(1).session
    assert session is not None
    bench.change(1, register_wh=500, session=replace(session, energy_wh=500))
    bench.run(15)
    bench.power_cut()
    bench.run(60)
    (stop,) = bench.central.payloads("StopTransaction")
    assert [stop["meterStop"], int(stop["transactionData"][-1]["sampledValue"][0]["value"])] == [500, 500]


@pytest.mark.req("OCP-03")
def test_triggers_at_one_register_are_written_once_and_a_flood_of_them_in_turns() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=0))
    bench.card(1, "04A1B2C3")
    bench.run(2)
    before = bench.store.commits
    asked = {"requestedMessage": "MeterValues", "connectorId": 1}
    for _ in range(20):
        bench.ask("TriggerMessage", asked)
    assert len(bench.central.payloads("MeterValues")) == 20
    assert bench.store.commits - before <= 1
    session = bench.outlet(1).session
    assert session is not None
    for register_wh in range(1, 61):
        bench.change(1, register_wh=register_wh, session=replace(session, energy_wh=register_wh))
        bench.ask("TriggerMessage", asked)
    assert bench.store.commits - before <= 20 + 60 // 2 + 2


@pytest.mark.req("OCP-03")
def test_a_session_begun_before_anybody_knew_the_time_has_the_right_times() -> None:
    bench = Bench(DEFAULTS)
    bench.clock_set = False
    bench.network(up=False)
    bench.run(10)
    bench.card(1, "04A1B2C3")
    bench.run(3_600)
    bench.stop_session(1)
    ended_us = bench.now_us
    bench.run(100)
    bench.network(up=True)
    bench.run(1_000)
    (entry,) = bench.central.ledger.values()
    (stop,) = entry.stops
    assert seconds(stop["timestamp"]) - seconds(entry.start["timestamp"]) == pytest.approx(3_600, abs=1)
    assert seconds(stop["timestamp"]) == pytest.approx(1_767_225_600 + ended_us / SECOND, abs=2)


@pytest.mark.req("OCP-03")
def test_a_message_that_the_central_system_fails_on_is_tried_again_and_given_up() -> None:
    bench = connected()
    bench.central.behaviour.errors["StartTransaction"] = 2
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert bench.central.ledger == {}
    bench.run(200)
    assert len(bench.central.ledger) == 1
    bench.stop_session(1)
    bench.run(2)
    bench.central.behaviour.errors["StartTransaction"] = 10
    bench.card(1, "04A1B2C3")
    bench.run(40 * 60)
    assert bench.outlet(1).session is not None, "the charge goes on"
    assert bench.supervision.problem == ""
    bench.run(10 * 60)
    bench.draw(1, 700)
    bench.stop_session(1)
    bench.run(400)
    assert len(bench.central.ledger) == 1, "given up after ten attempts, and what belongs to it"
    assert bench.store.station(UID).messages == {}
    (record, _) = bench.store.journal(UID).records(2)
    assert record.energy_wh == 700, "the station's own record stays"
    assert "one charge were refused" in bench.services.back_end.problem
    assert bench.supervision.problem == bench.services.back_end.problem


@pytest.mark.req("OCP-03")
@pytest.mark.parametrize("fault", ["error", "nonsense", "silence"])
def test_no_message_id_comes_twice_over_one_connection(fault: str) -> None:
    bench = connected()
    sent: list[tuple[int, str]] = []
    plain = bench.send

    def noted(text: str) -> None:
        if '"StartTransaction"' in text:
            sent.append((bench.context.connection, json.loads(text)[1]))
        plain(text)

    bench.send = noted  # type: ignore[method-assign]
    behaviour = bench.central.behaviour
    match fault:
        case "error":
            behaviour.errors["StartTransaction"] = 1
        case "nonsense":
            behaviour.wrong.add("StartTransaction")
        case "silence":
            behaviour.silent.add("StartTransaction")
    bench.card(1, "04A1B2C3")
    bench.run(31)
    behaviour.wrong.clear()
    behaviour.silent.clear()
    bench.run(100)
    assert len(sent) == len(set(sent)) == 2
    ids = {unique_id for _connection, unique_id in sent}
    assert len(ids) == (1 if fault == "silence" else 2), "what may have arrived is told as a repetition"


@pytest.mark.req("OCP-03")
def test_after_another_connection_nothing_waits_for_its_next_attempt() -> None:
    bench = connected(replace(DEFAULTS, retry_interval_s=1))
    bench.central.behaviour.errors["StartTransaction"] = 1
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert bench.central.ledger == {}
    bench.network(up=False)
    bench.run(1)
    bench.network(up=True)
    bench.run(10)
    assert len(bench.central.ledger) == 1, "not only after the minute between attempts"


@pytest.mark.req("OCP-03")
def test_a_central_system_that_falls_silent_is_left_and_everything_told_again() -> None:
    bench = connected()
    bench.central.behaviour.silent.add("*")
    bench.card(1, "04A1B2C3")
    bench.run(120)
    attempts = len(bench.attempts)
    assert attempts >= 2, "a silent connection is given up"
    bench.central.behaviour.silent.clear()
    bench.stop_session(1)
    bench.run(1_000)
    check_ledger(bench)


@pytest.mark.req("OCP-02")
def test_attempts_to_connect_wait_longer_and_longer_and_never_two_at_once() -> None:
    bench = Bench(replace(DEFAULTS, retry_interval_s=10))
    bench.network(up=False)
    bench.run(3_000)
    gaps = [(later - earlier) / SECOND for earlier, later in itertools.pairwise(bench.attempts)]
    assert all(3 <= gap <= 121 for gap in gaps)
    assert max(gaps[:2]) <= 21
    assert min(gaps[-5:]) >= 40


# --- meter values ----------------------------------------------------------------------------------------------------


def change(bench: Bench, **values: str) -> None:
    for key, value in values.items():
        assert bench.ask("ChangeConfiguration", {"key": key, "value": value})["status"] == "Accepted"


@pytest.mark.req("OCP-02")
def test_periodic_and_clock_aligned_values_with_their_contexts() -> None:
    bench = connected()
    change(bench, MeterValueSampleInterval="60", ClockAlignedDataInterval="300", MeterValuesSampledData="Voltage.L1")
    bench.card(1, "04A1B2C3")
    bench.run(601)
    entry = bench.central.ledger[1]
    told = [each["meterValue"][0] for each in entry.values]
    contexts = [each["sampledValue"][0]["context"] for each in told]
    assert contexts.count("Sample.Periodic") == 10
    assert contexts.count("Sample.Clock") == 2
    aligned = [each for each in told if each["sampledValue"][0]["context"] == "Sample.Clock"]
    assert all(seconds(each["timestamp"]) % 300 < 0.1 for each in aligned)
    idle = [each for each in bench.central.payloads("MeterValues") if each["connectorId"] == 2]
    assert len(idle) == 2, "without a transaction the clock's values are told too"
    assert all("transactionId" not in each for each in idle)


@pytest.mark.req("OCP-01")
def test_a_stop_tells_the_data_of_its_transaction() -> None:
    bench = connected()
    change(bench, StopTxnSampledData="Energy.Active.Import.Register", StopTxnAlignedData="Current.Import.L1")
    change(bench, ClockAlignedDataInterval="300")
    bench.card(1, "04A1B2C3")
    bench.run(601)
    bench.stop_session(1)
    bench.run(2)
    data = bench.central.payloads("StopTransaction")[0]["transactionData"]
    contexts = [each["sampledValue"][0]["context"] for each in data]
    assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
    assert contexts.count("Sample.Periodic") == 10
    assert contexts.count("Sample.Clock") == 2


def test_the_data_of_a_transaction_outlive_a_restart_of_the_services() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=10))
    change = {"key": "StopTxnSampledData", "value": "Energy.Active.Import.Register"}
    assert bench.ask("ChangeConfiguration", change) == {"status": "Accepted"}
    bench.start_session(1, "04A1B2C3")
    bench.run(25)
    bench.restart_services()
    bench.run(20)
    bench.stop_session(1)
    bench.run(5)
    (stop,) = bench.central.payloads("StopTransaction")
    contexts = [value["sampledValue"][0]["context"] for value in stop["transactionData"]]
    assert contexts == ["Transaction.Begin", *["Sample.Periodic"] * 5, "Transaction.End"], (
        "one at once after the restart"
    )


def test_a_stop_after_a_power_cut_tells_what_was_collected_before_it() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=10))
    change = {"key": "StopTxnSampledData", "value": "Energy.Active.Import.Register"}
    assert bench.ask("ChangeConfiguration", change) == {"status": "Accepted"}
    bench.start_session(1, "04A1B2C3")
    bench.run(25)
    bench.power_cut()
    bench.run(30)
    bench.start_session(1, "04A1B2C3")
    bench.run(5)
    bench.stop_session(1)
    bench.run(5)
    first, second = bench.central.payloads("StopTransaction")
    assert first["reason"] == "PowerLoss"
    assert [len(each.get("transactionData", ())) for each in (first, second)] == [3, 2]


def test_the_data_of_a_long_transaction_stays_small() -> None:
    bench = connected()
    change(bench, StopTxnSampledData="Energy.Active.Import.Register,Current.Import", MeterValueSampleInterval="10")
    bench.card(1, "04A1B2C3")
    bench.run(1_500)
    bench.stop_session(1)
    bench.run(10)
    data = bench.central.payloads("StopTransaction")[0]["transactionData"]
    assert sum(len(each["sampledValue"]) for each in data) <= 310
    assert data[0]["sampledValue"][0]["context"] == "Transaction.Begin"


@pytest.mark.req("OCP-01")
def test_energy_of_an_interval_is_that_of_its_own_list() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=20))
    interval = "Energy.Active.Import.Interval"
    change(bench, MeterValuesSampledData=interval, MeterValuesAlignedData=interval, StopTxnSampledData=interval)
    change(bench, ClockAlignedDataInterval="30")
    bench.start_session(1, "04A1B2C3")
    for _ in range(120):
        bench.draw(1, 1)
        bench.run(1)
    bench.stop_session(1)
    bench.run(2)
    told: dict[str, list[int]] = {}
    for payload in bench.central.payloads("MeterValues"):
        if payload["connectorId"] == 1:
            value = payload["meterValue"][0]["sampledValue"][0]
            told.setdefault(value["context"], []).append(int(value["value"]))
    assert {20} == set(told["Sample.Periodic"])
    assert {30} == set(told["Sample.Clock"][1:])
    data = bench.central.payloads("StopTransaction")[0]["transactionData"]
    assert sum(int(each["sampledValue"][0]["value"]) for each in data) == 120


def test_the_data_of_a_transaction_are_not_written_at_each_reading() -> None:
    bench = connected(replace(DEFAULTS, sample_interval_s=1))
    change(bench, StopTxnSampledData="Energy.Active.Import.Register")
    journal = bench.services._journal
    plain = journal.commit
    texts: list[str] = []

    def counted(writes: Any, done: Any) -> None:
        texts.extend(write.name for write in writes if isinstance(write, KeepDocument))
        plain(writes, done)

    journal.commit = counted  # type: ignore[method-assign]
    bench.start_session(1, "04A1B2C3")
    bench.run(100)
    assert 9 <= texts.count("transaction data 1") <= 11
    bench.stop_session(1)
    bench.run(10)
    assert len(bench.central.payloads("StopTransaction")[0]["transactionData"]) > 100
