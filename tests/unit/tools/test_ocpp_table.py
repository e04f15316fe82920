from __future__ import annotations

import pytest

from tools import ocpp_table
from tools.ocpp_table import DOCUMENT, MESSAGES, TableError, tables, with_tables


@pytest.mark.req("OCP-01")
def test_the_document_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_tables(text) == text, "python -m tools.ocpp_table --write"


def test_a_message_without_a_row_and_a_row_without_a_test_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dict(MESSAGES)
    row = rows.pop("Reset")
    monkeypatch.setattr(ocpp_table, "MESSAGES", rows)
    with pytest.raises(TableError, match="Reset"):
        tables()
    rows["Reset"] = (row[0], row[1], "test_that_nobody_wrote")
    with pytest.raises(TableError, match="test_that_nobody_wrote"):
        tables()
