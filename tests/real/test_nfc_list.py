"""Somebody else's software reads cards from the PN532's twin: Debian's nfc-list over a pseudo-terminal.

The twin runs in its own process with the very program that ``docs/hardware/rfid-reader.md`` prints.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.real, pytest.mark.req("AUT-10")]


@pytest.fixture
def nfc_list() -> str:
    program = shutil.which("nfc-list")
    if program is None:
        message = "nfc-list is not installed (Debian: libnfc-bin)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start the documented program with these UIDs; returns the path of its device."""
    page = (ROOT / "docs" / "hardware" / "rfid-reader.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None, "the page prints the program"
    script = tmp_path / "reader.py"
    script.write_text(found[1], encoding="utf-8")
    running: list[subprocess.Popen[str]] = []

    def start(*uids: str) -> str:
        link = tmp_path / f"reader{len(running)}"
        process = subprocess.Popen(
            [sys.executable, str(script), str(link), *uids],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("/dev/pts/")
        return str(link)

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)


def uids_printed(nfc_list: str, device: str) -> list[str]:
    result = subprocess.run(
        [nfc_list, "-t", "1"],
        env={**os.environ, "LIBNFC_DEVICE": f"pn532_uart:{device}:115200", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^NFC device: .* opened$", result.stdout, re.MULTILINE), result.stdout + result.stderr
    return [uid.replace(" ", "").upper() for uid in re.findall(r"UID \(NFCID[13]\): ([0-9a-f ]+)", result.stdout)]


@pytest.mark.parametrize("uid", ["DEADBEEF", "04112233445566", "0102030405060708090A"], ids=["4", "7", "10"])
def test_nfc_list_prints_the_uid(nfc_list: str, reader: Callable[..., str], uid: str) -> None:
    assert uids_printed(nfc_list, reader(uid)) == [uid]


def test_nfc_list_finds_no_card_where_there_is_none(nfc_list: str, reader: Callable[..., str]) -> None:
    assert uids_printed(nfc_list, reader()) == []


def test_nfc_list_may_open_the_device_again_and_again(nfc_list: str, reader: Callable[..., str]) -> None:
    device = reader("04A1B2C3")
    for _ in range(3):
        assert uids_printed(nfc_list, device) == ["04A1B2C3"]
