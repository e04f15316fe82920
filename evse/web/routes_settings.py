"""REST: the settings of the station as the logged-in account sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from evse.services.settings.kinds import Choice, Label, Text, Value, Whole
from evse.services.settings.model import Effect, Right, Role
from evse.services.settings.problems import HIDDEN, Problem, Refused
from evse.services.settings.registry import Entry
from evse.services.settings.service import Actor, Settings, StaleVersion
from evse.services.settings.validate import Change, Difference
from evse.web.errors import Refusal, responses
from evse.web.guard import Either

Language = Literal["en", "fr"]
EffectName = Literal["save", "save and reboot", "save and power cycle"]
Given = Annotated[dict[str, bool | int | str], Field(max_length=400, description="New values by key.")]
LanguageQuery = Annotated[Language, Query(description="Of labels and messages.")]


class OptionView(BaseModel):
    """One choice of a setting."""

    value: str
    label: str


class SettingView(BaseModel):
    """One setting. ``value``: stars for a secret that is set; ``shown``: whether it counts by the others' values.

    ``minimum`` and ``maximum``: of a number, or of a text's length.
    """

    key: str
    label: str
    help: str
    tab: str
    sub_tab: str
    outlet: int
    right: Literal["R", "R/W"]
    kind: Literal["choice", "switch", "number", "text", "secret"]
    value: bool | int | str
    factory: bool | int | str
    unit: str = ""
    allowed: str
    minimum: int | None = None
    maximum: int | None = None
    options: list[OptionView] = Field(default_factory=list)
    effect: EffectName
    shown: bool


class ConfigurationView(BaseModel):
    """The present configuration. ``active``: whether control works by it; ``problem``: what is wrong with the kept one."""

    version: int
    digest: str
    active: bool
    problem: str = ""


class SettingsView(ConfigurationView):
    """Every setting that the account sees, in the order of the tool."""

    settings: list[SettingView]


class ValuesView(ConfigurationView):
    """Values by key; stars for secrets that are set."""

    values: dict[str, bool | int | str]


class ChangesBody(BaseModel):
    """What to change. ``based_on``: version of the configuration that was looked at; a later one refuses the change."""

    model_config = ConfigDict(extra="forbid", strict=True)
    changes: Given
    based_on: Annotated[int | None, Field(ge=1)] = None


class PreviewBody(BaseModel):
    """What would be changed."""

    model_config = ConfigDict(extra="forbid", strict=True)
    changes: Given


class DifferenceView(BaseModel):
    """One setting that changes. ``raises_limit``: a current limit of the installation becomes higher."""

    key: str
    label: str
    old: str
    new: str
    effect: EffectName
    raises_limit: bool


class ChangeView(ConfigurationView):
    """What was changed. ``reboot``: part of it counts only after a restart; ``power_cycle``: after 5 s without power."""

    differences: list[DifferenceView]
    reboot: bool
    power_cycle: bool


class PreviewView(BaseModel):
    """What would be changed, and what it would need, as in :class:`ChangeView`."""

    differences: list[DifferenceView]
    reboot: bool
    power_cycle: bool


class ProblemView(BaseModel):
    """One thing that is wrong with a change."""

    key: str
    value: str
    what: str
    allowed: str
    hint: str


class ProblemsBody(BaseModel):
    """Why a change was refused as a whole; the first problem also as the usual error body."""

    error: str
    where: str
    allowed: str | None
    hint: str
    problems: list[ProblemView]


_REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"model": ProblemsBody, "description": "Refused as a whole; `problems` lists every reason."}
}


def settings_router(settings: Settings) -> APIRouter:
    """The routes of the settings."""
    router = APIRouter(prefix="/api/settings", tags=["settings"])

    @router.get(
        "", summary="Every setting the account sees, with rights, range and value", responses=responses(401, 403)
    )
    async def list_settings(who: Either, language: LanguageQuery = "en") -> SettingsView:
        french = language == "fr"
        views = [_setting(entry, settings, who.role, french) for entry in _seen(settings, who.role)]
        return SettingsView(**configuration_view(settings), settings=views)

    @router.get("/values", summary="Values by key", responses=responses(401, 403))
    async def settings_values(who: Either) -> ValuesView:
        found = {entry.key: _value(entry, settings.values[entry.key]) for entry in _seen(settings, who.role)}
        return ValuesView(**configuration_view(settings), values=found)

    @router.post(
        "/preview", summary="What a change would do; nothing is changed", responses={**_REFUSED, **responses(401, 403)}
    )
    async def preview_settings(body: PreviewBody, who: Either, language: LanguageQuery = "en") -> Any:
        try:
            change = settings.preview(body.changes, who.role)
        except Refused as error:
            return refused(error, language)
        return PreviewView(
            differences=difference_views(change.differences, language),
            reboot=change.needs_reboot,
            power_cycle=change.needs_power_cycle,
        )

    @router.post(
        "", summary="Change settings, all or none of them", responses={**_REFUSED, **responses(401, 403, 409, 503)},
        response_model=ChangeView,
    )  # fmt: skip
    async def change_settings(body: ChangesBody, who: Either, language: LanguageQuery = "en") -> Any:
        actor = Actor(who.account, who.role, who.source)
        try:
            done = await settings.change(body.changes, actor, based_on=body.based_on)
        except Refused as error:
            return refused(error, language)
        except StaleVersion as error:
            raise stale(settings) from error
        except OSError as error:
            raise not_stored(error) from error
        return change_view(settings, done, language)

    return router


def configuration_view(settings: Settings) -> dict[str, Any]:
    """The fields of :class:`ConfigurationView`."""
    configuration = settings.configuration
    return {
        "version": configuration.version,
        "digest": configuration.digest,
        "active": settings.active,
        "problem": settings.problem,
    }


def change_view(settings: Settings, change: Change, language: Language) -> ChangeView:
    """What was changed."""
    views = difference_views(change.differences, language)
    return ChangeView(
        **configuration_view(settings),
        differences=views,
        reboot=change.needs_reboot,
        power_cycle=change.needs_power_cycle,
    )


def difference_views(differences: tuple[Difference, ...], language: Language) -> list[DifferenceView]:
    """Differences in a language."""
    return [
        DifferenceView(
            key=each.key,
            label=_in(each.label, language == "fr"),
            old=each.old,
            new=each.new,
            effect=_effect(each.effect),
            raises_limit=each.raises_limit,
        )
        for each in differences
    ]


def refused(error: Refused, language: Language) -> Response:
    """The answer to a change that was refused as a whole."""
    views = [_problem(problem, language == "fr") for problem in error.problems]
    first = views[0]
    more = f" (and {len(views) - 1} more)" if len(views) > 1 else ""
    body = ProblemsBody(
        error=f"{first.key}: {first.what}{more}",
        where=f"body.changes.{first.key}",
        allowed=first.allowed or None,
        hint=first.hint,
        problems=views,
    )
    return JSONResponse(body.model_dump(), status_code=422)


def stale(settings: Settings) -> Refusal:
    """The refusal of a change that was made from an older configuration."""
    return Refusal(
        409,
        "somebody has changed the settings since they were read",
        "body.based_on",
        str(settings.configuration.version),
        "read the settings again and repeat the change",
    )


def not_stored(error: OSError) -> Refusal:
    """The refusal while the disk does not take a change."""
    reason = error.strerror or "the disk does not answer"
    return Refusal(503, f"nothing is changed: {reason}", "", None, "see /api/health", retry_after_s=5)


def _seen(settings: Settings, role: Role) -> tuple[Entry, ...]:
    return tuple(entry for entry in settings.catalogue if entry.setting.right(role) is not Right.NONE)


def _setting(entry: Entry, settings: Settings, role: Role, french: bool) -> SettingView:
    setting, kind = entry.setting, entry.kind
    low, high, unit = _limits(entry, settings.values)
    options = kind.options if isinstance(kind, Choice) else ()
    return SettingView(
        key=entry.key,
        label=_in(setting.label, french),
        help=_in(setting.help, french),
        tab=setting.place.tab,
        sub_tab=setting.place.key,
        outlet=entry.outlet,
        right="R/W" if setting.right(role) is Right.WRITE else "R",
        kind=_kind(entry),
        value=_value(entry, settings.values[entry.key]),
        factory=_value(entry, entry.factory),
        unit=unit,
        allowed=_in(kind.allowed, french),
        minimum=low,
        maximum=high,
        options=[OptionView(value=option.value, label=_in(option.label, french)) for option in options],
        effect=_effect(setting.effect),
        shown=settings.catalogue.shown(entry, settings.values),
    )


def _limits(entry: Entry, values: Mapping[str, Value]) -> tuple[int | None, int | None, str]:
    match entry.kind:
        case Whole(minimum=low, maximum=high, unit=unit, maximum_key=key):
            most = values.get(entry.sibling(key)) if key else None
            return low, min(high, most) if isinstance(most, int) else high, unit
        case Text(minimum=low, limit=high):
            return low, high, ""
        case _:
            return None, None, ""


def _kind(entry: Entry) -> Literal["choice", "switch", "number", "text", "secret"]:
    if entry.setting.secret:
        return "secret"
    match entry.kind:
        case Choice():
            return "choice"
        case Whole():
            return "number"
        case Text():
            return "text"
        case _:
            return "switch"


def _value(entry: Entry, value: Value) -> Value:
    return HIDDEN if entry.setting.secret and value != "" else value


def _effect(effect: Effect) -> EffectName:
    match effect:
        case Effect.SAVE:
            return "save"
        case Effect.REBOOT:
            return "save and reboot"
        case Effect.POWER_CYCLE:
            return "save and power cycle"


def _problem(problem: Problem, french: bool) -> ProblemView:
    return ProblemView(
        key=problem.key,
        value=problem.value,
        what=_in(problem.what, french),
        allowed=_in(problem.allowed, french),
        hint=_in(problem.hint, french),
    )


def _in(label: Label, french: bool) -> str:
    return label.fr if french else label.en
