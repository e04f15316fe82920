"""The firmware of a running station: take a package, install it, confirm it, go back; whoever asks.

``FirmwareService`` is the one owner of the slots while services run. Its methods wait for the disk, may be called from any
thread and are done one after the other. What happens is told to listeners as :class:`FirmwareEvent` and stands in the
security log. A station restarts to install; what came of a trial is told by ``begin`` after the restart, or when the new
version is confirmed.

Only packages that one of the maker's keys has signed are taken (RFC 8032); without a key none is.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from evse.core.units import MINUTE, SECOND
from evse.records import dataclass
from evse.services.firmware.head import Head
from evse.services.firmware.manifest import Manifest, PackageError, version_order
from evse.services.firmware.package import open_package
from evse.services.firmware.slots import Slots
from evse.services.security.events import SecurityEvent, SecurityKind, SecurityLog
from evse.services.settings.service import STATION, Actor

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROOF_US: Final = 60 * SECOND
"""A new version that has worked so long without a break is confirmed."""
TRIAL_LIMIT_US: Final = 10 * MINUTE
"""One that has not been confirmed after so long is given back."""


class FirmwareStatus(StrEnum):
    """What happened to a package or version."""

    STAGED = "staged"
    """It is good and lies in the other slot."""
    REFUSED = "refused"
    INSTALLING = "installing"
    """The station restarts to try it."""
    INSTALLED = "installed"
    """Tried and confirmed."""
    RETURNED = "returned"
    """It did not work, or somebody has given it back: the version before runs, at the latest after the restart that follows."""


@dataclass(frozen=True, slots=True)
class FirmwareEvent:
    """One step. ``version``: whose, empty for a package that could not be read; ``reason``: in words, for people."""

    status: FirmwareStatus
    version: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FirmwareState:
    """``running``: the version at work; ``trial``: it has to be confirmed; ``staged``: the one that waits for its trial.

    ``confirmed``: the version to which a trial that fails returns. ``returned``: whose trial failed last. ``floor``:
    packages with a lower rollback number are refused. ``keys``: how many makers are trusted; 0 means that no package is taken.
    Versions are empty where there is none.
    """

    running: str
    trial: bool
    staged: str
    confirmed: str
    returned: str
    floor: int
    keys: int


Listener: TypeAlias = Callable[[FirmwareEvent], None]
"""Called in the thread of whoever caused the event. Must not wait and must not raise."""
Source: TypeAlias = Path | bytes
"""A package: its file, or its content."""


class FirmwareService:
    """See the module.

    ``built_in``: version of the program that is there without any package.
    ``plugged``: whether a vehicle is plugged in where that forbids an update (THØR; always false elsewhere). ``restart``: asks for a
    restart of the station soon after.
    """

    def __init__(
        self,
        slots: Slots,
        keys: Sequence[Ed25519PublicKey],
        log: SecurityLog,
        *,
        built_in: str,
        restart: Callable[[], None],
        plugged: Callable[[], bool] = lambda: False,
    ) -> None:
        self._slots = slots
        self._keys = tuple(keys)
        self._log = log
        self._built_in = built_in
        self._restart = restart
        self._plugged = plugged
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Be told of each event from now on."""
        self._listeners.append(listener)

    def state(self) -> FirmwareState:
        """How firmware stands. Raises ``OSError``."""
        with self._lock:
            return self._state()

    def begin(self) -> None:
        """Services have started: tell of a version that was given up at the start, once. Raises ``OSError``."""
        with self._lock:
            state = self._slots.state()
            if not state.returned or state.told:
                return
            self._tell(
                FirmwareEvent(
                    FirmwareStatus.RETURNED, state.returned, "its trial failed: the version before runs again"
                ),
                SecurityKind.FIRMWARE_RETURNED,
                STATION,
            )
            self._slots.told()

    def examine(self, source: Source) -> Manifest:
        """What a package says that one of the keys has signed. Nothing is taken. Raises ``PackageError`` and ``OSError``."""
        with _opened(source) as (stream, size):
            return open_package(stream, size, self._trusted()).manifest

    def judge(self, head: Head) -> Manifest:
        """Whether a package that another station brings would be taken, by its head; returns its manifest.

        More is asked than of one that an administrator uploads: it must be newer than what is confirmed, and not have failed here.
        Raises ``PackageError`` and ``OSError``.
        """
        with self._lock:
            manifest = head.checked(self._trusted())
            self._slots.admit(manifest, self._plugged())
            why = not_brought(manifest.version, self._state())
            if why:
                raise PackageError(why)
            return manifest

    def confirmed(self) -> Manifest | None:
        """The manifest of the confirmed version, ``None`` without one or while another is on trial. Raises ``OSError``."""
        with self._lock:
            return None if self._state().trial else self._slots.confirmed()

    def pack(self, path: Path) -> Manifest:
        """Write the package of the confirmed version anew, for another station. Raises ``PackageError`` and ``OSError``."""
        with self._lock, path.open("w+b") as stream:
            return self._slots.pack(stream)

    def stage(self, source: Source, who: Actor = STATION, only: Manifest | None = None) -> Manifest:
        """Check a package and put it into the slot that does not run; returns what it says.

        ``only``: the one manifest it may have, that of its head. Raises ``PackageError`` when it is refused, ``OSError`` when the disk does not take it; then nothing has changed but
        that an older staged version may be gone.
        """
        with self._lock:
            try:
                with _opened(source) as (stream, size):
                    package = open_package(stream, size, self._trusted())
                    if only not in (None, package.manifest):
                        raise PackageError("the package is another one than its beginning says")
                    manifest = self._slots.stage(package, self._plugged())
            except PackageError as error:
                self._refused(str(error), who)
                raise
            reason = f"rollback number {manifest.rollback}, {len(manifest.files)} files"
            event = FirmwareEvent(FirmwareStatus.STAGED, manifest.version, reason)
            self._tell(event, SecurityKind.FIRMWARE_STAGED, who)
            return manifest

    def install(self, who: Actor = STATION) -> str:
        """Restart into the staged version; returns it. Raises ``PackageError`` when that cannot be now, and ``OSError``."""
        with self._lock:
            try:
                version = self._slots.want(self._plugged())
            except PackageError as error:
                self._refused(str(error), who)
                raise
            self._tell(FirmwareEvent(FirmwareStatus.INSTALLING, version), SecurityKind.FIRMWARE_TRIED, who)
        self._restart()
        return version

    def confirm(self, who: Actor = STATION) -> str:
        """The version on trial works; returns it. Raises ``PackageError`` without a trial, and ``OSError``."""
        with self._lock:
            state = self._state()
            if not state.trial:
                raise PackageError("no version is on trial")
            self._slots.confirm()
            event = FirmwareEvent(FirmwareStatus.INSTALLED, state.running, "it works")
            self._tell(event, SecurityKind.FIRMWARE_CONFIRMED, who)
            return state.running

    def give_back(self, who: Actor = STATION, why: str = "given back") -> str:
        """Forget the staged version, or end the trial and restart into the version before; returns what was given up.

        Raises ``PackageError`` when there is neither, and ``OSError``.
        """
        with self._lock:
            trial = self._state().trial
            version = self._slots.give_up()
            if not version:
                raise PackageError("no version is staged or on trial")
            self._tell(FirmwareEvent(FirmwareStatus.RETURNED, version, why), SecurityKind.FIRMWARE_RETURNED, who)
        if trial:
            self._restart()
        return version

    def _trusted(self) -> tuple[Ed25519PublicKey, ...]:
        if not self._keys:
            raise PackageError("this station has no maker's key, so it takes no package")
        return self._keys

    def _state(self) -> FirmwareState:
        state = self._slots.state()
        trial = state.staged and state.trial_starts > 0
        confirmed = self._slots.version(state.running) or self._built_in
        other = self._slots.version(state.other) if state.staged else ""
        return FirmwareState(
            running=other if trial else confirmed,
            trial=trial,
            staged="" if trial else other,
            confirmed=confirmed,
            returned=state.returned,
            floor=state.floor,
            keys=len(self._keys),
        )

    def turned_away(self, reason: str, who: Actor) -> None:
        """Write down that a package was refused by its head: of what strangers try, listeners hear nothing."""
        self._log.record(SecurityEvent(SecurityKind.FIRMWARE_REFUSED, who.name, who.source, reason))

    def _refused(self, reason: str, who: Actor) -> None:
        self._tell(FirmwareEvent(FirmwareStatus.REFUSED, "", reason), SecurityKind.FIRMWARE_REFUSED, who)

    def _tell(self, event: FirmwareEvent, kind: SecurityKind, who: Actor) -> None:
        detail = ": ".join(filter(None, (event.version, event.reason)))
        self._log.record(SecurityEvent(kind, who.name, who.source, detail))
        for listener in tuple(self._listeners):
            listener(event)


def not_brought(version: str, state: FirmwareState) -> str:
    """Why a version is not taken from another station; empty when it is."""
    if version_order(version) <= version_order(state.confirmed):
        return f"version {version} is not newer than {state.confirmed}, which runs here"
    return f"version {version} did not work here" if version == state.returned else ""


class TrialWatch:
    """Decides about a running trial. Pure: time is an argument; ``now_us`` on a clock that only rises."""

    def __init__(self) -> None:
        self._begin_us: int | None = None
        self._well_us: int | None = None

    def verdict(self, now_us: int, *, well: bool) -> bool | None:
        """``True``: it has proved itself; ``False``: it has had its time; ``None``: wait. ``well``: everything works now."""
        if self._begin_us is None:
            self._begin_us = now_us
        if not well:
            self._well_us = None
        elif self._well_us is None:
            self._well_us = now_us
        if self._well_us is not None and now_us - self._well_us >= PROOF_US:
            return True
        return False if now_us - self._begin_us >= TRIAL_LIMIT_US else None


@contextmanager
def _opened(source: Source) -> Iterator[tuple[BinaryIO, int]]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        yield stream, size
