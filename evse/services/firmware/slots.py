"""Two slots for firmware: one runs, the other takes the next version, which must prove itself.

On the disk: ``slot-a`` and ``slot-b`` with the files of a version, ``firmware.json`` with what is known of both. A new
version is *staged* into the slot that does not run, *wanted* when somebody says install, *tried* from the next start on,
and *confirmed* when the station says that it works. A trial that starts ``TRIAL_STARTS`` times without being confirmed is
over, and so is one that is given up: the old version runs again. At every instant a power cut leaves the old or the new
version to be started, whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from evse.records import dataclass
from evse.services.disk import Disk
from evse.services.firmware.manifest import Manifest, PackageError, check_signature, manifest_bytes, manifest_of
from evse.services.firmware.package import MANIFEST, SIGNATURE, Package, write_again

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TRIAL_STARTS: Final = 3
PLUGGED: Final = "a vehicle is plugged in: unplug it, then update"
_NAMES: Final = ("slot-a", "slot-b")
_STATE: Final = "firmware.json"


@dataclass(frozen=True, slots=True)
class SlotState:
    """``running``: the confirmed slot, 0 or 1. ``floor``: the highest rollback number that was ever confirmed.

    ``staged``: the other slot holds a whole version. ``wanted``: it is to be tried at the next start. ``trial_starts``:
    starts of the other slot so far, 0 while there is no trial. ``returned``: the version whose trial failed last, for
    people; ``told``: they have been told.
    """

    running: int = 0
    floor: int = 0
    staged: bool = False
    wanted: bool = False
    trial_starts: int = 0
    returned: str = ""
    told: bool = False

    @property
    def other(self) -> int:
        """The slot that is not the confirmed one."""
        return 1 - self.running


@dataclass(frozen=True, slots=True)
class Start:
    """What to start. ``trial``: it has to be confirmed. ``returned``: the version given up at this start, if any."""

    directory: Path
    trial: bool
    returned: str = ""


class Slots:
    """The slots in one directory. Raises ``OSError`` as the disk does; everything may be tried again after it."""

    def __init__(self, directory: Path, disk: Disk, product: str, keys: Sequence[Ed25519PublicKey]) -> None:
        self._directory = directory
        self._disk = disk
        self._product = product
        self._keys = tuple(keys)

    def state(self) -> SlotState:
        """What is known of the slots; where that was damaged, what the slots themselves prove."""
        data = self._disk.read(self._directory / _STATE)
        if data is None:
            return SlotState()
        try:
            return _state_of(data)
        except (ValueError, TypeError):
            whole = [slot for slot in (0, 1) if self._slot_is_whole(slot)]
            manifests = [manifest for manifest in map(self._manifest, whole) if manifest is not None]
            return SlotState(running=min(whole, default=0), floor=max((each.rollback for each in manifests), default=0))

    def version(self, slot: int) -> str:
        """The version in a slot; empty when there is none."""
        manifest = self._manifest(slot)
        return manifest.version if manifest is not None else ""

    def stage(self, package: Package, vehicle_plugged: bool = False) -> Manifest:
        """Put a version into the slot that does not run, and read it back. Raises ``PackageError`` when it is refused.

        ``vehicle_plugged``: a vehicle is connected and the product does not update then (MNT-03, THØR).
        """
        state = self.state()
        manifest = package.manifest
        self.admit(manifest, vehicle_plugged)
        package.check_files()
        # From here on the other slot holds nothing that may be started.
        self._save(replace(state, staged=False, wanted=False, trial_starts=0))
        slot = self._slot(state.other)
        self._disk.remove_tree(slot)
        self._disk.make_directory(slot)
        for file in manifest.files:
            self._disk.write_stream(slot / file.name, package.pieces(file))
        self._disk.write_stream(slot / SIGNATURE, (package.signature,))
        self._disk.write_stream(slot / MANIFEST, (manifest_bytes(manifest),))
        self._check_slot(state.other)
        self._save(replace(state, staged=True, wanted=False, trial_starts=0, returned="", told=False))
        return manifest

    def want(self, vehicle_plugged: bool = False) -> str:
        """Try the staged version at the next start; returns it. Raises ``PackageError`` when there is none, or as ``stage``."""
        state = self.state()
        if not state.staged:
            raise PackageError("no version is staged: upload a package first")
        if vehicle_plugged:
            raise PackageError(PLUGGED)
        if not state.wanted:
            self._save(replace(state, wanted=True))
        return self.version(state.other)

    def give_up(self) -> str:
        """Forget the version that is staged or on trial, as if its trial had failed; returns it, empty without one.

        The station still runs it until its next start.
        """
        state = self.state()
        if not state.staged:
            return ""
        version = self.version(state.other) or "unknown"
        tried = state.trial_starts > 0
        self._save(
            replace(state, staged=False, wanted=False, trial_starts=0, returned=version if tried else "", told=tried)
        )
        return version

    def drop(self, directory: Path) -> str:
        """Empty a slot whose version cannot be run; returns that version. The other one is started from now on, or none."""
        state = self.state()
        slot = int(directory == self._slot(1))
        version = self.version(slot) or "unknown"
        # A version that is only staged has never proved itself: it is no way out.
        falls_back = slot == state.running and not state.staged and self._slot_is_whole(state.other)
        running = state.other if falls_back else state.running
        self._save(SlotState(running=running, floor=state.floor, returned=version))
        self._disk.remove_tree(directory)
        return version

    def told(self) -> None:
        """People know which version was returned from."""
        state = self.state()
        if not state.told:
            self._save(replace(state, told=True))

    def start(self) -> Start:
        """Decide what to start now, and count it: to be called once at each start of the machine's supervisor."""
        state = self.state()
        if not state.staged or not state.wanted:
            return Start(self._slot(state.running), trial=False)
        if state.trial_starts >= TRIAL_STARTS or not self._slot_is_whole(state.other):
            returned = self.version(state.other) or "unknown"
            self._save(replace(state, staged=False, wanted=False, trial_starts=0, returned=returned, told=False))
            return Start(self._slot(state.running), trial=False, returned=returned)
        self._save(replace(state, trial_starts=state.trial_starts + 1))
        return Start(self._slot(state.other), trial=True)

    def confirm(self) -> None:
        """The trial version works: it is the confirmed one from now on. Without a trial nothing happens."""
        state = self.state()
        manifest = self._manifest(state.other)
        if not state.staged or state.trial_starts == 0 or manifest is None:
            return
        self._save(SlotState(running=state.other, floor=max(state.floor, manifest.rollback)))

    def confirmed(self) -> Manifest | None:
        """The manifest of the confirmed version; ``None`` where the program that came with the machine is the confirmed one."""
        return self._manifest(self.state().running)

    def pack(self, stream: BinaryIO) -> Manifest:
        """Make the package of the confirmed version anew, for another station. Raises ``PackageError`` when it is not whole."""
        slot = self.state().running
        manifest = self._manifest(slot)
        if manifest is None:
            raise PackageError("the program came with the machine: there is no package of it to hand on")
        self._check_slot(slot)
        directory = self._slot(slot)
        signature = self._disk.read(directory / SIGNATURE) or b""
        write_again(stream, manifest, signature, lambda file: self._disk.read(directory / file.name) or b"")
        return manifest

    def admit(self, manifest: Manifest, vehicle_plugged: bool = False) -> None:
        """Raise ``PackageError`` when such a version is not taken now, whoever brings it."""
        state = self.state()
        if vehicle_plugged:
            raise PackageError(PLUGGED)
        if manifest.product != self._product:
            raise PackageError(f"the package is for {manifest.product}, this station is {self._product}")
        if manifest.rollback < state.floor:
            raise PackageError(
                f"version {manifest.version} is withdrawn (rollback number {manifest.rollback}, at least {state.floor})"
            )
        if state.trial_starts:
            raise PackageError("a new version is on trial: wait until it is confirmed or given up")

    def whole(self, directory: Path) -> bool:
        """Whether a slot's directory holds a version, signed and unchanged."""
        return any(self._slot(slot) == directory and self._slot_is_whole(slot) for slot in (0, 1))

    def _slot_is_whole(self, slot: int) -> bool:
        try:
            self._check_slot(slot)
        except PackageError:
            return False
        return True

    def _check_slot(self, slot: int) -> None:
        manifest = self._manifest(slot)
        if manifest is None:
            raise PackageError("the slot holds no version")
        signature = self._disk.read(self._slot(slot) / SIGNATURE) or b""
        check_signature(manifest_bytes(manifest), signature, self._keys)
        for file in manifest.files:
            data = self._disk.read(self._slot(slot) / file.name) or b""
            if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
                raise PackageError(f"{file.name} was not kept as it was written")

    def _manifest(self, slot: int) -> Manifest | None:
        data = self._disk.read(self._slot(slot) / MANIFEST)
        try:
            return manifest_of(data) if data is not None else None
        except PackageError:
            return None

    def _slot(self, slot: int) -> Path:
        return self._directory / _NAMES[slot]

    def _save(self, state: SlotState) -> None:
        self._disk.make_directory(self._directory)
        self._disk.replace(self._directory / _STATE, json.dumps(asdict(state), sort_keys=True).encode())


def _state_of(data: bytes) -> SlotState:
    state = SlotState(**json.loads(data))
    if state.running not in (0, 1) or any(type(value) is not type(default) for value, default in _pairs(state)):
        raise ValueError
    return state


def _pairs(state: SlotState) -> list[tuple[object, object]]:
    factory = asdict(SlotState())
    return [(value, factory[name]) for name, value in asdict(state).items()]
