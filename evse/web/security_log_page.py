"""The page of the security log, for the administrator: newest entries first, and whether the chain is whole."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from evse.services.settings.model import Role
from evse.web.errors import Refusal
from evse.web.guard import LOG_PAGE, Guard, login_address
from evse.web.page import environment
from evse.web.security_log_port import SecurityLogPort

SHOWN: Final = 100
TEXTS: Final[dict[str, dict[str, Any]]] = {
    "en": {
        "title": "Security log",
        "sound": "{n} entries are kept, and none was changed.",
        "broken": "The log is not as the station has written it:",
        "columns": ("Number", "When (UTC)", "What", "Who", "From", "Detail"),
        "unset": "clock not set",
        "older": "Older entries",
        "file": "The whole log as a file",
        "other": "Français",
        "station": "The station",
    },
    "fr": {
        "title": "Journal de sécurité",
        "sound": "{n} entrées conservées, aucune n’a été modifiée.",
        "broken": "Le journal n’est pas tel que la borne l’a écrit :",
        "columns": ("Numéro", "Date (UTC)", "Événement", "Auteur", "Origine", "Détail"),
        "unset": "horloge non réglée",
        "older": "Entrées plus anciennes",
        "file": "Tout le journal, en fichier",
        "other": "English",
        "station": "La borne",
    },
}


def security_log_page(guard: Guard, log: SecurityLogPort) -> APIRouter:
    """The page. Whoever is not logged in comes to the login page."""
    router = APIRouter()
    template = environment().get_template("security_log.html")

    @router.get(LOG_PAGE, include_in_schema=False)
    async def page(
        request: Request,
        language: Annotated[Literal["en", "fr"], Query(alias="lang", description="Of the page.")] = "en",
        before: Annotated[int | None, Query(ge=1, description="Only entries with a lower number.")] = None,
    ) -> Response:
        session = guard.accounts.session(guard.token(request))
        if session is None or session.must_change:
            return RedirectResponse(login_address(LOG_PAGE), status_code=303)
        if session.role is not Role.ADMIN:
            guard.admin(request)  # refuses and notes it
        try:
            entries, verdict = await log.newest(SHOWN, before), await log.verify()
        except OSError as error:
            reason = error.strerror or "the disk does not answer"
            raise Refusal(503, f"the security log cannot be read: {reason}", "", None, "see /api/health") from error
        older = entries[-1].n if len(entries) == SHOWN else 0
        other = "fr" if language == "en" else "en"
        return HTMLResponse(
            template.render(
                language=language, other=other, text=TEXTS[language], entries=entries, verdict=verdict, older=older
            )
        )

    return router
