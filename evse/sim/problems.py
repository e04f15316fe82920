"""Mistakes in a scenario file: collected, with place, key, reason and what would be right."""

from __future__ import annotations

from collections.abc import Iterable

from boards.problems import Problem, in_order
from boards.yaml_source import Key, Mark, Source, key_text
from evse.sim.names import Brought


class ScenarioError(Exception):
    """A scenario was refused. ``problems`` holds every mistake found, in the order of the file's lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Report:
    """Collects the problems of one file.

    ``outlets``: how many outlets a scenario may name; ``brought``: the names that it brings itself.
    """

    def __init__(self, source: Source, outlets: int, brought: Brought | None = None) -> None:
        self._source = source
        self.outlets = outlets
        self.brought = brought or Brought()
        self.problems: list[Problem] = list(source.problems)

    def add(self, key: Key, what: str, allowed: str = "", hint: str = "") -> None:
        """A problem with the value at ``key`` (or with what is missing in it)."""
        self._append(self._source.values.get(key) or self._source.values.get(key[:-1]), key, (what, allowed, hint))

    def add_key(self, key: Key, what: str, allowed: str = "") -> None:
        """A problem with the key itself."""
        self._append(self._source.keys.get(key) or self._source.values.get(key[:-1]), key, (what, allowed, ""))

    def line(self, key: Key) -> int:
        """Line on which the value at ``key`` begins."""
        return self._source.values[key].line

    def _append(self, mark: Mark | None, key: Key, texts: tuple[str, str, str]) -> None:
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        self.problems.append(Problem(self._source.file, line, column, key_text(key), *texts))
