"""One JSON object per line over a Unix socket: order, later answers, nonsense, bounds."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evse.app.processes.json_lines import LINE_LIMIT, MAX_CLIENTS, Answer, JsonLineServer, Request


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.later: list[Answer] = []
        self.server = JsonLineServer(path, self.handle)
        self.clients: list[socket.socket] = []

    def handle(self, request: Request, answer: Answer) -> None:
        if request.get("later"):
            self.later.append(answer)
        else:
            answer({"echo": request})

    def client(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(self.path))
        client.settimeout(5)
        self.clients.append(client)
        self.server.run()
        return client

    def ask(self, client: socket.socket, data: bytes) -> list[Any]:
        client.sendall(data)
        self.server.run()
        return [json.loads(line) for line in client.recv(65_536).splitlines()]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="evse-t", dir="/tmp") as name:
        bench = Bench(Path(name) / "s")
        yield bench
        for client in bench.clients:
            client.close()
        bench.server.close()


def test_only_the_owner_may_connect(bench: Bench) -> None:
    assert bench.path.stat().st_mode & 0o777 == 0o600


def test_requests_are_answered_in_order_even_in_pieces(bench: Bench) -> None:
    client = bench.client()
    client.sendall(b'{"a":')
    bench.server.run()
    assert bench.ask(client, b'1}\n{"a":2}\n') == [{"echo": {"a": 1}}, {"echo": {"a": 2}}]


def test_an_answer_may_come_later(bench: Bench) -> None:
    client = bench.client()
    client.sendall(b'{"later":1}\n')
    bench.server.run()
    bench.later[0]({"ok": True})
    assert json.loads(client.recv(100)) == {"ok": True}


def test_an_answer_for_a_client_that_has_gone_is_lost_quietly(bench: Bench) -> None:
    client = bench.client()
    client.sendall(b'{"later":1}\n')
    bench.server.run()
    client.close()
    bench.server.run()
    bench.later[0]({"ok": True})


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"1", b"\xff", b"[" * 5000])
def test_nonsense_gets_an_answer_and_the_connection_lives(bench: Bench, line: bytes) -> None:
    client = bench.client()
    assert bench.ask(client, line + b"\n")[0]["ok"] is False
    assert bench.ask(client, b'{"a":1}\n') == [{"echo": {"a": 1}}]


def test_an_endless_line_and_too_many_clients_are_let_go(bench: Bench) -> None:
    first = bench.client()
    first.sendall(b"x" * (LINE_LIMIT + 2))
    for _ in range(4):
        bench.server.run()
    assert first.recv(1) == b""
    second = bench.client()
    for _ in range(MAX_CLIENTS):
        bench.client()
    bench.server.run()
    assert second.recv(1) == b""
    assert len(bench.server.readers()) == MAX_CLIENTS + 1
