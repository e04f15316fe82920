"""``evse firmware``: firmware of a running station through its REST interface; and for makers, keys and packages."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from boards.problems import printable
from evse.app.commands.station_choice import BAD_INPUT, FAILED, OK, Complaint, find_station

if TYPE_CHECKING:
    from evse.app.commands.station_client import StationClient

EXAMPLES: Final = """examples:
  evse firmware show                              which version runs, waits, is on trial
  evse firmware upload station-2.0.0.zip          check a package and keep it for its trial
  evse firmware install                           restart into it, on trial
  evse firmware confirm                           keep it (by itself after a minute in which everything works)
  evse firmware return                            back to the version before
  evse firmware slaves                            how the slaves of a THØR master stand

for makers of firmware:
  evse firmware keys maker.key maker.pem          a pair of keys; the second file goes onto the stations
  evse firmware pack out.zip --key maker.key --product parking --version 2.0.0 --rollback 2 program.whl notes.txt

What concerns a station needs a login, as evse settings does (EVSE_PASSWORD). The file program.whl of a package is what
control and services run.
"""
Answer = dict[str, Any]


def add_firmware_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``evse firmware`` its actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    texts = {
        "show": "which version runs, waits, is on trial",
        "upload": "check a package and keep it for its trial",
        "install": "restart into the uploaded version, on trial",
        "confirm": "keep the version on trial",
        "return": "forget the uploaded version, or restart into the one before the trial",
        "slaves": "how the firmware of a master's slaves stands",
    }
    for name, text in texts.items():
        action = actions.add_parser(name, help=text)
        action.add_argument(
            "--station", default="", metavar="S", help="uid, page's port or runtime directory (default: the one)"
        )
        action.add_argument("--json", action="store_true", help="print the answer as JSON")
        if name == "upload":
            action.add_argument("file", metavar="FILE")
    keys = actions.add_parser("keys", help="make a maker's pair of keys")
    keys.add_argument("secret", metavar="SECRET", help="file for the secret key, to be kept by the maker")
    keys.add_argument("public", metavar="PUBLIC", help="file for the public key (.pem), for the stations")
    keys.add_argument("--json", action="store_true", help="print the answer as JSON")
    pack = actions.add_parser("pack", help="make a signed package")
    pack.add_argument("file", metavar="PACKAGE")
    pack.add_argument("content", nargs="+", metavar="FILE", help="what goes into it; program.whl is the program")
    pack.add_argument("--key", required=True, metavar="FILE", help="the maker's secret key")
    pack.add_argument("--product", required=True, help="family of the stations: parking, city, smart-wallbox, thor")
    pack.add_argument("--version", required=True, help="three numbers, such as 2.0.0")
    pack.add_argument("--rollback", required=True, type=int, help="only rises; stations refuse lower ones later")
    pack.add_argument("--json", action="store_true", help="print the answer as JSON")


def firmware_command(arguments: argparse.Namespace) -> int:
    """Carry out one action; returns the exit code."""
    try:
        local = _MAKER.get(arguments.action)
        answer = local(arguments) if local is not None else _at_the_station(arguments)
    except Complaint as complaint:
        return _complain(complaint, json_output=arguments.json)
    if arguments.json:
        print(json.dumps({"ok": True, **answer}))
    else:
        print(printable(_told(arguments.action, answer)))
    return OK


def _at_the_station(arguments: argparse.Namespace) -> Answer:
    from evse.app.commands.settings_command import secret
    from evse.app.commands.station_client import StationClient

    client = StationClient(find_station(arguments.station))
    client.login("admin", secret("EVSE_PASSWORD", "Password of admin: "))
    try:
        match arguments.action:
            case "show":
                return dict(client.get("/api/firmware"))
            case "slaves":
                return _slaves(client)
            case "upload":
                return _upload(client, Path(arguments.file))
            case action:
                return dict(client.post(f"/api/firmware/{action}", {}))
    finally:
        client.logout()


def _slaves(client: StationClient) -> Answer:
    if "charging_network.mode" not in client.get("/api/settings/values")["values"]:
        raise Complaint("this station cannot be the master of a charging network: a THØR of the x-series can", FAILED)
    return dict(client.get("/api/firmware/slaves"))


def _upload(client: StationClient, path: Path) -> Answer:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Complaint(f"{path} cannot be read: {error}", BAD_INPUT) from error
    return dict(client.upload("/api/firmware/package", data, "application/zip"))


def _keys(arguments: argparse.Namespace) -> Answer:
    from evse.services.firmware.keys import make_keys

    try:
        make_keys(Path(arguments.secret), Path(arguments.public))
    except OSError as error:
        raise Complaint(f"no keys are made: {error}", FAILED) from error
    return {"secret": arguments.secret, "public": arguments.public}


def _pack(arguments: argparse.Namespace) -> Answer:
    from evse.services.firmware.keys import KeyProblem, private_key
    from evse.services.firmware.manifest import PackageError
    from evse.services.firmware.package import write_package

    try:
        files = {Path(name).name: Path(name).read_bytes() for name in arguments.content}
        key = private_key(Path(arguments.key))
        manifest = write_package(
            Path(arguments.file), arguments.product, arguments.version, arguments.rollback, files, key
        )
    except (PackageError, KeyProblem, OSError) as error:
        raise Complaint(f"no package is made: {error}", BAD_INPUT) from error
    return {"file": arguments.file, "version": manifest.version, "files": [each.name for each in manifest.files]}


def _told(action: str, answer: Answer) -> str:
    match action:
        case "show":
            lines = [f"runs      {answer['running']}{' (on trial)' * answer['trial']}"]
            lines += [f"waits     {answer['staged']}"] if answer["staged"] else []
            lines += [f"returns   to {answer['confirmed']}"] if answer["trial"] else []
            lines += [f"gave up   {answer['returned']}"] if answer["returned"] else []
            lines += [f"makers    {answer['keys']} trusted; rollback number at least {answer['floor']}"]
            return "\n".join(lines)
        case "slaves":
            rows = [
                f"{each['serial']}  {each['version'] or '-'}  {each['standing']}{'; ' * bool(each['note'])}{each['note']}"
                for each in answer["slaves"]
            ]
            return "\n".join([*rows, *filter(None, [answer["problem"]])]) or "no slaves"
        case "upload":
            return f"version {answer['version']} waits: evse firmware install"
        case "install":
            return f"the station restarts into version {answer['version']}, on trial"
        case "confirm":
            return f"version {answer['version']} stays"
        case "return":
            return f"version {answer['version']} is given up{'; the station restarts' if answer['restarting'] else ''}"
        case "keys":
            return f"secret key: {answer['secret']}; public key: {answer['public']}"
        case _:
            return f"{answer['file']}: version {answer['version']}, files {', '.join(answer['files'])}"


def _complain(complaint: Complaint, *, json_output: bool) -> int:
    if json_output:
        print(json.dumps({"ok": False, "reason": str(complaint)}))
    else:
        for line in str(complaint).splitlines():
            print(f"evse: {printable(line)}", file=sys.stderr)
    return complaint.code


_MAKER: Final = {"keys": _keys, "pack": _pack}
