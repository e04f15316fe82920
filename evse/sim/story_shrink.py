"""Shortens a story that fails: fewer actions, shorter pauses, the same failure.

Specification. ``shrink`` only keeps a change after which ``fails`` still says so. In order: everything after the failure
goes, and the healing with it when the failure came before; then delta debugging over the actions (halves, quarters … single
actions, each left out in turn, until nothing can go); then pauses are cut to seconds. ``fails`` may be asked ``effort``
times in all; the best story found until then is the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from evse.core.units import SECOND
from evse.sim.story_script import Story, StoryAction

SHORT_PAUSES_US: Final = (2 * SECOND, 20 * SECOND, 120 * SECOND)
MARGIN_US: Final = 1 * SECOND
Fails = Callable[[Story], bool]


def shrink(story: Story, fails: Fails, *, failed_us: int, effort: int = 200) -> Story:
    """The shortest story found that still ``fails``. ``failed_us``: when ``story`` failed, from its beginning."""
    trial = _Trial(fails, effort)
    best = _without_the_rest(story, trial, failed_us)
    best = _with_fewer_actions(best, trial)
    best = _with_shorter_pauses(best, trial)
    return _with_fewer_actions(best, trial)


class _Trial:
    """Asks ``fails`` as long as there is effort left."""

    def __init__(self, fails: Fails, effort: int) -> None:
        self._fails = fails
        self.effort = effort

    def still_fails(self, story: Story) -> bool:
        if self.effort <= 0:
            return False
        self.effort -= 1
        return self._fails(story)


def _without_the_rest(story: Story, trial: _Trial, failed_us: int) -> Story:
    if failed_us >= story.end_us:
        return story
    kept = tuple(each for each in story.actions if each.at_us <= failed_us)
    shorter = replace(story, actions=kept, end_us=failed_us + MARGIN_US, heal=False)
    return shorter if trial.still_fails(shorter) else story


def _with_fewer_actions(story: Story, trial: _Trial) -> Story:
    size = max(1, len(story.actions) // 2)
    while trial.effort > 0:
        found = _without_one_part(story, size, trial)
        if found is not None:
            story = found
            size = min(size, max(1, len(story.actions) // 2))
        elif size == 1:
            break
        else:
            size //= 2
    return story


def _without_one_part(story: Story, size: int, trial: _Trial) -> Story | None:
    """``story`` without all parts of ``size`` actions that can be left out; ``None`` when none can."""
    found = None
    actions = story.actions
    begin = 0
    while begin < len(actions) and trial.effort > 0:
        rest = actions[:begin] + actions[begin + size :]
        if trial.still_fails(replace(story, actions=rest)):
            actions = rest
            found = replace(story, actions=rest)
        else:
            begin += size
    return found


def _with_shorter_pauses(story: Story, trial: _Trial) -> Story:
    """Each pause, from the last to the first, as short as still fails; the end counts as an action."""
    for index in range(len(story.actions), -1, -1):
        for pause_us in SHORT_PAUSES_US:
            shorter = _cut_pause(story, index, pause_us)
            if shorter is None:
                break
            if trial.still_fails(shorter):
                story = shorter
                break
    return story


def _cut_pause(story: Story, index: int, pause_us: int) -> Story | None:
    """``story`` with a pause of ``pause_us`` before action ``index``; ``None`` when it is not longer already."""
    times = [each.at_us for each in story.actions] + [story.end_us]
    before_us = times[index - 1] if index else 0
    cut_us = times[index] - before_us - pause_us
    if cut_us <= 0:
        return None
    return replace(story, actions=_earlier(story.actions, index, cut_us), end_us=story.end_us - cut_us)


def _earlier(actions: Sequence[StoryAction], index: int, cut_us: int) -> tuple[StoryAction, ...]:
    moved = [replace(each, at_us=each.at_us - cut_us) for each in actions[index:]]
    return (*actions[:index], *moved)
