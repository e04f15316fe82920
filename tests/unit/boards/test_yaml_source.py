"""Two parsers read YAML: what one reads the other reads alike, and what is wrong is told in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from boards import yaml_source
from boards.problems import ProfileError
from boards.yaml_source import Source, parse_source

ROOT = Path(__file__).resolve().parents[3]
FILES = [*sorted((ROOT / "profiles").glob("*.yaml"))[::3], *sorted((ROOT / "evse/scenarios").glob("*.yaml"))[::16]]
ODD = [
    "a: 1\nb:\n- x\n-\n- {c: d, [1]: {e: e}}\n",
    "a: 1\na: {b: 1, b: 2}\n",
    "a: 'it''s'\nb: |-\n  two\n  lines\nc: >\n  one\n  line\n",
    "größe: 5 °C\nb: 010\nc: 1:30\nd: yes\ne: ~\nf:\n",
    "a: tab\there\n",
    "? a\n: b\n",
    "a: {b: why?}\n",
    "a: \ufeffb\n",
    "a: 1\x85b: 2\n",
    "a: \U0001f50c\n",
    "a: &b 1\n",
    "a: *b\n",
    "a: !!str 1\n",
    "a: 1\n---\nb: 2\n",
    "a: [1\n",
    "a: " + "[" * 21 + "]" * 21 + "\n",
    "- a\n",
    "",
]


def told(text: str) -> Source | str:
    """What comes of a text: values with places, or the words of the refusal."""
    try:
        return parse_source(text, "f")
    except ProfileError as error:
        return str(error)


def both(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Source | str, Source | str]:
    with_libyaml = told(text)
    with monkeypatch.context() as patch:
        patch.setattr(yaml_source, "_FAST", None)
        return with_libyaml, told(text)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this build of PyYAML is without libyaml")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_parsers_read_what_ships_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow = both(path.read_text(encoding="utf-8"), monkeypatch)
    assert isinstance(fast, Source)
    assert fast == slow


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this build of PyYAML is without libyaml")
@pytest.mark.parametrize("text", ODD)
def test_both_parsers_say_the_same_of_what_is_odd(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow = both(text, monkeypatch)
    assert fast == slow


def test_the_subset_is_kept_below_keys_that_are_refused() -> None:
    """A key that stands twice is told with both lines; an anchor below it is refused all the same."""
    source = told("a: 1\nb: 2\na: {c: 3}\n")
    assert isinstance(source, Source)
    assert source.data == {"a": 1, "b": 2}
    assert [problem.line for problem in source.problems] == [3]
    assert "first on line 1" in source.problems[0].what
    refused = told("a: 1\na: {c: &d 3}\n")
    assert isinstance(refused, str)
    assert "anchors" in refused
