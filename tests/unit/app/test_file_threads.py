"""A central system whose file server never answers holds no thread but its own few."""

from __future__ import annotations

import asyncio
import threading

import pytest

from evse.app.supervision.file_threads import FileThreads
from evse.links.ocpp.file_work import End

pytestmark = pytest.mark.req("OCP-01")


def test_transfers_that_hang_keep_nothing_else_waiting_and_end_as_failed() -> None:
    free = threading.Event()

    def hangs() -> End:
        free.wait(30)
        return End.DONE

    async def life() -> list[End]:
        threads = FileThreads(most=2, longest_s=0.05)
        ends = [*await asyncio.gather(threads.do(hangs), threads.do(hangs))]
        ends.append(await threads.do(lambda: End.DONE))
        free.set()
        for _ in range(3_000):
            ends[2:] = [ends[2], await threads.do(lambda: End.DONE)]
            if ends[3] is End.DONE:
                break
            await asyncio.sleep(0.001)
        return ends

    assert asyncio.run(life()) == [End.FAILED, End.FAILED, End.FAILED, End.DONE]


def test_nobody_waits_for_a_transfer_when_the_services_end() -> None:
    free = threading.Event()

    async def life() -> None:
        task = asyncio.create_task(FileThreads().do(lambda: End.DONE if free.wait(30) else End.FAILED))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(life())
    free.set()
