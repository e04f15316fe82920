"""The login page: who, password, language; and the change that a first login asks for."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from evse.web.page import environment

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Log in",
        "name": "User name",
        "password": "Password",
        "login": "Log in",
        "change": "Choose a password",
        "why": "The first password must be changed before anything else.",
        "new": "New password",
        "confirm": "New password again",
        "save": "Save",
        "wrong": "User name or password is wrong.",
        "wait": "Too many tries. The next one is looked at in {s} s.",
        "busy": "The station does not answer at the moment. Try again.",
        "lost": "Password forgotten? The administrator gives the user a new one. Without the administrator's password only a factory reset helps.",
        "lost_key": "Password forgotten? The administrator gives the user a new one; the administrator's own is reset with the recovery key of the label: evse account recover.",
        "other": "Français",
    },
    "fr": {
        "title": "Connexion",
        "name": "Nom d’utilisateur",
        "password": "Mot de passe",
        "login": "Se connecter",
        "change": "Choisir un mot de passe",
        "why": "Le premier mot de passe doit être changé avant toute autre chose.",
        "new": "Nouveau mot de passe",
        "confirm": "Nouveau mot de passe, encore",
        "save": "Enregistrer",
        "wrong": "Nom d’utilisateur ou mot de passe incorrect.",
        "wait": "Trop d’essais. Le prochain sera examiné dans {s} s.",
        "busy": "La borne ne répond pas pour l’instant. Réessayer.",
        "lost": "Mot de passe oublié ? L’administrateur en donne un nouveau à l’utilisateur. Sans celui de l’administrateur, seul un retour aux réglages d’usine aide.",
        "lost_key": "Mot de passe oublié ? L’administrateur en donne un nouveau à l’utilisateur ; le sien se réinitialise avec la clé de récupération de l’étiquette : evse account recover.",
        "other": "English",
    },
}  # fmt: skip


def login_router(policies: dict[str, str], *, recoverable: bool = False) -> APIRouter:
    """The login page. ``policies``: what a good password is, by language; ``recoverable``: the label has a recovery key."""
    router = APIRouter()
    template = environment().get_template("login.html")

    @router.get("/login", include_in_schema=False)
    async def login_page(
        language: Annotated[Literal["en", "fr"], Query(alias="lang", description="Of the page.")] = "en",
        to: Annotated[Literal["/", "/security-log"], Query(description="The page to go to afterwards.")] = "/",
    ) -> HTMLResponse:
        other = "fr" if language == "en" else "en"
        text = TEXTS[language]
        if recoverable:
            text = {**text, "lost": text["lost_key"]}
        page = template.render(language=language, other=other, text=text, policy=policies[language], to=to)
        return HTMLResponse(page)

    return router
