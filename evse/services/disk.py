"""The Disk port: the few file operations that services keep things with, each durable when it returns.

What is larger than one operation is built so that a power cut between any two of them, or in the middle of one, leaves
something that can be read: whoever uses this port is tested with a disk that loses its power at every operation.

- ``replace`` is all or nothing: after a power cut the file has its old content or the new one.
- ``append`` may leave any beginning of what was to be appended.
- ``write_stream`` makes a new file; a power cut may leave any beginning of it.
- ``rename`` and ``link`` are all or nothing and take the place of what was there.

Every operation raises ``OSError`` with the system's reason; paths are never made of foreign text by this module.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Files that outlive a power cut."""

    def read(self, path: Path) -> bytes | None:
        """The whole content; ``None`` when there is no such file."""
        ...

    def names(self, path: Path) -> tuple[str, ...]:
        """What is in a directory, in alphabetical order; nothing when there is none."""
        ...

    def make_directory(self, path: Path) -> None:
        """Make a directory and those above it; one that exists is left as it is."""
        ...

    def replace(self, path: Path, data: bytes) -> None:
        """Give the file this content, all or nothing."""
        ...

    def append(self, path: Path, data: bytes) -> None:
        """Add to the end; makes the file when there is none."""
        ...

    def write_stream(self, path: Path, pieces: Iterable[bytes]) -> None:
        """Make the file of ``pieces``, which may be larger than the memory."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Rename a file; what was at ``new`` is gone."""
        ...

    def link(self, path: Path, target: str) -> None:
        """Let the symbolic link ``path`` point to ``target``, from one moment to the next."""
        ...

    def link_target(self, path: Path) -> str | None:
        """Where the symbolic link points; ``None`` when there is no link."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def remove_tree(self, path: Path) -> None:
        """Remove a directory with everything in it; one that is not there is no error."""
        ...


class RealDisk:
    """The disk of this machine. Files are readable for their owner only unless ``mode`` says otherwise."""

    def __init__(self, mode: int = 0o600) -> None:
        self._mode = mode

    def read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, path: Path) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in path.iterdir()))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def make_directory(self, path: Path) -> None:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for each in reversed(missing):
            _flush_directory(each.parent)

    def replace(self, path: Path, data: bytes) -> None:
        new = path.with_name(path.name + ".new")
        try:
            self._write(new, (data,), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            new.replace(path)
        except OSError:
            # On a full disk half a file only takes room, and it may hold secrets.
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        _flush_directory(path.parent)

    def append(self, path: Path, data: bytes) -> None:
        fresh = not path.exists()
        self._write(path, (data,), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if fresh:
            _flush_directory(path.parent)

    def write_stream(self, path: Path, pieces: Iterable[bytes]) -> None:
        self._write(path, pieces, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        _flush_directory(path.parent)

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)
        _flush_directory(new.parent)
        if old.parent != new.parent:
            _flush_directory(old.parent)

    def link(self, path: Path, target: str) -> None:
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(path)
        _flush_directory(path.parent)

    def link_target(self, path: Path) -> str | None:
        try:
            return os.readlink(path)
        except (FileNotFoundError, OSError):
            return None

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        _flush_directory(path.parent)

    def remove_tree(self, path: Path) -> None:
        if path.exists():
            shutil.rmtree(path)
            _flush_directory(path.parent)

    def _write(self, path: Path, pieces: Iterable[bytes], flags: int) -> None:
        # Neither through a link nor into a pipe, which on a foreign medium may stand in the place of a file.
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, self._mode)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
