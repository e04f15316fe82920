"""Every profile: a session, a fault by its cause in the world, a restart, another session. A selection of all faults.

All of them: ``tools/campaign --faults``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.load import shipped_profiles
from evse.core.faults import BY_NAME
from evse.sim.story_boards import Feature, board_of
from tools.fault_cases import load
from tools.fault_walk import Walk, all_walks, run_walk, selection, walks

PER_PROFILE = 2


@pytest.mark.timeout(300)  # a machine that is busy with other things takes its time
@pytest.mark.req("STA-01", "STA-02", "OUT-05", "OUT-08")
@pytest.mark.parametrize("profile", shipped_profiles())
def test_a_profile_finds_its_faults_and_serves_the_next_user(profile: str) -> None:
    for walk in selection(profile, PER_PROFILE):
        outcome = run_walk(walk)
        assert not outcome.problem, f"{outcome.name}: {outcome.problem}"


@pytest.mark.req("OUT-05", "OUT-08")
def test_between_them_the_profiles_can_have_every_fault() -> None:
    assert {walk.case.fault for walk in all_walks()} == set(BY_NAME) - set(load().not_yet)
    assert {walk.dumb for profile in shipped_profiles() for walk in selection(profile, PER_PROFILE)} == {True, False}


@pytest.mark.req("STA-02", "STA-07")
def test_a_board_is_walked_through_what_it_has_and_nothing_else() -> None:
    def cases(profile: str) -> set[str]:
        return {walk.case.id for walk in walks(profile)}

    assert cases("city") >= {"shutter-forced", "city-breaker", "lock-forced", "proximity-open"}
    assert cases("smart-wallbox-key-t2") >= {"pilot-short", "over-current-hard", "weld"}
    assert not cases("smart-wallbox-key-t2") & {"lock-forced", "proximity-open", "reader-cut", "shutter-forced"}
    assert cases("parking-te") >= {"domestic-weld", "domestic-hard", "too-hot", "rail-low"}
    assert not cases("parking-te") & {"pilot-short", "weld", "lock-forced"}
    assert "thor-cards-erased" in cases("thor")
    assert "ventilation" not in cases("example"), "it stands outdoors"
    two_sockets = list(walks("parking-t2-te"))
    assert {walk.domestic for walk in two_sockets if walk.case.id == "too-hot"} == {True, False}
    assert board_of("parking-t2-te").has(Feature.DOMESTIC)


@pytest.mark.req("OUT-05")
def test_a_walk_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = next(each for each in walks("parking-1") if each.case.id == "residual-ac")
    monkeypatch.setattr("evse.core.detectors.FaultDetectors.present", lambda *_, **__: [])
    assert run_walk(Walk(walk.profile, walk.case, walk.domestic, walk.dumb)).problem


def test_a_board_of_ones_own_is_walked_by_its_file(tmp_path: Path) -> None:
    board = tmp_path / "mine.yaml"
    board.write_text(
        "schema: 1\nkind: station\nname: mine\nfamily: other\nstation: {phases: 1}\n"
        "outlets: [{number: 1, rated_current_a: 16, reader: {}}]\n",
        encoding="utf-8",
    )
    found = list(all_walks([str(board)]))
    assert {walk.profile for walk in found} == {str(board)}
    assert len(found) > 40
    assert run_walk(found[0]).problem == ""
