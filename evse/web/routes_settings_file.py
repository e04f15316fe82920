"""REST: the configuration as a `.cfg` file, out and in (administrator only)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.settings.cfg_file import (
    FILE_LIMIT,
    PASSPHRASE_LIMIT,
    PASSPHRASE_MINIMUM,
    BadCfg,
    decode_cfg,
    encode_cfg,
    wanted_from,
)
from evse.services.settings.kinds import Value
from evse.services.settings.problems import Refused
from evse.services.settings.service import Actor, Settings, StaleVersion
from evse.web.errors import Refusal, responses
from evse.web.guard import Admin
from evse.web.routes_settings import (
    ChangeView,
    DifferenceView,
    Language,
    ProblemsBody,
    change_view,
    difference_views,
    not_stored,
    refused,
    stale,
)

LanguageQuery = Annotated[Language, Query(description="Of labels and messages.")]


class ExportBody(BaseModel):
    """``passphrase``: secrets are encrypted with it; without one they are left out."""

    model_config = ConfigDict(extra="forbid", strict=True)
    passphrase: Annotated[str, Field(max_length=PASSPHRASE_LIMIT)] = ""


class ImportPreviewBody(ExportBody):
    """``file``: the text of the file; ``passphrase``: the one it was exported with."""

    file: Annotated[str, Field(max_length=FILE_LIMIT)]


class ImportBody(ImportPreviewBody):
    """``based_on``: version of the configuration that was looked at.

    ``raise_limits``: yes, a current limit of the installation may become higher than it is here.
    """

    based_on: Annotated[int | None, Field(ge=1)] = None
    raise_limits: bool = False


class ImportPreviewView(BaseModel):
    """What an import would change, and whose file it is."""

    serial: str
    program: str
    differences: list[DifferenceView]
    reboot: bool
    power_cycle: bool
    raises_limit: bool


_REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"model": ProblemsBody, "description": "Refused as a whole; `problems` lists every reason."}
}


def settings_file_router(settings: Settings, program: str) -> APIRouter:
    """The routes of the file. ``program``: version of this program, written into the file."""
    router = APIRouter(prefix="/api/settings", tags=["settings"])

    @router.post(
        "/export",
        summary="The configuration as a file, without badges (admin only)",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}, **responses(401, 403, 422)},
    )
    async def export_settings(body: ExportBody, who: Admin) -> Response:
        if body.passphrase and len(body.passphrase) < PASSPHRASE_MINIMUM:
            allowed = f"{PASSPHRASE_MINIMUM} to {PASSPHRASE_LIMIT} characters, or none"
            raise Refusal(422, "the passphrase is too short", "body.passphrase", allowed)
        data = await asyncio.to_thread(encode_cfg, settings.catalogue, settings.values, body.passphrase, program)
        secrets = "with secrets" if body.passphrase else "without secrets"
        settings.log.record(SecurityEvent(SecurityKind.SETTINGS_EXPORTED, who.account, who.source, secrets))
        return Response(
            data,
            media_type="application/octet-stream",
            headers={"content-disposition": 'attachment; filename="station.cfg"'},
        )

    @router.post(
        "/import/preview",
        summary="What an import would change; nothing is changed (admin only)",
        responses={**_REFUSED, **responses(401, 403)},
        response_model=ImportPreviewView,
    )
    async def preview_import(body: ImportPreviewBody, who: Admin, language: LanguageQuery = "en") -> Any:
        try:
            wanted = await _wanted(settings, body)
            change = settings.preview(wanted, who.role)
        except Refused as error:
            return refused(error, language)
        file = decode_cfg(body.file.encode())
        return ImportPreviewView(
            serial=file.serial,
            program=file.program,
            differences=difference_views(change.differences, language),
            reboot=change.needs_reboot,
            power_cycle=change.needs_power_cycle,
            raises_limit=any(each.raises_limit for each in change.differences),
        )

    @router.post(
        "/import",
        summary="Replace the configuration by that of a file, all or nothing (admin only)",
        responses={**_REFUSED, **responses(401, 403, 409, 503)},
        response_model=ChangeView,
    )
    async def import_settings(body: ImportBody, who: Admin, language: LanguageQuery = "en") -> Any:
        actor = Actor(who.account, who.role, who.source)
        # Before anything is read: what the file has not is taken from the configuration of this version.
        based_on = body.based_on or settings.configuration.version
        try:
            wanted = await _wanted(settings, body, actor)
            _check_limits(settings, wanted, actor, allowed=body.raise_limits)
            done = await settings.change(wanted, actor, based_on=based_on, kind=SecurityKind.SETTINGS_IMPORTED)
        except Refused as error:
            _note(settings, actor, "does not fit this station")
            return refused(error, language)
        except StaleVersion as error:
            raise stale(settings) from error
        except OSError as error:
            raise not_stored(error) from error
        return change_view(settings, done, language)

    return router


async def _wanted(settings: Settings, body: ImportPreviewBody, actor: Actor | None = None) -> dict[str, Value]:
    try:
        file = decode_cfg(body.file.encode("utf-8", "surrogatepass"))
        return await asyncio.to_thread(wanted_from, file, settings.catalogue, settings.values, body.passphrase)
    except BadCfg as error:
        if actor is not None:
            _note(settings, actor, str(error))
        raise Refusal(422, str(error), "body.file", None, "nothing was changed") from error


def _check_limits(settings: Settings, wanted: dict[str, Value], actor: Actor, *, allowed: bool) -> None:
    """A file never raises what the installer has set for the supply unless somebody says so."""
    higher = [each for each in settings.preview(wanted, actor.role).differences if each.raises_limit]
    if higher and not allowed:
        raise Refusal(
            409,
            "the file raises current limits of this installation",
            "body.raise_limits",
            [f"{each.key}: {each.old} -> {each.new}" for each in higher],
            "check the supply of this station, then repeat with raise_limits",
        )


def _note(settings: Settings, actor: Actor, why: str) -> None:
    settings.log.record(SecurityEvent(SecurityKind.IMPORT_REFUSED, actor.name, actor.source, f"configuration: {why}"))
