from __future__ import annotations

import pytest

from evse.services.settings.registry import SETTINGS
from tools.settings_table import BEGIN, END, PAGE, ROOT, page


@pytest.mark.req("CFG-01")
def test_the_page_is_what_the_registry_says() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page(text) == text, "python -m tools.settings_table --write"
    assert [setting.key for setting in SETTINGS if f"| `{setting.key}` |" not in text] == []


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        page(f"{END}{BEGIN[:10]}")
