"""The first login in a real browser, on a station without a simulated world."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evse.services.accounts.sessions import ABSOLUTE_US
from evse.web.server import Server, make_server
from tests.fakes.settings_bench import ADMIN, SettingsBench

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture
def site() -> Iterator[tuple[SettingsBench, str]]:
    bench = SettingsBench(on_hardware=True)
    listener = socket.create_server(("127.0.0.1", 0))
    server: Server = make_server(bench.app, "", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    yield bench, f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def page() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing")
        pytest.skip("chromium is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_page()
        browser.close()


@pytest.mark.req("WEB-01", "MNT-02")
def test_a_first_login_changes_the_password_and_leads_to_the_station(
    site: tuple[SettingsBench, str], page: Any
) -> None:
    bench, address = site
    page.goto(address)
    assert page.url.endswith("/login")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill("ADMIN")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").get_by_text("wrong").wait_for()
    page.get_by_label("Password", exact=True).fill(bench.secret)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again").fill("short")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_text("8 to 128").wait_for()
    page.get_by_label("New password", exact=True).fill(ADMIN)
    page.get_by_label("New password again").fill(ADMIN)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(address)
    page.get_by_role("heading", level=1).first.wait_for()
    assert not bench.accounts.accounts.admin.must_change
    # Nobody touches it for long: the stream ends with the session, and the page does not go on as if nothing were.
    bench.now_us += ABSOLUTE_US
    page.wait_for_url(f"{address}login")
