"""Every name that the core gives as a reason or a limit has plain words."""

from __future__ import annotations

import re
from pathlib import Path

import evse.core
from evse.core.faults import CATALOGUE
from evse.web.words import LIMITS, REASONS, fault_words, reason_words

CORE = Path(evse.core.__file__).parent


def test_every_reason_of_the_core_has_words() -> None:
    interlock = re.findall(r'reasons\.append\("(\w+)"\)', (CORE / "interlock.py").read_text())
    outlet = (CORE / "outlet_offer.py").read_text()
    waiting = re.findall(r'reasons\.append\("(\w+)"\)', outlet)
    offer = re.findall(r'^            "([A-Z]\w+)": ', outlet, re.MULTILINE)
    assert len(interlock) >= 10
    assert len(offer) >= 10
    assert sorted({*interlock, *waiting, *offer} - set(REASONS)) == []


def test_every_limit_of_the_core_has_words() -> None:
    named = [name for file in CORE.glob("*.py") for name in re.findall(r'constant\("([^"]+)"', file.read_text())]
    assert len(named) >= 8
    assert sorted(set(named) - set(LIMITS)) == []


def test_a_fault_is_its_meaning_and_an_unknown_name_stays() -> None:
    assert set(fault_words()) == {kind.name for kind in CATALOGUE}
    assert reason_words("DiodeFault") == fault_words()["DiodeFault"]
    assert reason_words("NoVehicle") == "No vehicle is connected"
    assert reason_words("Whatever") == "Whatever"
