"""The table of meters for ``docs/meters.md``, from the maps themselves: ``python -m boards.meter_reference docs/meters.md``.

The file keeps its own words; only what stands between the two marker lines is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from boards.meter_load import Meter, load_meter, shipped_meters

BEGIN: Final = "<!-- meters: begin (python -m boards.meter_reference docs/meters.md) -->"
END: Final = "<!-- meters: end -->"

_LIST: Final = {"direct": "direct", "data_logger": "behind a ProData 2", "no": "-"}


def table() -> str:
    """Every shipped meter as Markdown: those that can be read, then those without a public map."""
    meters = [load_meter(name) for name in shipped_meters()]
    lines = [
        "| map | meter | THØR list | use | links | grade | reads with | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(meter) for meter in meters if meter.map is not None]
    lines += ["", "No public map, so this version cannot read them:", "", "| name | meter | THØR list | looked for |"]
    lines.append("|---|---|---|---|")
    lines += [
        _cells(f"`{each.model.name}`", _title(each), _LIST[each.model.thor_list], each.model.source)
        for each in meters
        if each.map is None
    ]
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """``text`` with the part between the markers replaced. Raises ValueError without the markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the file lacks the marker lines")
    return f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"


def _row(meter: Meter) -> str:
    model = meter.model
    return _cells(
        f"`{model.name}`",
        _title(meter),
        _LIST[model.thor_list],
        ", ".join(model.use),
        ", ".join(model.links).upper(),
        model.confidence or "",
        f"FC {model.function}, {len(model.registers)} values in {0 if meter.map is None else len(meter.map.spans())} requests",
        model.source,
    )


def _title(meter: Meter) -> str:
    return f"{meter.model.manufacturer} {', '.join(meter.model.models)}"


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str]) -> int:
    """Rewrite the table in the file named, or print it."""
    if not arguments:
        sys.stdout.write(table())
        return 0
    path = Path(arguments[0])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
