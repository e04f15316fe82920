"""The requirements table finds every way to mark a test and fails on everything that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import requirements_table
from tools.requirements_table import Marks, Proof, TableError

PAGE = """# Requirements

Rows with at least one test: **0 of 0**

| id | requirement | tests |
| --- | --- | --- |
| PIL-01 | Levels. | — |
| OUT-02 | Errors. | — |
"""


def project(tmp_path: Path, page: str = PAGE, **files: str) -> Path:
    """Write a small project whose test files are ``files`` (name without extension, content)."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "requirements.md").write_text(page, encoding="utf-8")
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    for name, source in files.items():
        (tmp_path / "tests" / "unit" / f"{name}.py").write_text(source, encoding="utf-8")
    return tmp_path


def marks_of(tmp_path: Path, source: str) -> Marks:
    return requirements_table.collect(project(tmp_path, test_a=source) / "tests")


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("@pytest.mark.req('PIL-01')\ndef test_x(): ...", "test_x"),
        ("@mark.req('PIL-01')\ndef test_x(): ...", "test_x"),
        ("@pytest.mark.req('PIL-01')\nasync def test_x(): ...", "test_x"),
        ("@pytest.mark.req('PIL-01')\nclass TestA:\n    def test_x(self): ...", "TestA.test_x"),
        ("class TestA:\n    pytestmark = pytest.mark.req('PIL-01')\n    def test_x(self): ...", "TestA.test_x"),
        ("pytestmark = pytest.mark.req('PIL-01')\ndef test_x(): ...", "test_x"),
        ("pytestmark = [pytest.mark.real, pytest.mark.req('PIL-01')]\ndef test_x(): ...", "test_x"),
        (
            "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.req('PIL-01'))])\ndef test_x(a): ...",
            "test_x",
        ),
        ("CASES = [pytest.param(1, marks=[pytest.mark.req('PIL-01')])]", ""),
    ],
)
def test_a_mark_is_found_wherever_pytest_accepts_it(tmp_path: Path, source: str, test: str) -> None:
    marks = marks_of(tmp_path, source)
    assert marks.proofs == {"PIL-01": {Proof("tests/unit/test_a.py", test)}}
    assert marks.problems == []


def test_marks_of_module_class_and_function_add_up(tmp_path: Path) -> None:
    source = """
pytestmark = pytest.mark.req("PIL-01")
class TestA:
    @pytest.mark.req("OUT-02", "STA-01")
    def test_x(self): ...
    def test_y(self): ...
    def helper(self): ...
"""
    marks = marks_of(tmp_path, source)
    x, y = (Proof("tests/unit/test_a.py", f"TestA.test_{name}") for name in "xy")
    assert marks.proofs == {"PIL-01": {x, y}, "OUT-02": {x}, "STA-01": {x}}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("@pytest.mark.req(NAME)\ndef test_x(): ...", "ids written out as text"),
        ("@pytest.mark.req()\ndef test_x(): ...", "takes ids"),
        ("@pytest.mark.req(id='PIL-01')\ndef test_x(): ...", "takes ids"),
        ("@pytest.mark.req('PIL-01')\ndef helper(): ...", "belongs to no test"),
        ("def test_x(:", "tests/unit/test_a.py:1:"),
    ],
)
def test_a_mark_that_proves_nothing_is_a_problem(tmp_path: Path, source: str, problem: str) -> None:
    marks = marks_of(tmp_path, source)
    assert any(problem in line for line in marks.problems), marks.problems
    with pytest.raises(TableError, match="test_a"):
        requirements_table.render(PAGE, marks)


def test_write_makes_check_pass_and_lists_the_tests(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        test_b="@pytest.mark.req('PIL-01')\ndef test_z(): ...\n@pytest.mark.req('PIL-01')\ndef test_y(): ...",
        test_a="@pytest.mark.req('PIL-01')\ndef test_x(): ...",
    )
    assert requirements_table.main(["--check"], root) == 1
    assert requirements_table.main(["--write"], root) == 0
    assert requirements_table.main(["--check"], root) == 0
    page = (root / "docs" / "requirements.md").read_text(encoding="utf-8")
    assert "Rows with at least one test: **1 of 2**" in page
    assert (
        "| PIL-01 | Levels. | [unit/test_a.py](../tests/unit/test_a.py): test_x"
        "<br>[unit/test_b.py](../tests/unit/test_b.py): test_y, test_z |" in page
    )
    assert "| OUT-02 | Errors. | — |" in page


def test_check_fails_when_a_proof_disappears(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, test_a="@pytest.mark.req('PIL-01')\ndef test_x(): ...")
    assert requirements_table.main(["--write"], root) == 0
    (root / "tests" / "unit" / "test_a.py").write_text("def test_x(): ...", encoding="utf-8")
    assert requirements_table.main(["--check"], root) == 1
    assert "out of date" in capsys.readouterr().err


def test_an_unknown_id_fails_check_and_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, test_a="@pytest.mark.req('PIL-99')\ndef test_x(): ...")
    for option in ("--check", "--write"):
        assert requirements_table.main([option], root) == 1
        assert "tests/unit/test_a.py: test_x names the unknown requirement PIL-99" in capsys.readouterr().err
    assert (root / "docs" / "requirements.md").read_text(encoding="utf-8") == PAGE


@pytest.mark.parametrize(
    ("row", "problem"),
    [("| PIL-01 | Again. | — |", "PIL-01 is there twice"), ("| PIL-03 | Cells missing |", "a row is")],
)
def test_a_broken_table_is_refused(row: str, problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        requirements_table.render(f"{PAGE}{row}\n", Marks())
