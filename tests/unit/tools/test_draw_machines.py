"""The drawn state machines are those of the code."""

from __future__ import annotations

import pytest

from evse.core.outlet_status import OUTLET_TABLE
from tools.draw_machines import document, main, mermaid


@pytest.mark.req("OUT-01")
def test_the_page_is_up_to_date_and_shows_every_row() -> None:
    assert main(["--check"]) == 0
    drawing = mermaid(OUTLET_TABLE)
    for row in OUTLET_TABLE.rows:
        for source in row.sources:
            assert f"{source} --> {row.target}: " in drawing
            assert row.trigger in drawing
    assert document().count("```mermaid") == 4
