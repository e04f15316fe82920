"""From what ``evse run`` was asked for to the task of the station's processes: profile, settings, directories.

Loading this takes the profile's schema and the settings' registry; the supervisor does it while its children load.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boards.compiled import WireKind, WirePlan, encode_config
from boards.load import Profile, load_profile
from boards.problems import ProfileError
from boards.to_core import station_config, wire_plan
from evse.app.page.board_view import board_values
from evse.app.processes.child import Task
from evse.app.processes.firmware_boot import MAKER_KEYS, Boot
from evse.app.processes.paths import Hold, PathError, check_uid, data_directory
from evse.app.processes.run_options import BAD_INPUT, RunError, RunOptions
from evse.app.processes.supervisor import FAILED
from evse.app.processes.usb_port import HARDWARE_PORT, PORT
from evse.app.station.factory_badges import badges_of, strategy_of
from evse.app.station.kept_settings import configured
from evse.app.station.station_facts import facts_values, station_facts
from evse.core.config import StationConfig
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """``task`` for the processes; the station's ``data`` directory, held; ``about``: what the status file tells of the
    station; ``boot``: what decides which program a start runs.
    """

    task: Task
    data: Hold
    about: dict[str, Any]
    boot: Boot


@dataclass(frozen=True, slots=True)
class _Wished:
    """What the profile gives: the configuration without any setting, wires, and the central system, empty without."""

    profile: Profile
    uid: str
    base: StationConfig
    wires: WirePlan
    simulated: bool
    supervision: dict[str, Any]


def prepare(options: RunOptions, runtime: Path) -> Prepared:
    """Read and compile the profile, take the data directory, write what the processes read. Raises RunError.

    ``runtime``: the directory of this run, for compiled configurations and the links of simulated wires.
    """
    wished = _read(options, runtime)
    profile = wished.profile
    try:
        data = data_directory(wished.uid, options.data)
        hold = Hold(data)
    except (PathError, OSError) as error:
        raise RunError(str(error), FAILED) from error
    try:
        facts = station_facts(profile, wished.uid, wished.supervision)
        config = configured(wished.base, facts, data)
        compiled, without_settings = runtime / "station.compiled", runtime / "profile.compiled"
        for file, content in ((compiled, config), (without_settings, wished.base)):
            file.write_bytes(encode_config(content, wished.wires))
    except OSError as error:
        hold.release()
        raise RunError(str(error), FAILED) from error
    maker_keys = options.maker_keys or MAKER_KEYS
    task = Task(
        str(compiled),
        str(data),
        str(runtime / "world") if wished.simulated else "",
        strategy_of(profile),
        badges_of(profile),
        board_values(profile),
        reference=_reference(options.profile),
        base=str(without_settings),
        facts=facts_values(facts),
        maker_keys=maker_keys,
        interface=options.interface,
        wifi_interface=options.wifi_interface,
        supervision=wished.supervision,
        usb=options.usb or (str(data / PORT) if wished.simulated else HARDWARE_PORT),
    )
    about = {
        "uid": wished.uid,
        "profile": config.profile,
        "outlets": len(config.outlets),
        "simulated": wished.simulated,
        "data": str(data),
        "config_digest": config.digest,
    }
    return Prepared(task, hold, about, Boot(data, runtime, facts.family, maker_keys))


def _read(options: RunOptions, runtime: Path) -> _Wished:
    """The profile and what follows from it alone. Raises RunError."""
    if options.wifi_interface and not options.interface:
        raise RunError(
            "--system-wifi-interface needs --system-interface: one wired interface of this machine", BAD_INPUT
        )
    try:
        profile = load_profile(options.profile)
        wires = wire_plan(profile)
        kinds = {wire.kind for wire in wires.wires()}
        simulated = WireKind.SIMULATED in kinds
        uid = check_uid(options.uid or f"{'SIM' if simulated else 'EVSE'}-{profile.model.name}")
        base = station_config(profile, uid)
        supervision: dict[str, Any] = {}
        if options.supervision or profile.model.supervision is not None:
            # Loaded only where it is used: the pilot's first 12 V wait for us.
            from evse.app.supervision.charge_point_task import supervision_values

            supervision = supervision_values(profile, options.supervision)
    except ProfileError as error:
        text = "\n".join(map(str, error.problems))
        raise RunError(f"{text}\nprofile {options.profile!r} is refused", BAD_INPUT) from error
    except (ValueError, PathError) as error:
        raise RunError(str(error), BAD_INPUT) from error
    if simulated and kinds != {WireKind.SIMULATED}:
        raise RunError("a profile whose wires are partly simulated and partly real cannot be run", BAD_INPUT)
    if simulated:
        wires = wires.with_paths({wire.name: str(runtime / wire.name.replace("/", "-")) for wire in wires.wires()})
    return _Wished(profile, uid, base, wires, simulated, supervision)


def _reference(profile: str) -> str:
    """The profile as another process finds it: a name, or an absolute path."""
    path = Path(profile)
    return str(path.absolute()) if path.exists() else profile
