"""Draws the state machines from their tables into ``docs/state-machines.md``.

    python -m tools.draw_machines --write     renew the document
    python -m tools.draw_machines --check     exit 1 when it is out of date

The diagrams are Mermaid, made by the ``transitions`` package itself, so that they show the very machine that runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from transitions.extensions import GraphMachine

from evse.core.machine import TransitionTable
from evse.core.offer import OFFER_TABLE
from evse.core.outlet_status import OUTLET_TABLE
from evse.core.service_button import BUTTON_TABLE
from evse.links.ocpp.link import LINK_TABLE

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "state-machines.md"
HEAD = """# State machines

Drawn from the tables in the code by `python -m tools.draw_machines --write`; a test fails when this page is out of date.
Conditions and times live beside the tables: `evse/core/procedure.py` for the outlet, `evse/core/offer.py` for the pilot.
"""
PAGES = (
    ("Outlet Status", OUTLET_TABLE, "`evse/core/outlet_status.py`"),
    ("Pilot offer", OFFER_TABLE, "`evse/core/offer.py`"),
    ("Service button", BUTTON_TABLE, "`evse/core/service_button.py`"),
    ("Connection to the central system", LINK_TABLE, "`evse/links/ocpp/link.py`"),
)


class _Model:
    """The diagram engine wants something that could have a state."""


def mermaid(table: TransitionTable) -> str:
    """Return the table as a Mermaid state diagram."""
    machine = GraphMachine(
        model=_Model(),
        states=list(table.states),
        transitions=[{"trigger": row.trigger, "source": list(row.sources), "dest": row.target} for row in table.rows],
        initial=table.initial,
        auto_transitions=False,
        graph_engine="mermaid",
        title=table.name,
    )
    text = str(machine.get_combined_graph().draw(None))
    # The engine paints the present state; a drawing of the table has none.
    return "\n".join(line.rstrip() for line in text.splitlines() if not line.strip().startswith(("Class", "classDef")))


def document() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, table, source in PAGES:
        rows = [
            f"| `{row.trigger}` | {', '.join(f'`{each}`' for each in row.sources)} | `{row.target}` | {row.clause} |"
            for row in table.rows
        ]
        head = ["| trigger | from | to | source |", "|---|---|---|---|"]
        parts.append(f"## {title}\n\nTable in {source}.\n\n```mermaid\n{mermaid(table)}\n```\n")
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description="Draw the state machines from their tables.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    text = document()
    if options.write:
        DOCUMENT.write_text(text)
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == text:
        return 0
    print(f"{DOCUMENT.name} is out of date: run python -m tools.draw_machines --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
