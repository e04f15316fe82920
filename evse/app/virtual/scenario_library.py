"""Finds scenarios: files by path, shipped ones by name. An existing path always wins."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from glob import glob
from importlib import resources
from pathlib import Path
from typing import Final

from boards.load import load_profile
from boards.problems import Problem, ProfileError
from boards.yaml_source import Source, looks_like_path
from evse.app.virtual.process_verbs import PROCESS_VERBS
from evse.app.virtual.supervision_verbs import SUPERVISION_VERBS
from evse.sim.problems import ScenarioError
from evse.sim.scenario import Scenario
from evse.sim.scenario_loader import Head, head_of_source, read_scenario, scenario_of_source
from hal.world.verbs import VERBS

ALL_VERBS: Final = (*VERBS, *PROCESS_VERBS, *SUPERVISION_VERBS)
"""Everything a scenario may do to a simulated station."""
_PACKAGE: Final = "evse.scenarios"
_SUFFIX: Final = ".yaml"


def shipped_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with the program, sorted."""
    root = resources.files(_PACKAGE)
    return tuple(sorted(item.name.removesuffix(_SUFFIX) for item in root.iterdir() if item.name.endswith(_SUFFIX)))


def shipped_heads() -> dict[str, Head]:
    """What each shipped scenario says of itself, by name, sorted. Steps are not checked: that is done before a run."""
    with resources.as_file(resources.files(_PACKAGE)) as folder:
        return {name: head_of_source(read_scenario(folder / f"{name}{_SUFFIX}")) for name in shipped_scenarios()}


def expand(references: Sequence[str]) -> list[str]:
    """The scenarios that ``references`` name, in order: a directory stands for every scenario file below it, a pattern
    (``*``, ``?``, ``[``) for the files or else the shipped names that fit. Raises ScenarioError for one that names none.
    """
    found: list[str] = []
    for reference in references:
        path = Path(reference)
        if path.is_dir():
            names = sorted(str(each) for each in path.rglob(f"*{_SUFFIX}") if each.is_file())
            what = f"there is no scenario (*{_SUFFIX}) in this directory"
        elif any(sign in reference for sign in "*?[") and not path.exists():
            names = sorted(glob(reference, recursive=True)) or fnmatch.filter(shipped_scenarios(), reference)
            what = "no file and no shipped scenario fits this pattern"
        else:
            names, what = [reference], ""
        if not names:
            raise ScenarioError([Problem(reference, 0, 0, "", what)])
        found += names
    return list(dict.fromkeys(found))


def load(reference: str | Path, profile: str | None = None) -> Scenario:
    """Load a scenario by path or shipped name, for the outlets that its profile (or ``profile``) has.

    Raises ScenarioError and ProfileError with every problem, OSError for a file that cannot be read.
    """
    with _located(reference) as (path, label):
        source = read_scenario(path)
        # The profile that the file names tells how many outlets it may name.
        chosen = profile or _beside(path, scenario_of_source(source, ALL_VERBS).profile)
        try:
            outlets = len(load_profile(chosen).model.outlets)
        except ProfileError as error:
            raise error if profile else _at_its_place(error, source, label) from error
        scenario = scenario_of_source(source, ALL_VERBS, outlets)
        return replace(scenario, profile=chosen, file=label)


def _beside(scenario: Path, profile: str) -> str:
    """A profile's file that a scenario names lies beside the scenario; else it is as written (a name, a path from here)."""
    file = scenario.parent / profile
    return str(file) if looks_like_path(profile) and file.is_file() else profile


def _at_its_place(error: ProfileError, source: Source, label: str) -> ProfileError | ScenarioError:
    """That there is no such profile is the scenario's mistake, what is wrong in it the profile's."""
    place = source.values[("profile",)]
    if any(problem.line for problem in error.problems):
        return error
    return ScenarioError(
        Problem(label, place.line, place.column, "profile", f"{each.file}: {each.what}", each.allowed, each.hint)
        for each in error.problems
    )


@contextmanager
def _located(reference: str | Path) -> Iterator[tuple[Path, str]]:
    """The file behind ``reference``, and its name for people: the path as given, or that within the program."""
    name = str(reference)
    path = Path(reference)
    if path.exists() or "/" in name or name.endswith(_SUFFIX):
        yield path, name
        return
    names = shipped_scenarios()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else ""
        raise ScenarioError(
            [Problem(name, 0, 0, "", "no such file and no scenario of this name", ", ".join(names), hint)]
        )
    with resources.as_file(resources.files(_PACKAGE) / f"{name}{_SUFFIX}") as shipped:
        yield shipped, f"evse/scenarios/{name}{_SUFFIX}"
