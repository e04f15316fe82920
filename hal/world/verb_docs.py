"""The verbs as a table for people; ``python -m hal.world.verb_docs docs/world.md`` brings the document up to date."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hal.world.verb_spec import Verb, VerbParam
from hal.world.verb_table import VERBS

BEGIN: Final = "<!-- verbs: begin -->"
END: Final = "<!-- verbs: end -->"


def as_markdown(verbs: Sequence[Verb] = VERBS) -> str:
    """Return the table, one section for each group, without the ``outlet`` parameter that nearly all have."""
    lines: list[str] = []
    for group in dict.fromkeys(verb.group for verb in verbs):
        lines += [f"### {group.capitalize()}", "", "| verb | does | parameters | undone by |", "|---|---|---|---|"]
        lines += [_row(verb) for verb in verbs if verb.group == group]
        lines.append("")
    return "\n".join(lines).rstrip()


def _row(verb: Verb) -> str:
    params = "<br>".join(_parameter(param) for param in verb.params if param.name not in ("outlet", "heal"))
    undone = f"`{verb.healed_by}: true`" if verb.healed_by == "heal" else f"`{verb.healed_by}`"
    scope = "" if any(param.name == "outlet" for param in verb.params) else " (station)"
    return f"| `{verb.name}`{scope} | {verb.help} | {params or '–'} | {undone if verb.healed_by else '–'} |"


def _parameter(param: VerbParam) -> str:
    if param.type in ("choice", "bool"):
        allowed = param.allowed()
    elif param.type == "text":
        allowed = f"{param.minimum} to {param.maximum} characters"
    else:
        allowed = f"{param.minimum} to {param.maximum} {param.unit}".rstrip()
    if param.default is None:
        default = "required"
    elif isinstance(param.default, bool):
        default = "default " + str(param.default).lower()
    else:
        default = f"default {param.default!r}" if param.default == "" else f"default {param.default}"
    return f"`{param.name}`: {param.help} ({allowed}; {default})"


def with_table(document: str) -> str:
    """Return ``document`` with the present table between its two marks. Raises ValueError without the marks."""
    before, mark, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{as_markdown()}\n\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
