"""A second start installs nothing and waits for nothing; ``tools/bench start`` judges the goal of 3 s."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 10.0
"""A bound that a slow machine keeps too."""

pytestmark = [
    pytest.mark.skipif(
        not Path(sys.prefix).is_relative_to(ROOT / ".venv"),
        reason="not run by tools/test: the project's own environment would have to be made first",
    ),
]


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(
    ("tool", "argument", "module"), [("run", "--help", "evse.app.cli"), ("test", "--version", "tools.check")]
)
def test_a_second_start_installs_nothing_and_is_soon_there(
    tool: str, argument: str, module: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not part of this tree")
    # The interpreter behind the environment, found as a user's shell would find it.
    base = Path(getattr(sys, "_base_executable", sys.executable))
    env = {**os.environ, "EVSE_PYTHON": str(base)}
    begin = time.monotonic()
    done = subprocess.run(
        [str(ROOT / "tools" / tool), argument], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    assert "setting up" not in done.stderr
    assert seconds < LIMIT_S
