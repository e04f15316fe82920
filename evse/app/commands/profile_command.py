"""``evse profile``: which profiles come with the program, and whether one of your own is right."""

from __future__ import annotations

import json

from boards.check import check_profile
from boards.load import shipped_heads
from boards.problems import printable


def list_profiles(*, as_json: bool) -> str:
    """Every shipped profile with its family and what it is."""
    heads = shipped_heads()
    if as_json:
        return json.dumps(
            [{"name": name, "family": each.family, "description": each.description} for name, each in heads.items()],
            indent=2,
        )
    width = max(map(len, heads))
    return "\n".join(f"{name.ljust(width)}  {each.description}" for name, each in heads.items())


def check(file: str, *, every: bool, as_json: bool) -> tuple[bool, str]:
    """Whether ``file`` (a path or a shipped name) is right, and what to tell; ``every``: every effective value."""
    report = check_profile(file)
    if as_json:
        return report.ok, json.dumps(report.as_json(), indent=2)
    return report.ok, "\n".join(map(printable, report.as_text(every=every).split("\n")))
