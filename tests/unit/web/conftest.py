"""A client that speaks to the application without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import httpx
import pytest
from fastapi.utils import create_model_field

from evse.web.app import create_app
from tests.fakes.web_fake import ERROR_BITS, FakeRecords, FakeStation, FakeWorld, station_view


@pytest.fixture(scope="session", autouse=True)
def answers_compiled_once() -> Iterator[None]:
    """Each application compiles the models of all its answers anew, most of its 0.2 s; here they are made once for all.

    The route's name is part of what they are kept by, so nothing is shared within an application.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastapi.routing.create_model_field", cache(create_model_field))
        yield


class Bench:
    """The application with its fakes, and a client whose requests look like the page's own."""

    def __init__(self, world: FakeWorld | None) -> None:
        self.station = FakeStation(station_view())
        self.world = world
        self.records = FakeRecords()
        ids = iter(range(1, 1000))
        self.app = create_app(
            self.station, world, self.records, error_bits=ERROR_BITS, new_id=lambda: f"id-{next(ids)}", interval_s=0
        )

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client; ``headers`` with underscores for hyphens are added to each request."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://127.0.0.1:8080",
            headers=added,
        )

    def page(self) -> httpx.AsyncClient:
        """A client as our own page is one."""
        return self.client(X_EVSE_Request="1", Origin="http://127.0.0.1:8080", Sec_Fetch_Site="same-origin")


@pytest.fixture
def bench() -> Bench:
    """A simulated station."""
    return Bench(FakeWorld())


@pytest.fixture
def hardware() -> Bench:
    """A station on hardware: there is no world."""
    return Bench(None)


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio only: that is what the services run on."""
    return "asyncio"
