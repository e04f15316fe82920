"""Commands beside each other: all are shown, the first failure ends the others, which may clear up."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import lanes
from tools.lanes import Lane

FOREVER = """
import pathlib, sys, time
try:
    pathlib.Path(sys.argv[1]).write_text("runs")
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path(sys.argv[1]).write_text("cleared up")
"""
FAIL_LATER = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
print("what went wrong")
sys.exit(3)
"""


def python(name: str, program: str, *arguments: str) -> Lane:
    return Lane(name, (sys.executable, "-S", "-c", program, *arguments))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LOOK_S", 0.01)


def test_all_run_at_once_and_are_shown_with_how_they_ended(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    meet = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\n" + (
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\nprint('met', sys.argv[1][-1])"
    )
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    assert lanes.run([python("one", meet, a, b), python("two", meet, b, a)]) == 0
    shown = capfd.readouterr().out
    assert "met a\n--- one: status 0, " in shown
    assert "met b\n--- two: status 0, " in shown


@pytest.fixture(params=["in front", "in the background"])
def interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """A shell without job control starts what runs in the background deaf to interrupts."""
    before = signal.getsignal(signal.SIGINT)
    if request.param != "in front":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_a_failure_ends_the_others_which_may_clear_up(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    begin = time.monotonic()
    assert lanes.run([python("long", FOREVER, str(mark)), python("bad", FAIL_LATER, str(mark))]) == 3
    assert time.monotonic() - begin < 30
    assert mark.read_text() == "cleared up"
    assert "what went wrong\n--- bad: status 3, " in capfd.readouterr().out


def test_who_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, "END_S", 0.05)
    deaf = "import pathlib, signal, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); " + (
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    mark = str(tmp_path / "mark")
    begin = time.monotonic()
    assert lanes.run([python("deaf", deaf, mark), python("bad", FAIL_LATER, mark)]) == 3
    assert time.monotonic() - begin < 30
