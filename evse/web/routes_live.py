"""REST: what the station is built of, its last minutes, and the frames on its wires while somebody watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from evse.web.board_port import BoardView
from evse.web.errors import Refusal, responses
from evse.web.ports import HistoryPort
from evse.web.stream import EventStream
from evse.web.wire_port import WireBatch, WirePort, WireReader
from evse.web.words import LIMITS, REASONS, fault_words

KEEP_ALIVE_S: Final = 5.0
INTERVAL_S: Final = 0.2
"""Shortest time between two messages of the wires' stream."""
COLUMNS: Final = (
    "at_us",
    "ev_state",
    "outlet_status",
    "pilot_mode",
    "duty_bp",
    "contactor_closed",
    "offered_ma",
    "currents_ma",
)
"""What the values of a history row are."""


class HistoryBody(BaseModel):
    """The last minutes, reduced to changes: a row says how the outlet was until the next one."""

    boot_id: str
    since_us: int
    """From then on nothing is missing."""
    now_us: int
    columns: Sequence[str]
    outlets: dict[int, Sequence[Sequence[Any]]]


class WordsBody(BaseModel):
    """Names the station uses, in plain words."""

    reasons: dict[str, str]
    faults: dict[str, str]
    limits: dict[str, str]


def board_router(board: BoardView) -> APIRouter:
    """What does not change while the station runs."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get("/board", summary="What the station is built of")
    async def built() -> BoardView:
        return board

    @router.get("/words", summary="Reasons, faults and limits in plain words")
    async def words() -> WordsBody:
        return WordsBody(reasons=dict(REASONS), faults=fault_words(), limits=dict(LIMITS))

    return router


def history_router(history: HistoryPort) -> APIRouter:
    """The last minutes."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get("/history", summary="The last minutes, reduced to changes", responses=responses(422, 503))
    async def recent(
        minutes: Annotated[int, Query(ge=1, le=60, description="How far back.")] = 15,
    ) -> HistoryBody:
        view = history.recent(minutes)
        if view is None:
            raise Refusal(503, "control has not been heard yet", "", None, "it comes by itself", retry_after_s=1)
        return HistoryBody(
            boot_id=view.boot_id,
            since_us=view.since_us,
            now_us=view.now_us,
            columns=COLUMNS,
            outlets={number: list(rows) for number, rows in view.outlets.items()},
        )

    return router


class WireStreams:
    """The open streams of frames, so that the server can end them when it stops."""

    def __init__(self, port: WirePort, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._port = port
        self._keep_alive_s = keep_alive_s
        self._readers: list[WireReader] = []
        self._closed = False

    def open(self) -> WireReader:
        """A place for one more. Raises Refusal 503."""
        reader = None if self._closed else self._port.open()
        if reader is None:
            raise Refusal(
                503, "all places at the wires are taken", "", None, "close another page's wire log", retry_after_s=5
            )
        self._readers.append(reader)
        return reader

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for reader in self._readers:
            reader.wake()

    async def messages(self, reader: WireReader) -> AsyncGenerator[bytes, None]:
        """The stream of one reader; ends when the reader goes or the server stops."""
        try:
            yield b"retry: 2000\n\n"
            while not self._closed:
                batch = await reader.next(self._keep_alive_s)
                if self._closed:
                    return
                yield _message(batch)
                await asyncio.sleep(INTERVAL_S)
        finally:
            self._readers.remove(reader)
            reader.close()


def _message(batch: WireBatch) -> bytes:
    if not batch.lines and not batch.lost:
        return b"event: alive\ndata: {}\n\n"
    lines = [[each.at_us, each.wire, each.direction, each.message, each.text, each.data] for each in batch.lines]
    text = json.dumps({"lines": lines, "lost": batch.lost}, separators=(",", ":"), ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def wire_router(streams: WireStreams) -> APIRouter:
    """The frames on the wires."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get(
        "/wires",
        summary="Every frame on every wire, live, as server-sent events",
        description="Each message is JSON: `lines` (lists of `at_us`, wire, `sent` or `received`, message, its fields in "
        "words, its bytes in hexadecimal) and `lost` (frames dropped before these). Control shows frames only while "
        "this stream has a reader.",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **responses(503)},
    )
    async def wires() -> Response:
        reader = streams.open()
        return EventStream(streams.messages(reader))

    return router
