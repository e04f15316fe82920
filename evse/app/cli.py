"""The command ``evse``: run a station, tell its simulated world what to do, run scenarios, check profiles.

Exit codes: 0 all right; 1 it was tried and failed (scenario failed, verb refused, station could not be kept running); 2 bad
input (command line, profile, scenario, parameter); 3 the station is not running. User errors are one readable text, never a
traceback. Heavy parts are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
NOT_RUNNING: Final = 3

_CODES: Final = (
    "exit codes: 0 all right, 1 failed (scenario, verb refused, station), 2 bad input, 3 the station is not running"
)

_RUN_EXAMPLES: Final = """examples:
  evse run --profile parking                      a simulated Parking station with its page
  evse run --profile ./my-board.yaml --port 8080  a board of your own
  evse run --profile parking --uid LEFT --json    machine-readable start line on standard output

in a checkout: tools/run stands for evse run, and tools/run COMMAND for every other command of evse
(sim, replay, world, badge, settings, account, label, firmware, profile, meters)
"""
_SIM_EXAMPLES: Final = """examples:
  evse sim --list                                 the scenarios that come with the program
  evse sim badge-first                            run one of them
  evse sim charge.yaml                            run your own with the profile it names
  evse sim --profile parking-1 *.yaml --junit report.xml
  evse sim my-scenarios/ 'city-*' --json          every file below a directory, shipped ones by pattern
  evse sim charge.yaml --seed 7 --trace charge.jsonl

exit codes: 0 all passed, 1 an expectation failed, 2 bad input, nothing was run, 4 a safety or record invariant was broken
"""
_WORLD_EXAMPLES: Final = """examples:
  evse world list                                 every verb with its parameters
  evse world plug_in outlet=1 "cable=20 A"        plug a vehicle in
  evse world present_card outlet=1 hold=1         hold a badge to the reader for a second
  evse world truth --json                         what is physically true
  evse world cut_power && evse world restore_power
  evse world record --out mine.yaml               everything done so far, as a scenario for evse sim
"""
_REPLAY_EXAMPLES: Final = """examples:
  evse replay night.jsonl                         the profile that the trace names
  evse replay night.jsonl --profile ./my-board.yaml --json

exit codes: 0 control does what was recorded, 1 it does something else (the first difference is shown), 2 the trace or
profile cannot be used
"""
_PROFILE_EXAMPLES: Final = """examples:
  evse profile list                               what comes with the program
  evse profile check parking --all                a shipped profile, with every effective value
  evse profile check ./my-board.yaml --json
"""
_METER_EXAMPLES: Final = """examples:
  evse meters list                                every meter, those without a public register map included
  evse meters check ./my-meter.yaml               a register map of your own
