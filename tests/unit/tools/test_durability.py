"""How long runs of kills and crash images are divided."""

from __future__ import annotations

import pytest

from tools.durability import ROOT, Batch, energy_batches, image_batches, kill_batches, race_batches, run


def test_images_come_from_many_stories() -> None:
    batches = list(image_batches(12_000, 7))
    assert [batch.amount for batch in batches] == [5_000, 5_000, 2_000]
    assert [batch.variables["EVSE_RANDOM"] for batch in batches] == ["7", "8", "9"]
    assert sum(int(batch.variables["EVSE_IMAGES"]) for batch in batches) == 12_000


def test_one_kill_in_a_hundred_is_one_of_a_whole_station() -> None:
    batches = list(kill_batches(10_000, 1))
    writer = [batch.amount for batch in batches if "EVSE_KILLS" in batch.variables]
    station = [batch.amount for batch in batches if "EVSE_STATION_KILLS" in batch.variables]
    assert (sum(writer), sum(station)) == (9_900, 100)
    assert max(station) == 10, "a test of a station has four minutes"
    assert [batch.variables["EVSE_RANDOM"] for batch in batches[-2:]] == ["9", "10"], "each from another random number"
    assert [batch.amount for batch in kill_batches(1, 1)] == [1]


def test_energy_is_walked_in_batches_without_a_walk_twice() -> None:
    batches = list(energy_batches(300, 100))
    assert sum(batch.amount for batch in batches) >= 300
    walks = [(int(b.variables["EVSE_RANDOM"]), int(b.variables["EVSE_WALKS"])) for b in batches]
    assert walks == [(100, 15), (115, 15), (130, 13)]


def test_races_are_drawn_anew_in_each_batch() -> None:
    batches = list(race_batches(300, 7))
    assert [batch.amount for batch in batches] == [125, 125, 125]
    assert [batch.variables["EVSE_RANDOM"] for batch in batches] == ["7", "8", "9"]
    assert len(list(race_batches(125, 1))) == 1


def test_every_batch_names_a_test_that_exists() -> None:
    for batch in (*image_batches(1, 1), *kill_batches(200, 1), *energy_batches(1, 1), *race_batches(1, 1)):
        path, _, name = batch.test.partition("::")
        assert f"def {name or 'test_'}" in (ROOT / path).read_text(encoding="utf-8")


def test_a_failed_batch_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    batches = [Batch("a", {}, 3), Batch("b", {}, 4)]
    assert run(iter(batches), "kills", lambda batch: batch.test == "a") == 1
    assert "7 kills, 1 batches failed" in capsys.readouterr().out
    assert run(iter(batches), "kills", lambda _batch: True) == 0
