"""The table of verbs, written from the verbs themselves: the generated part of ``docs/scenarios.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hal.world.verb_spec import Verb, VerbParam

BEGIN: Final = "<!-- verbs: begin (generated; tests compare it with the program) -->"
END: Final = "<!-- verbs: end -->"


def verb_tables(verbs: Sequence[Verb]) -> str:
    """Markdown: one table per group, in the order of the verbs."""
    groups: dict[str, list[Verb]] = {}
    for verb in verbs:
        groups.setdefault(verb.group, []).append(verb)
    parts: list[str] = []
    for group, members in groups.items():
        parts += [f"### {group}", "", "| verb | what it does | parameters |", "| --- | --- | --- |"]
        parts += [f"| `{verb.name}` | {verb.help} | {_parameters(verb)} |" for verb in members]
        parts.append("")
    return "\n".join(parts)


def replace_generated(document: str, verbs: Sequence[Verb]) -> str:
    """``document`` with the part between the marks written anew. Raises ValueError when a mark is missing."""
    if BEGIN not in document or END not in document:
        raise ValueError(f"the document has no part between {BEGIN!r} and {END!r}")
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{verb_tables(verbs)}\n{END}{tail}"


def _parameters(verb: Verb) -> str:
    return "<br>".join(_parameter(param) for param in verb.params if param.name != "outlet") or "—"


def _parameter(param: VerbParam) -> str:
    default = "must be given" if param.default is None else f"default {_shown(param)}"
    return f"`{param.name}`: {param.help} ({param.allowed()}; {default})".replace("|", "\\|")


def _shown(param: VerbParam) -> str:
    if isinstance(param.default, bool):
        return str(param.default).lower()
    if param.default == "":
        return "empty"
    return f"{param.default}{' ' + param.unit if param.unit and param.type in ('int', 'number') else ''}"
