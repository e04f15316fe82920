"""A change of settings, judged as a whole: keys, rights, single values, then everything together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from evse.records import dataclass
from evse.services.settings.addresses import neighbour
from evse.services.settings.finding import Circumstances, Proposal
from evse.services.settings.kinds import NO_TEXT, Label, Value
from evse.services.settings.model import Effect, Right, Role, Values, frozen
from evse.services.settings.problems import HIDDEN, Problem, Refused, shown_value
from evse.services.settings.registry import Catalogue, Entry
from evse.services.settings.rules import broken_rules

_SEE = Label("see docs/settings.md for every key", "voir docs/settings.md pour toutes les clés")


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that would change. Values as they may be shown: stars for secrets."""

    key: str
    label: Label
    old: str
    new: str
    effect: Effect
    raises_limit: bool
    """A current limit of the installation that would become higher."""


@dataclass(frozen=True, slots=True)
class Change:
    """An accepted change: every value of the board after it, and what is different."""

    values: Values
    keys: frozenset[str]
    differences: tuple[Difference, ...]

    @property
    def needs_reboot(self) -> bool:
        """Whether part of it counts only after a restart."""
        return any(each.effect is Effect.REBOOT for each in self.differences)

    @property
    def needs_power_cycle(self) -> bool:
        """Whether part of it counts only after the station was without power."""
        return any(each.effect is Effect.POWER_CYCLE for each in self.differences)


LIMITS = (
    *("energy.station_maximum_a", "outlet.derated_current_a"),
    *("house.maximum_current_a", "house.maximum_power_w", "house.fallback_power_w"),
)
"""What the installer has set for the sake of the supply."""
MONITORING = "house.monitoring"
HOUSE_POWER = "house.maximum_power_w"
"""0: no power counts."""
_NOBODY = Circumstances()


def check_change(
    catalogue: Catalogue,
    old: Values,
    wanted: Mapping[str, object],
    role: Role | None,
    circumstances: Circumstances = _NOBODY,
) -> Change:
    """Judge ``wanted``, some settings by key, over ``old``, every value of the board.

    ``role``: the account that asks; ``None``: the station itself or its supervision, which may also write what is read
    only at the tool. Raises Refused with every problem; then nothing of the change counts.
    """
    problems = [problem for key, value in wanted.items() for problem in _one(catalogue, key, value, role)]
    if problems:
        raise Refused(tuple(problems))
    good: dict[str, Value] = {key: value for key, value in wanted.items() if isinstance(value, bool | int | str)}
    _follow(catalogue, good)
    values = frozen({**old, **good})
    keys = frozenset(key for key in good if _differ(old[key], good[key]))
    findings = broken_rules(Proposal(catalogue, values, keys, circumstances, before=old, given=frozenset(good)))
    if findings:
        raise Refused(
            tuple(
                Problem(each.key, _told(catalogue, each.key, values[each.key]), each.what, each.allowed, each.hint)
                for each in findings
            )
        )
    return Change(values, keys, differences(catalogue, old, values))


def differences(catalogue: Catalogue, old: Values, new: Values) -> tuple[Difference, ...]:
    """What is different, in the order of the tool."""
    found = []
    for entry in catalogue:
        before, after = old[entry.key], new[entry.key]
        if not _differ(before, after):
            continue
        secret = entry.setting.secret
        found.append(
            Difference(
                entry.key,
                entry.setting.label,
                shown_value(before, secret and before != ""),
                shown_value(after, secret and after != ""),
                entry.setting.effect,
                _raises(entry.setting.key, before, after),
            )
        )
    return tuple(found)


def _raises(key: str, before: Value, after: Value) -> bool:
    """Whether the installation allows more after the change."""
    if key == MONITORING:
        return before is True
    if key not in LIMITS or not isinstance(before, int) or not isinstance(after, int):
        return False
    if key == HOUSE_POWER:
        return before > 0 and (after == 0 or after > before)
    return after > before


def sound(catalogue: Catalogue, changed: Mapping[str, object]) -> tuple[Values, tuple[str, ...]]:
    """What of a kept configuration still fits the board, and the keys that do not.

    Needed after the board or the program has changed: a station starts with what fits rather than not at all. What does
    not fit has its factory value.
    """
    good: dict[str, Value] = {}
    left: list[str] = []
    for key, value in changed.items():
        entry = catalogue.get(key)
        if entry is not None and isinstance(value, bool | int | str) and entry.kind.refusal(value) is None:
            good[key] = value
        else:
            left.append(key)
    while True:
        broken = {finding.key for finding in broken_rules(Proposal(catalogue, catalogue.whole(good)))} & set(good)
        if not broken:
            return frozen(good), tuple(sorted(left))
        for key in broken:
            del good[key]
            left.append(key)


def _one(catalogue: Catalogue, key: str, value: object, role: Role | None) -> list[Problem]:
    entry = catalogue.get(key)
    if entry is None:
        near = difflib.get_close_matches(key[:80], [each.key for each in catalogue], n=3)
        what = Label("this station has no such setting", "cette borne n’a pas ce réglage")
        return [Problem(shown_value(key, False), "", what, Label(", ".join(near), ", ".join(near)), _SEE)]
    secret = entry.setting.secret
    if role is not None and entry.setting.right(role) is not Right.WRITE:
        what = Label(f"the account {role} may not change it", f"le compte {role} ne peut pas le modifier")
        return [Problem(key, shown_value(value, secret), what, hint=_whose(entry))]
    if secret and value == HIDDEN:
        what = Label("stars only stand for the value that is kept", "les étoiles ne remplacent que la valeur gardée")
        return [Problem(key, HIDDEN, what, hint=Label("leave it out to keep it", "l’omettre pour la garder"))]
    allowed = entry.kind.refusal(value)
    if allowed is None:
        return []
    return [Problem(key, shown_value(value, secret), Label("not accepted", "non accepté"), allowed)]


def _whose(entry: Entry) -> Label:
    if entry.setting.right(Role.ADMIN) is Right.WRITE:
        return Label("log in as admin", "se connecter comme admin")
    return Label("it belongs to the board", "il appartient à la carte") if entry.setting.guide else NO_TEXT


def _follow(catalogue: Catalogue, wanted: dict[str, Value]) -> None:
    """The second outlet's address follows the first's unless somebody says otherwise."""
    address = wanted.get("network.address")
    if isinstance(address, str) and "network.address_2" not in wanted and catalogue.get("network.address_2"):
        following = neighbour(address, 1)
        if following:
            wanted["network.address_2"] = following


def _differ(before: Value, after: Value) -> bool:
    return type(before) is not type(after) or before != after


def _told(catalogue: Catalogue, key: str, value: Value) -> str:
    entry = catalogue.get(key)
    return shown_value(value, entry is not None and entry.setting.secret and value != "")
