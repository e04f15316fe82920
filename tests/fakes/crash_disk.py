"""A disk in memory that loses its power, or fails, in the middle of one chosen operation.

``replace``, ``rename``, ``link`` then have happened or not; ``append`` and ``write_stream`` have left any beginning;
``remove_tree`` any part. Which of these is drawn from ``random``. ``operations`` counts what was done. While
``unreadable`` nothing can be read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from random import Random


class PowerCut(BaseException):
    """The power is gone; the object must not be used any more. No ``except`` of the product may hold it back."""


class CrashDisk:
    """See the module. ``cut_at``: the operation (from 1) during which the power goes; ``fail_at``: those that fail."""

    def __init__(
        self,
        random: Random,
        cut_at: int = 0,
        fail_at: Iterable[int] = (),
        files: dict[Path, bytes] | None = None,
        links: dict[Path, str] | None = None,
    ) -> None:
        self.files = dict(files or {})
        self.links = dict(links or {})
        self.operations = 0
        self.unreadable = False
        self._random = random
        self._cut_at = cut_at
        self._fail_at = frozenset(fail_at)

    def fail_at(self, *operations: int) -> None:
        """Let these operations fail, whatever was said before."""
        self._fail_at = frozenset(operations)

    def after_the_cut(self, cut_at: int = 0) -> CrashDisk:
        """What a restart finds."""
        return CrashDisk(self._random, cut_at, files=self.files, links=self.links)

    # --- the port ------------------------------------------------------------------------------------------------

    def read(self, path: Path) -> bytes | None:
        if self.unreadable:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self.files.get(self._resolve(path))

    def names(self, path: Path) -> tuple[str, ...]:
        path = self._resolve(path)
        below = [each for each in (*self.files, *self.links) if path in each.parents]
        return tuple(sorted({each.relative_to(path).parts[0] for each in below}))

    def make_directory(self, path: Path) -> None:
        if self._operation():
            self._stop()

    def replace(self, path: Path, data: bytes) -> None:
        path = self._resolve(path)
        if self._operation():
            self.files[path] = data
            self._stop()
        self.files[path] = data

    def append(self, path: Path, data: bytes) -> None:
        before = self.files.get(path, b"")
        if self._begin():
            self.files[path] = before + data[: self._random.randint(0, len(data))]
            self._stop()
        self.files[path] = before + data

    def write_stream(self, path: Path, pieces: Iterable[bytes]) -> None:
        path = self._resolve(path)
        bad = self._begin()
        self.files[path] = b""
        whole = b"".join(pieces)
        self.files[path] = whole[: self._random.randint(0, len(whole))] if bad else whole
        if bad:
            self._stop()

    def rename(self, old: Path, new: Path) -> None:
        if self._operation():
            self.files[new] = self.files.pop(old)
            self._stop()
        self.files[new] = self.files.pop(old)

    def link(self, path: Path, target: str) -> None:
        if self._operation():
            self.links[path] = target
            self._stop()
        self.links[path] = target

    def link_target(self, path: Path) -> str | None:
        return self.links.get(path)

    def remove(self, path: Path) -> None:
        if self._operation():
            self.files.pop(path, None)
            self._stop()
        self.files.pop(path, None)

    def remove_tree(self, path: Path) -> None:
        bad = self._begin()
        for each in [each for each in self.files if path in each.parents]:
            if not bad or self._random.random() < 0.5:
                del self.files[each]
        if bad:
            self._stop()

    # --- the cut -------------------------------------------------------------------------------------------------

    def _resolve(self, path: Path) -> Path:
        for link, target in self.links.items():
            if path == link or link in path.parents:
                return link.parent / target / path.relative_to(link)
        return path

    def _begin(self) -> bool:
        """Count the operation; whether it is the one that goes wrong."""
        self.operations += 1
        return self.operations == self._cut_at or self.operations in self._fail_at

    def _operation(self) -> bool:
        """As ``_begin`` for an operation that is all or nothing: true when it goes wrong after its effect."""
        if not self._begin():
            return False
        if self._random.random() < 0.5:
            self._stop()
        return True

    def _stop(self) -> None:
        if self.operations == self._cut_at:
            raise PowerCut
        raise OSError(5, "Input/output error")
