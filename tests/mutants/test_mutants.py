"""The planted bugs still apply, and a few of them are found in every check; ``tools/mutants`` runs them all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import mutants

CATALOGUE = mutants.catalogue()


@pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.id)
def test_the_bug_can_be_planted(mutant: mutants.Mutant) -> None:
    """Its old text stands exactly once in its file, and the file with the bug in it is still a program."""
    ast.parse(mutants.planted(mutant, mutants.ROOT))


def test_a_bug_whose_text_is_gone_is_told(tmp_path: Path) -> None:
    mutant = CATALOGUE[0]
    file = tmp_path / mutant.file
    file.parent.mkdir(parents=True)
    file.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(mutants.StaleMutantError, match=mutant.id):
        mutants.planted(mutant, tmp_path)


def test_the_bugs_have_different_names_and_enough_of_them() -> None:
    assert len({mutant.id for mutant in CATALOGUE}) == len(CATALOGUE) >= 40
    assert sum(mutant.cheap for mutant in CATALOGUE) >= 3


@pytest.mark.req("SIM-03")
def test_the_cheap_ones_are_found(tmp_path: Path) -> None:
    """Each by an invariant, in the scenario that is asked first."""
    mutants.copy_tree(tmp_path)
    mutants.compile_tree(tmp_path)
    for mutant in CATALOGUE:
        if mutant.cheap:
            finding = mutants.try_mutant(mutant, tmp_path)
            assert finding.found, mutants.report(finding)
            assert finding.by.startswith("invariant"), mutants.report(finding)


def test_the_page_lists_every_bug_with_what_found_it() -> None:
    rows = [line for line in mutants.PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == sorted(mutant.id for mutant in CATALOGUE)
    assert not [row for row in rows if "| nothing |" in row]


def test_the_copy_is_what_runs(tmp_path: Path) -> None:
    """A bug that breaks the copy at once is seen there, and the project itself is untouched."""
    mutants.copy_tree(tmp_path)
    (tmp_path / "evse" / "core" / "pilot.py").write_text("raise RuntimeError('planted')\n", encoding="utf-8")
    answer = mutants.run_in(tmp_path, ())
    assert answer["by"] == "crash"
    assert "planted" in answer["detail"]


def test_a_run_without_an_end_is_stopped_by_its_processor_time(tmp_path: Path) -> None:
    mutants.copy_tree(tmp_path)
    tool = tmp_path / "tools" / "mutants.py"
    tool.write_text(tool.read_text(encoding="utf-8").replace("CPU_LIMIT_S = 900", "CPU_LIMIT_S = 1"), encoding="utf-8")
    (tmp_path / "evse" / "core" / "pilot.py").write_text("while True: pass\n", encoding="utf-8")
    answer = mutants.run_in(tmp_path, ())
    assert answer["by"] == "crash"
    assert "processor time" in answer["detail"]
