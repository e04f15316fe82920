"""The login page: two languages, nothing inline, reachable without a session."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from evse.services.settings.model import StationFacts
from evse.web.routes_login import TEXTS
from tests.fakes.settings_bench import SettingsBench

pytestmark = [pytest.mark.anyio, pytest.mark.req("WEB-01", "WEB-04")]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_page_speaks_both_languages_and_runs_no_inline_script(language: str) -> None:
    bench = SettingsBench(on_hardware=True)
    async with bench.client() as client:
        page = await client.get("/login", params={"lang": language})
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert TEXTS[language]["login"] in page.text
        assert re.findall(r"<script[^>]*>", page.text) == ['<script type="module" src="/static/login.js">']
        assert not re.search(r"\son\w+=|style=|javascript:", page.text)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/login", params={"lang": "<script>"})).status_code == 422


@pytest.mark.parametrize(
    ("family", "said"), [("parking", "only a factory reset"), ("thor", "recovery key of the label")]
)
async def test_the_page_says_what_helps_against_a_lost_password(family: str, said: str) -> None:
    bench = SettingsBench(on_hardware=True, facts=StationFacts(family, "S1"))
    async with bench.client() as client:
        assert said in (await client.get("/login")).text


def test_both_languages_have_the_same_texts() -> None:
    assert set(TEXTS["en"]) == set(TEXTS["fr"])


async def test_a_login_leads_back_to_a_page_of_ours_only() -> None:
    bench = SettingsBench(on_hardware=True)
    async with bench.client() as client:
        assert 'data-to="/"' in (await client.get("/login")).text
        page = (await client.get("/login?to=/security-log")).text
        assert 'data-to="/security-log"' in page
        assert 'href="/login?lang=fr&amp;to=/security-log"' in page
        for evil in ("//evil.example", "https://evil.example", "/api/station", "javascript:alert(1)"):
            assert (await client.get("/login", params={"to": evil})).status_code == 422
    script = (Path(str(resources.files("evse.web"))) / "static" / "login.js").read_text(encoding="utf-8")
    assert script.count("location.assign(texts.to)") == script.count("location.assign(") == 2
