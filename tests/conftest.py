"""What all tests share: repeatable property tests, and what happens without a program or a board.

Nothing here may slow down a unit test; fixtures of one subject live beside its tests.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

import pytest
from hypothesis import settings

from tools import debian

# A check starts hundreds of processes, and each worker rewrites the assertions of all test modules: what was compiled once
# is kept, also where the environment says otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is imported and collected stays to the end: the collector of garbage need not look at it once, let alone again and again.
gc.disable()

# "check" finds the same examples every time, so that a red check is red for everybody. "search" looks for new ones:
# HYPOTHESIS_PROFILE=search; a failing example it prints becomes an @example of the test.
settings.register_profile("check", derandomize=True, deadline=None, database=None, max_examples=50)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a board, unless asked for it."""
    if os.environ.get("EVSE_HARDWARE") == "1":
        return
    skip = pytest.mark.skip(reason="needs a board; EVSE_HARDWARE=1 runs it")
    for item in items:
        if item.get_closest_marker("hardware") is not None:
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but not looked for in what was there before the first test."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def system_program() -> Callable[[str], str]:
    """Give the path of a program of ``tools.debian.PROGRAMS``; without it the test is skipped, in CI it fails."""

    def path_of(name: str) -> str:
        path = debian.find(name)
        if path is None:
            reason = f"{name} is not installed (apt-get install {debian.PROGRAMS[name].package})"
            if debian.in_ci():
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return path_of
