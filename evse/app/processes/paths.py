"""Where a running station keeps its sockets and its data, and how another command finds it.

- **Runtime directory** (sockets, pseudo-terminals' links, ``station.json``): ``<base>/<process id>``, mode 0700, one per running
  station, removed at its end. The base is ``$EVSE_RUNTIME_DIR``, else ``$XDG_RUNTIME_DIR/evse``, else ``/tmp/evse-<user id>``.
  It cannot be used when a socket's path in it would be too long for the kernel (108 bytes), or when others may enter it. What
  ``EVSE_RUNTIME_DIR`` names is used or refused; of the other two the first that can be used is taken.
- **Data directory** (journal): ``--data``, else ``$XDG_STATE_HOME/evse/<uid>``, else ``~/.local/state/evse/<uid>``.

Both are held by a lock on a file inside. The lock ends with the process, whatever it died of: a directory whose lock is free
belongs to nobody, and the next start clears it away.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any, Final

from evse.records import dataclass

SOCKET_PATH_LIMIT: Final = 107
LONGEST_NAME: Final = 40
"""Room for instance and file name below the base."""
STATUS_FILE: Final = "station.json"
LOCK_FILE: Final = "lock"
_UID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PathError(Exception):
    """A directory cannot be used; the text says why, for people."""


def check_uid(uid: str) -> str:
    """Return ``uid`` when it can name a station and its directory: 1 to 64 letters, digits, ``._-``. Raises PathError."""
    if not _UID.fullmatch(uid):
        raise PathError(f"station uid {uid!r}: 1 to 64 letters, digits, '.', '_', '-', beginning with letter or digit")
    return uid


class Hold:
    """A lock on a directory for the life of this object. Raises PathError when somebody else holds it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._fd = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise PathError(f"{directory} is in use by another running station") from None

    def release(self) -> None:
        """Let go."""
        os.close(self._fd)


def runtime_base(environment: dict[str, str] | None = None) -> Path:
    """The directory that holds every running station's runtime directory of this user; made when missing.

    Raises PathError when ``EVSE_RUNTIME_DIR`` names a place that is not safe (ours, 0700) or not short enough, or when no
    other place is both.
    """
    env = dict(os.environ) if environment is None else environment
    if env.get("EVSE_RUNTIME_DIR"):
        base = Path(env["EVSE_RUNTIME_DIR"])
        problem = _unfit(base)
        if problem:
            raise PathError(f"EVSE_RUNTIME_DIR: {problem}")
        return base
    wishes = []
    if env.get("XDG_RUNTIME_DIR") and Path(env["XDG_RUNTIME_DIR"]).is_dir():
        wishes.append(Path(env["XDG_RUNTIME_DIR"]) / "evse")
    wishes.append(Path(f"/tmp/evse-{os.getuid()}"))  # noqa: S108  # made 0700 and checked to be ours
    problem = ""
    for base in wishes:
        problem = _unfit(base)
        if not problem:
            return base
    raise PathError(f"no runtime directory: {problem}")


def _unfit(base: Path) -> str:
    """Make ``base`` when it is missing; return why it cannot hold sockets, empty when it can."""
    length, longest = len(os.fsencode(base)), SOCKET_PATH_LIMIT - LONGEST_NAME
    if length > longest:
        return f"{base}: path too long for sockets ({length} bytes, at most {longest})"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = base.lstat()
    except OSError as error:
        return f"{base}: {error.strerror}"
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return ""
    return f"{base}: must be a directory of yours with mode 0700"


def make_runtime(base: Path) -> Hold:
    """A new runtime directory, held. Clears away those whose station has died."""
    for directory in _instances(base):
        if not is_held(directory):
            shutil.rmtree(directory, ignore_errors=True)
    directory = base / str(os.getpid())
    directory.mkdir(mode=0o700)
    return Hold(directory)


def data_directory(uid: str, wish: str = "", environment: dict[str, str] | None = None) -> Path:
    """The station's data directory, made when missing. Raises PathError."""
    env = dict(os.environ) if environment is None else environment
    if wish:
        directory = Path(wish)
    else:
        state = env.get("XDG_STATE_HOME") or os.path.join(env.get("HOME") or str(Path.home()), ".local", "state")
        directory = Path(state) / "evse" / uid
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PathError(f"{directory}: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PathError(f"{directory}: not writable")
    return directory.resolve()


def is_held(directory: Path) -> bool:
    """Whether a running station holds ``directory``."""
    try:
        fd = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@dataclass(frozen=True, slots=True)
class RunningStation:
    """A running station, as its ``station.json`` tells."""

    directory: Path
    status: dict[str, Any]


def write_status(directory: Path, status: dict[str, Any]) -> None:
    """Write ``station.json`` in one piece."""
    draft = directory / (STATUS_FILE + ".new")
    draft.write_text(json.dumps(status), encoding="utf-8")
    draft.replace(directory / STATUS_FILE)


def running_stations(base: Path) -> list[RunningStation]:
    """Every running station of this user."""
    found = []
    for directory in _instances(base):
        status = read_status(directory)
        if status is not None and is_held(directory):
            found.append(RunningStation(directory, status))
    return found


def read_status(directory: Path) -> dict[str, Any] | None:
    """What ``station.json`` in ``directory`` says, ``None`` when there is none."""
    try:
        status = json.loads((directory / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) else None


def _instances(base: Path) -> list[Path]:
    try:
        return sorted(path for path in base.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []
