"""The writer of a live trace: ``python -m evse.app.processes.trace_process``, started by ``evse run --trace`` only.

A process of its own, at normal priority, so that no disk is ever waited for by control. It takes datagrams of whole
lines from a socket and appends them to a file (format: ``evse.sim.trace``), until nobody holds the other end any more.

A file begins with a boot of control and holds at most ``--limit`` bytes: then ``full`` is its last line, and nothing more
is written until control boots again. That begins a new file; the one before is kept as ``FILE.1``. So the two files
together never hold more than twice the limit, and each can be replayed from its beginning.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Final, TextIO

_log = logging.getLogger(__name__)
SCHEMA: Final = 2
"""``evse.sim.trace.TRACE_SCHEMA``, which this small process does not import."""
QUIET_S: Final = 0.2
"""After so long without news what was written goes to the file."""
DATAGRAM: Final = 1024 * 1024
_BOOT: Final = '"type":"boot"'


class TraceFileWriter:
    """Appends lines to ``path`` within ``limit`` bytes. Raises OSError."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self._file: TextIO | None = None
        self._size = 0
        self._full = False

    def take(self, text: str) -> None:
        """Write whole lines that belong together."""
        boot = _boot_of(text)
        if boot is not None and (self._file is None or self._full):
            self._begin(boot)
        if self._file is None or self._full:
            return
        if self._size + len(text) > self._limit:
            self._full = True
            last = json.loads(text.splitlines()[0])
            entry = {"t": last["t"], "seq": last["seq"], "source": "control", "type": "full", "data": {}}
            text = json.dumps(entry, separators=(",", ":")) + "\n"
        self._file.write(text)
        self._size += len(text)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """The end."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, boot: dict[str, object]) -> None:
        self.close()
        if self._path.exists():
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._path.open("w", encoding="ascii", newline="\n")
        head = {
            "schema": SCHEMA,
            "kind": "trace",
            "name": boot.get("station_uid", ""),
            "run": 0,
            "profile": boot.get("profile", ""),
        }
        line = json.dumps(head, separators=(",", ":")) + "\n"
        self._file.write(line)
        self._size, self._full = len(line), False


def _boot_of(text: str) -> dict[str, object] | None:
    if _BOOT not in text:
        return None
    entry = json.loads(text.splitlines()[-1])
    return dict(entry["data"]) if entry.get("type") == "boot" else None


def write_all(source: socket.socket, writer: TraceFileWriter) -> None:
    """Write until the other end is closed. Raises OSError."""
    dirty = False
    while True:
        ready, _, _ = select.select([source], [], [], QUIET_S if dirty else None)
        if not ready:
            writer.flush()
            dirty = False
            continue
        data = source.recv(DATAGRAM)
        if not data:
            return
        writer.take(data.decode("ascii"))
        dirty = True


def main(argv: list[str] | None = None) -> int:
    """Write until the other end is closed; returns the exit code."""
    parser = argparse.ArgumentParser(prog="evse.app.processes.trace_process", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="socket to read from")
    parser.add_argument("--file", required=True, help="file to write")
    parser.add_argument("--limit", type=int, required=True, help="bytes per file")
    arguments = parser.parse_args(argv)
    # A terminal's interrupt goes to everybody; the last lines come after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    writer = TraceFileWriter(Path(arguments.file), arguments.limit)
    try:
        write_all(socket.socket(fileno=arguments.fd), writer)
        writer.close()
    except OSError as error:
        os.write(
            sys.stderr.fileno(), f"evse: trace {arguments.file}: {error.strerror or error}: it ends here\n".encode()
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
