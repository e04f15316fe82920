"""The table of every key for ``profiles/README.md``, from the schema itself: ``python -m boards.reference FILE``.

The file keeps its own words; only what stands between the two marker lines is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from boards.explain import describe_field, fields_of, model_of
from boards.keys import Strict, info_of
from boards.quirks import QUIRKS
from boards.schema import Device, Outlet, StationProfile
from boards.schema_lines import DeviceLine, InstallerLine
from boards.schema_wire import Wire

BEGIN = "<!-- keys: begin (python -m boards.reference profiles/README.md) -->"
END = "<!-- keys: end -->"

_ANYWHERE: dict[type[Strict], str] = {
    Wire: "wire.",
    Device: "device.",
    InstallerLine: "installer_line.",
    DeviceLine: "device_line.",
}


def key_rows() -> list[tuple[str, FieldInfo]]:
    """Every key of the schema as written in YAML (``outlets[].timings.lock.tries``), in the schema's order.

    Parts that stand in several places are told once, as ``wire`` and ``device``.
    """
    return list(_rows(StationProfile, "", set()))


def table() -> str:
    """The keys as Markdown, one table per mapping, so that each table is short."""
    lines: list[str] = []
    section: str | None = None
    for path, field in sorted(key_rows(), key=lambda row: row[0].rpartition(".")[0] != ""):
        holder = path.rpartition(".")[0]
        if holder != section:
            section = holder
            lines += ["", f"### `{holder}`" if holder else "### Top level", ""]
            lines += ["| key | meaning | values | unit | default | source | driven |", "|---|---|---|---|---|---|---|"]
        lines.append(_line(path, field))
    lines += ["", "### `quirks[]`", "", "| name | what | why | driven |", "|---|---|---|---|"]
    lines += [
        f"| `{each.name}` | {each.what} | {each.reason} | {'yes' if each.driven else 'not yet'} |"
        for each in QUIRKS.values()
    ]
    return "\n".join(lines).strip() + "\n"


def with_table(text: str) -> str:
    """``text`` with the part between the markers replaced. Raises ValueError without the markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the file lacks the marker lines")
    return f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"


def _rows(model: type[Strict], prefix: str, seen: set[type[Strict]]) -> Iterator[tuple[str, FieldInfo]]:
    nested: list[tuple[type[Strict], str]] = []
    for name, field in fields_of(model).items():
        yield f"{prefix}{name}", field
        inner = model_of(field.annotation)
        if inner is not None and inner not in seen:
            seen.add(inner)
            many = isinstance(field.default, list) or inner is Outlet
            nested.append((inner, _ANYWHERE.get(inner) or f"{prefix}{name}{'[]' if many else ''}."))
    for inner, deeper in nested:
        yield from _rows(inner, deeper, seen)


def _line(path: str, field: FieldInfo) -> str:
    info = info_of(field)
    cells = (
        f"`{path.rpartition('.')[2]}`",
        field.description or "",
        _values(field).removesuffix(f" {info.unit}"),
        info.unit or "-",
        _default(field),
        info.source,
        "yes" if info.driven else "not yet",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(field: FieldInfo) -> str:
    """What a key takes; a form that stands in several places by its name."""
    form = _ANYWHERE.get(inner) if (inner := model_of(field.annotation)) is not None else None
    return describe_field(field).replace("a mapping of keys", f"`{form[:-1]}`") if form else describe_field(field)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or value is ...:
        return "**required**"
    if isinstance(value, Strict):
        return "its keys' defaults"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if value is None:
        return "`null`"
    return "empty" if value in ("", []) else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


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