"""


def parser(command: str = "") -> argparse.ArgumentParser:
    """The whole command line; only its part for ``command`` where somebody waits for that one (``run``, ``sim``)."""
    top = _parser_class()(
        prog="evse",
        description="An AC charging station: on its hardware, or with everything around it simulated.",
        epilog=_CODES,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the program's version and end")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    alone = {"run": _add_run, "sim": _add_sim}.get(command)
    for add in _ADDERS if alone is None else (alone,):
        add(commands)
    return top


class _Parser(argparse.ArgumentParser):
    """Keeps line breaks in the examples; an option has one name and no abbreviations."""

    def __init__(self, **arguments: object) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=formatter, allow_abbrev=False, **arguments)  # type: ignore[arg-type]


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and end."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("evse-controller")
        except PackageNotFoundError:
            number = "unknown version"
        print(f"evse {number}")
        parser.exit()


def _parser_class() -> type[argparse.ArgumentParser]:
    return _Parser


Commands = argparse._SubParsersAction  # the only name argparse has for it


def _add_run(commands: Commands[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run a station in real time", epilog=_RUN_EXAMPLES + _CODES)
    run.add_argument("--profile", required=True, metavar="P", help="name of a shipped profile, or a YAML file")
    run.add_argument(
        "--uid", default="", help="the station's identity (default: SIM-<profile>, on hardware EVSE-<profile>)"
    )
    run.add_argument("--host", default="127.0.0.1", help="address of the page (default: %(default)s)")
    run.add_argument("--port", type=_port, help="port of the page; 0: any free one (default: 8061 or the next free)")
    run.add_argument("--data", default="", metavar="DIR", help="data directory (default: ~/.local/state/evse/<uid>)")
    run.add_argument("--dumb-front-end", action="store_true", help="simulated front ends without local interlock")
    run.add_argument("--no-fifo", dest="fifo", action="store_false", help="stay at normal priority")
    run.add_argument(
        "--no-kernel-workers",
        dest="kernel_workers",
        action="store_false",
        help="leave the kernel's workers, which carry the bytes of serial lines, at normal priority",
    )
    run.add_argument(
        "--supervision", default="", metavar="URL", help="central system (ws:// or wss://) instead of the profile's"
    )
    run.add_argument(
        "--maker-keys",
        default="",
        metavar="DIR",
        help="public keys (*.pem) of those whose firmware packages are taken (default: /etc/evse/maker-keys)",
    )
    run.add_argument(
        "--usb",
        default="",
        metavar="DIR",
        help="where this machine mounts a USB stick (default: /media/evse-usb; in simulation usb in the station's data)",
    )
    run.add_argument(
        "--system-interface",
        default="",
        metavar="NAME",
        help="let the station's settings configure this machine: its name, its time and this network interface, by systemd "
        "(default: only remember them)",
    )
    run.add_argument(
        "--system-wifi-interface",
        default="",
        metavar="NAME",
        help="with --system-interface: the wireless network interface of this machine that is the station's Wi-Fi card, by "
        "wpa_supplicant (default: none)",
    )
    run.add_argument("--trace", default="", metavar="FILE", help="record what control gets and does, for evse replay")
    run.add_argument(
        "--trace-limit",
        type=_megabytes,
        default=256,
        metavar="MB",
        help="size of the trace file (default: %(default)s)",
    )
    run.add_argument("--json", action="store_true", help="print the start line as JSON")
    run.add_argument("--verbose", action="store_true", help="show the processes' informative lines too")
    run.set_defaults(run=_run)


def _add_sim(commands: Commands[argparse.ArgumentParser]) -> None:
    sim = commands.add_parser("sim", help="run scenarios in virtual time", epilog=_SIM_EXAMPLES)
    sim.add_argument("scenario", nargs="*", metavar="SCENARIO", help="file, directory, shipped name, or pattern")
    sim.add_argument("--list", action="store_true", help="name the shipped scenarios")
    sim.add_argument("--profile", metavar="P", help="profile to use instead of the one the scenario names")
    sim.add_argument("--seed", type=int, help="run number for the random streams instead of the scenario's")
    sim.add_argument("--full", action="store_true", help="run every frame, elide no renewals")
    sim.add_argument("--dumb-front-end", action="store_true", help="simulated front ends without local interlock")
    sim.add_argument("--json", action="store_true", help="print verdicts, or what was refused, as JSON")
    sim.add_argument("--junit", metavar="FILE", help="write a JUnit report, one test case per scenario")
    sim.add_argument("--trace", metavar="FILE", help="write the trace with all frames, for evse replay")
    sim.set_defaults(run=_sim)


def _add_replay(commands: Commands[argparse.ArgumentParser]) -> None:
    replay = commands.add_parser("replay", help="live a recorded trace through again", epilog=_REPLAY_EXAMPLES)
    replay.add_argument("file", metavar="FILE", help="trace of evse run --trace or evse sim --trace")
    replay.add_argument("--profile", metavar="P", help="profile to use instead of the one the trace names")
    replay.add_argument("--json", action="store_true", help="print the result as JSON")
    replay.set_defaults(run=_replay)


def _add_world(commands: Commands[argparse.ArgumentParser]) -> None:
    world = commands.add_parser(
        "world", help="the simulated world of a running station", epilog=_WORLD_EXAMPLES + _CODES
    )
    world.add_argument("verb", metavar="VERB", help="a verb, or: list, truth, status, log, record")
    world.add_argument(
        "params", nargs="*", default=[], metavar="key=value", help="parameters; numbers may carry a unit"
    )
    world.add_argument(
        "--station", default="", metavar="S", help="uid, page's port or runtime directory (default: the one)"
    )
    world.add_argument("--out", default="", metavar="FILE", help="where record writes (default: standard output)")
    world.add_argument("--json", action="store_true", help="print the answer as JSON")
    world.set_defaults(run=_world)


def _add_badge(commands: Commands[argparse.ArgumentParser]) -> None:
    from evse.app.commands.badge_parser import EXAMPLES, add_badge_parser

    badge = commands.add_parser("badge", help="the badge list of a running station", epilog=EXAMPLES + _CODES)
    add_badge_parser(badge)
    badge.set_defaults(run=_badge)


def _add_settings(commands: Commands[argparse.ArgumentParser]) -> None:
    from evse.app.commands import settings_parser as parsers

    settings = commands.add_parser(
        "settings", help="the settings of a running station", epilog=parsers.SETTINGS_EXAMPLES + _CODES
    )
    parsers.add_settings_parser(settings)
    settings.set_defaults(run=_settings)
    account = commands.add_parser("account", help="its two accounts", epilog=parsers.ACCOUNT_EXAMPLES + _CODES)
    parsers.add_account_parser(account)
    account.set_defaults(run=_account)
    label = commands.add_parser(
        "label", help="its label with the first password", epilog=parsers.LABEL_EXAMPLES + _CODES
    )
    parsers.add_label_parser(label)
    label.set_defaults(run=_label)


def _add_firmware(commands: Commands[argparse.ArgumentParser]) -> None:
    from evse.app.commands.firmware_command import EXAMPLES, add_firmware_parser

    firmware = commands.add_parser("firmware", help="its firmware; packages for makers", epilog=EXAMPLES + _CODES)
    add_firmware_parser(firmware)
    firmware.set_defaults(run=_firmware)


def _add_profile(commands: Commands[argparse.ArgumentParser]) -> None:
    profile = commands.add_parser("profile", help="work on profiles", epilog=_PROFILE_EXAMPLES + _CODES)
    actions = profile.add_subparsers(dest="action", required=True, metavar="ACTION")
    known = actions.add_parser("list", help="the profiles that come with the program", epilog=_CODES)
    known.add_argument("--json", action="store_true", help="print them as JSON")
    known.set_defaults(run=_profile_list)
    check = actions.add_parser("check", help="check a profile and show what counts", epilog=_PROFILE_EXAMPLES + _CODES)
    check.add_argument("file", metavar="FILE", help="YAML file, or name of a shipped profile")
    check.add_argument("--all", action="store_true", help="show every effective value, defaults too")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.set_defaults(run=_profile_check)


def _add_meters(commands: Commands[argparse.ArgumentParser]) -> None:
    meters = commands.add_parser(
        "meters", help="energy meters and their register maps", epilog=_METER_EXAMPLES + _CODES
    )
    actions = meters.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every meter this version knows", epilog=_METER_EXAMPLES + _CODES)
    listing.add_argument("--json", action="store_true", help="print the maps as JSON")
    listing.set_defaults(run=_meters_list)
    check = actions.add_parser("check", help="check a register map", epilog=_METER_EXAMPLES + _CODES)
    check.add_argument("file", metavar="FILE", help="YAML file, or name of a shipped map")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.set_defaults(run=_meters_check)


_ADDERS: Final = (
    *(_add_run, _add_sim, _add_replay, _add_world, _add_badge, _add_settings, _add_firmware, _add_profile, _add_meters),
)


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: 1 to 100000 MB")
    return int(text)


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return port


# --- commands ----------------------------------------------------------------------------------------------------


@contextmanager
def _loading(*, for_good: bool = False) -> Iterator[None]:
    """Collect no garbage meanwhile: what a program consists of is none, and looking through it takes a tenth of a start.

    ``for_good``: what exists afterwards is never looked through either, in a process that has nothing else to do.
    """
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        gc.enable()


def _run(arguments: argparse.Namespace) -> int:
    with _loading():
        return _run_station(arguments)


def _run_station(arguments: argparse.Namespace) -> int:
    from evse.app.processes.run import run_station
    from evse.app.processes.run_options import RunError, RunOptions

    options = RunOptions(
        profile=arguments.profile,
        uid=arguments.uid,
        host=arguments.host,
        port=arguments.port,
        data=arguments.data,
        fifo=arguments.fifo,
        kernel_workers=arguments.kernel_workers,
        dumb_front_end=arguments.dumb_front_end,
        json_output=arguments.json,
        verbose=arguments.verbose,
        supervision=arguments.supervision,
        maker_keys=arguments.maker_keys,
        usb=arguments.usb,
        interface=arguments.system_interface,
        wifi_interface=arguments.system_wifi_interface,
        trace=arguments.trace,
        trace_limit_mb=arguments.trace_limit,
    )
    try:
        return run_station(options)
    except RunError as error:
        return _complain(str(error), error.code)


def _sim(arguments: argparse.Namespace) -> int:
    with _loading(for_good=arguments.alone):
        from evse.app.commands.sim_command import SimOptions, list_scenarios, run_scenarios

    if arguments.list:
        return list_scenarios(json_output=arguments.json)
    return run_scenarios(
        SimOptions(
            scenarios=tuple(arguments.scenario),
            profile=arguments.profile,
            run_number=arguments.seed,
            elide=not arguments.full,
            dumb=arguments.dumb_front_end,
            json_output=arguments.json,
            junit=arguments.junit,
            trace=arguments.trace,
        )
    )


def _replay(arguments: argparse.Namespace) -> int:
    from evse.app.commands.replay_command import ReplayOptions, replay_command

    return replay_command(ReplayOptions(arguments.file, arguments.profile, arguments.json))


def _world(arguments: argparse.Namespace) -> int:
    from evse.app.commands.world_command import world_command

    return world_command(
        arguments.verb, arguments.params, arguments.station, json_output=arguments.json, out=arguments.out
    )


def _badge(arguments: argparse.Namespace) -> int:
    from evse.app.commands.badge_command import badge_command

    return badge_command(arguments)


def _settings(arguments: argparse.Namespace) -> int:
    from evse.app.commands.settings_command import settings_command

    return settings_command(arguments)


def _account(arguments: argparse.Namespace) -> int:
    from evse.app.commands.settings_command import account_command

    return account_command(arguments)


def _label(arguments: argparse.Namespace) -> int:
    from evse.app.commands.settings_command import label_command

    return label_command(arguments)


def _firmware(arguments: argparse.Namespace) -> int:
    from evse.app.commands.firmware_command import firmware_command

    return firmware_command(arguments)


def _profile_check(arguments: argparse.Namespace) -> int:
    from evse.app.commands.profile_command import check

    right, text = check(arguments.file, every=arguments.all, as_json=arguments.json)
    print(text)
    return OK if right else BAD_INPUT


def _profile_list(arguments: argparse.Namespace) -> int:
    from evse.app.commands.profile_command import list_profiles

    print(list_profiles(as_json=arguments.json))
    return OK


def _meters_list(arguments: argparse.Namespace) -> int:
    from evse.app.commands.meter_command import list_meters

    print(list_meters(as_json=arguments.json))
    return OK


def _meters_check(arguments: argparse.Namespace) -> int:
    from evse.app.commands.meter_command import check_meter

    right, text = check_meter(arguments.file, as_json=arguments.json)
    print(text)
    return OK if right else BAD_INPUT


def _complain(text: str, code: int) -> int:
    print(f"evse: {text}", file=sys.stderr)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser(words[0] if words else "").parse_args(words)
    arguments.alone = argv is None
    # Also for the processes we start: looking for plug-ins among all that is installed takes a tenth of pydantic's loading.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        return FAILED
