"""Speaks to a slave over HTTP: asks how its firmware stands, sends it a package. What it answers is a stranger's word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx

from evse.app.network.browsing import Place
from evse.app.network.slave_problem import SlaveProblem
from evse.core.units import SECOND
from evse.services.firmware.neighbours import Told, told_of
from evse.web.security import SLAVE_PACKAGE, BadJson, parse_json

ASK_S: Final = 5.0
PIECE_S: Final = 30.0
"""Longest wait of a transfer for the slave to take or to say something."""
SEND_S: Final = 900.0
_PIECE: Final = 256 * 1024
_ANSWER_LIMIT: Final = 4_096
_WORDS: Final = 200


class SlaveClient:
    """See the module. To be closed."""

    def __init__(self) -> None:
        # No proxy of the environment: slaves are neighbours. Redirections are not followed.
        self._client = httpx.AsyncClient(trust_env=False, headers={"X-EVSE-Request": "1"})

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def ask(self, place: Place) -> Told:
        """How its firmware stands. Raises ``SlaveProblem``."""
        request = self._client.build_request("GET", f"{_base(place)}/api/neighbour", timeout=ASK_S)
        try:
            return told_of(await self._answer(request, ASK_S))
        except ValueError as error:
            raise SlaveProblem(str(error)) from error

    async def send(self, place: Place, path: Path) -> None:
        """Send it the package at ``path``. Raises ``SlaveProblem``, and ``OSError`` when that cannot be read."""
        size = (await asyncio.to_thread(path.stat)).st_size
        request = self._client.build_request(
            "POST",
            f"{_base(place)}{SLAVE_PACKAGE}",
            content=_pieces(path),
            headers={"Content-Type": "application/zip", "Content-Length": str(size)},
            timeout=PIECE_S,
        )
        await self._answer(request, SEND_S)

    async def _answer(self, request: httpx.Request, limit_s: float) -> object:
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._client.send(request, stream=True)
                try:
                    body = await _beginning(answer)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise SlaveProblem(f"no answer within {limit_s:g} s") from error
        except httpx.HTTPError as error:
            raise SlaveProblem(f"no answer: {_printable(str(error) or type(error).__name__)}") from error
        try:
            value = parse_json(body)
        except BadJson:
            value = None
        if not answer.is_success:
            why = value.get("error") if isinstance(value, dict) else None
            text = why if isinstance(why, str) else answer.reason_phrase
            raise SlaveProblem(f"{answer.status_code} {_printable(text)}", _wait_us(answer))
        return value


async def _beginning(answer: httpx.Response) -> bytes:
    read = b""
    async for piece in answer.aiter_raw():
        read += piece
        if len(read) > _ANSWER_LIMIT:
            raise SlaveProblem("an answer that no slave gives")
    return read


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    stream = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(stream.read, _PIECE):
            yield piece
    finally:
        await asyncio.to_thread(stream.close)


def _wait_us(answer: httpx.Response) -> int:
    text = answer.headers.get("retry-after", "")
    return int(text) * SECOND if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _base(place: Place) -> str:
    return f"http://{place.address}:{place.port}"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_WORDS])
