"""``evse run --trace``: the socket between control and the trace's writer, and the writer's process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import evse

MB: Final = 1024 * 1024
DEFAULT_LIMIT_MB: Final = 256
BUFFER: Final = 1 * MB
END_S: Final = 3.0
"""How long the end waits for the last lines to reach the file."""


class LiveTrace:
    """The writer, running until ``close``. Raises OSError when ``file`` cannot be written."""

    def __init__(self, file: str, limit_mb: int) -> None:
        path = Path(file).absolute()
        # Found out before anything runs: whether a file can be made there. An older one is kept as FILE.1.
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise OSError(f"{file}: cannot be written")
        if path.exists():
            path.replace(path.with_name(path.name + ".1"))
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        root = str(Path(evse.__file__).resolve().parent.parent)
        search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        command = [
            sys.executable, "-P", "-m", "evse.app.processes.trace_process",
            "--fd", str(theirs.fileno()), "--file", str(path), "--limit", str(limit_mb * MB),
        ]  # fmt: skip
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": search},
                cwd="/",
            )

    @property
    def fd(self) -> int:
        """The end to be handed to every control."""
        return self._ours.fileno()

    def close(self) -> None:
        """Let the writer finish; to be called when control has ended."""
        self._ours.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
