"""``evse settings``, ``evse account``, ``evse label``: settings and accounts of a running station, through its REST interface."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from boards.problems import printable
from evse.app.commands.station_choice import BAD_INPUT, FAILED, OK, Complaint, find_station
from evse.app.commands.station_client import StationClient

_NEW: Final = "EVSE_NEW_PASSWORD"
_PASSPHRASE: Final = "EVSE_PASSPHRASE"  # noqa: S105  # the name of a variable
Answer = dict[str, Any]


def settings_command(arguments: argparse.Namespace) -> int:
    """Carry out one action of ``evse settings``; returns the exit code."""
    if arguments.action == "reset" and arguments.data:
        return _reset_at_the_machine(arguments)
    return _run(arguments, _SETTINGS[arguments.action], show_settings)


def account_command(arguments: argparse.Namespace) -> int:
    """Carry out one action of ``evse account``; returns the exit code."""
    if arguments.action == "recover":
        return _recover(arguments)
    return _run(arguments, _ACCOUNT[arguments.action], _show_accounts)


def label_command(arguments: argparse.Namespace) -> int:
    """Show the label; returns the exit code."""
    from evse.app.station.kept_settings import SETTINGS
    from evse.services.accounts.keeper import LABEL
    from evse.services.accounts.label import BadLabel, decode_label

    try:
        data = arguments.data or str(find_station(arguments.station).status.get("data", ""))
        path = Path(data) / SETTINGS / LABEL
        label = decode_label(path.read_bytes())
    except Complaint as complaint:
        return _complain(complaint, json_output=arguments.json)
    except (OSError, BadLabel) as error:
        text = (
            f"there is no label in {data}: it is made at the first start, and may be removed after printing ({error})"
        )
        return _complain(Complaint(text, FAILED), json_output=arguments.json)
    if arguments.json:
        print(json.dumps({name: value for name, value in asdict(label).items() if value}))
    else:
        print(label.text(), end="")
    return OK


def _run(
    arguments: argparse.Namespace,
    action: Callable[[StationClient, argparse.Namespace], Answer],
    show: Callable[[argparse.Namespace, Answer], None],
) -> int:
    try:
        client = StationClient(find_station(arguments.station), arguments.language)
        client.login(arguments.account, secret("EVSE_PASSWORD", f"Password of {arguments.account}: "))
        try:
            answer = action(client, arguments)
        finally:
            client.logout()
    except Complaint as complaint:
        return _complain(complaint, json_output=arguments.json)
    if arguments.json:
        print(json.dumps({"ok": True, **answer}))
    else:
        show(arguments, answer)
    return OK


# --- settings ----------------------------------------------------------------------------------------------------


def _list(client: StationClient, arguments: argparse.Namespace) -> Answer:
    view: Answer = client.get("/api/settings")
    view["settings"] = [
        each
        for each in view["settings"]
        if each["key"].startswith(arguments.prefix) and (each["shown"] or arguments.all)
    ]
    return view


def _get(client: StationClient, arguments: argparse.Namespace) -> Answer:
    view = client.get("/api/settings/values")
    unknown = [key for key in arguments.keys if key not in view["values"]]
    if unknown:
        raise Complaint(
            f"no such setting for this account: {', '.join(unknown)}; see evse settings list --all", BAD_INPUT
        )
    return {"values": {key: view["values"][key] for key in arguments.keys}}


def _set(client: StationClient, arguments: argparse.Namespace) -> Answer:
    view = client.get("/api/settings")
    kinds = {each["key"]: each["kind"] for each in view["settings"]}
    changes = dict(parse_change(text, kinds) for text in arguments.changes)
    if arguments.preview:
        return dict(client.post("/api/settings/preview", {"changes": changes}))
    return dict(client.post("/api/settings", {"changes": changes, "based_on": view["version"]}))


def parse_change(text: str, kinds: dict[str, str]) -> tuple[str, bool | int | str]:
    """``key=value`` with the value's type as its setting has it. Raises Complaint."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Complaint(f"{text!r} is not KEY=VALUE", BAD_INPUT)
    match kinds.get(key):
        case "switch":
            words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
            if value.lower() not in words:
                raise Complaint(f"{key}: {value!r} is none of {', '.join(words)}", BAD_INPUT)
            return key, words[value.lower()]
        case "number":
            try:
                return key, int(value)
            except ValueError:
                raise Complaint(f"{key}: {value!r} is no whole number", BAD_INPUT) from None
        case _:
            return key, value


def _export(client: StationClient, arguments: argparse.Namespace) -> Answer:
    passphrase = _twice(_PASSPHRASE, "Passphrase") if arguments.with_secrets else ""
    data = client.file("/api/settings/export", {"passphrase": passphrase})
    path = Path(arguments.file)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Complaint(f"{path} cannot be written: {error}", FAILED) from error
    return {"file": str(path), "bytes": len(data)}


def _import(client: StationClient, arguments: argparse.Namespace) -> Answer:
    path = Path(arguments.file)
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(f"{path} cannot be read: {error}", BAD_INPUT) from error
    passphrase = secret(_PASSPHRASE, "Passphrase of the file: ") if arguments.with_secrets else ""
    body: dict[str, Any] = {"file": text, "passphrase": passphrase}
    if arguments.preview:
        return dict(client.post("/api/settings/import/preview", body))
    return dict(client.post("/api/settings/import", {**body, "raise_limits": arguments.raise_limits}))


def _restart(client: StationClient, _arguments: argparse.Namespace) -> Answer:
    return dict(client.post("/api/control/restart", {}))


def _reset_at_the_machine(arguments: argparse.Namespace) -> int:
    """The manual factory reset: whoever may write into the station's data directory needs no login."""
    from evse.app.station.kept_settings import SETTINGS
    from evse.services.disk import RealDisk
    from evse.services.factory_reset import AT_THE_MACHINE, NAME, ResetFile, ResetOrder

    directory = Path(arguments.data) / SETTINGS
    try:
        _sure(arguments)
        if not directory.is_dir():
            raise Complaint(f"{arguments.data} is no data directory of a station that was ever started", BAD_INPUT)
        ResetFile(directory, RealDisk()).write(
            ResetOrder(_keep_badges(arguments), AT_THE_MACHINE, f"user {os.getuid()} of the machine")
        )
        if os.geteuid() == 0:
            # The station may run as somebody else, and has to read it.
            owner = directory.stat()
            os.chown(directory / NAME, owner.st_uid, owner.st_gid)
    except Complaint as complaint:
        return _complain(complaint, json_output=arguments.json)
    except OSError as error:
        return _complain(Complaint(f"{directory} cannot be written: {error}", FAILED), json_output=arguments.json)
    text = "the station goes back to the factory settings at its next start; then the label's password opens it"
    print(json.dumps({"ok": True, "at_next_start": True}) if arguments.json else text)
    return OK


def _sure(arguments: argparse.Namespace) -> None:
    if not arguments.yes:
        raise Complaint("reset removes settings, records and passwords: say --yes", BAD_INPUT)


def _keep_badges(arguments: argparse.Namespace) -> bool | None:
    return None if arguments.badges is None else arguments.badges == "keep"


def _reset(client: StationClient, arguments: argparse.Namespace) -> Answer:
    _sure(arguments)
    keep = _keep_badges(arguments)
    badges = {} if keep is None else {"keep_badges": keep}
    return dict(client.post("/api/control/factory-reset", {"confirm": True, **badges}))


def _machine(client: StationClient, _arguments: argparse.Namespace) -> Answer:
    return dict(client.get("/api/host"))


def _show_machine(host: Answer) -> None:
    keeper = f"time server {host['ntp_server']}" if host["ntp_server"] else "set by hand"
    lines = [f"name {host['name']}", f"clock {host['utc']} ({host['zone']}, {keeper})"]
    for what in ("addresses", "waiting"):
        each = host[what]
        if each is not None:
            dhcp = "by DHCP, else " if each["dhcp"] else ""
            second = f" and {each['second']}" if each["second"] else ""
            gateway = each["gateway"] or "none"
            lines.append(f"{what} {dhcp}{each['address']}{second}, mask {each['mask']}, gateway {gateway}")
    if host["trial_s"] is not None:
        lines.append(
            f"on trial: the addresses before come back in {host['trial_s']:.0f} s unless somebody logs in by these"
        )
    if host["wifi"] is not None:
        lines.append(f"Wi-Fi card {host['wifi']['address']}: {host['wifi']['told']}")
    lines += [f"problem: {host['problem']}"] if host["problem"] else []
    print("\n".join(map(printable, lines)))


def show_settings(arguments: argparse.Namespace, answer: Answer) -> None:
    """Print an answer for people."""
    match arguments.action:
        case "list":
            for each in answer["settings"]:
                mark = " " if each["value"] == each["factory"] else "*"
                unit = f" {each['unit']}" * bool(each["unit"])
                print(printable(f"{mark} {each['key']:38} {_word(each['value'])}{unit}   ({each['label']})"))
            print(f"version {answer['version']}, {'active' if answer['active'] else 'not active yet'}; * changed")
        case "get":
            for key, value in answer["values"].items():
                print(printable(f"{key} = {_word(value)}"))
        case "machine":
            _show_machine(answer)
        case "restart" | "reset":
            print("the station restarts now")
        case "export":
            print(f"{answer['file']}: {answer['bytes']} bytes")
        case _:
            for each in answer["differences"]:
                raises = "  (raises a current limit)" if each["raises_limit"] else ""
                print(printable(f"{each['key']}: {each['old']} -> {each['new']}{raises}"))
            if not answer["differences"]:
                print("nothing is different")
            elif answer["reboot"]:
                print("part of this counts only after a restart")
            if answer.get("power_cycle"):
                print("part of this counts only after the station was without power for 5 s")
            if "version" in answer:
                print(f"saved as version {answer['version']}")


# --- accounts ----------------------------------------------------------------------------------------------------


def _accounts(client: StationClient, _arguments: argparse.Namespace) -> Answer:
    return {"accounts": client.get("/api/accounts")}


def _password(client: StationClient, _arguments: argparse.Namespace) -> Answer:
    new = _twice(_NEW, "New password")
    return {"session": client.change_password(new)}


def _recover(arguments: argparse.Namespace) -> int:
    """A new password for ``admin`` by the label's recovery key: the one action that needs no login."""
    try:
        client = StationClient(find_station(arguments.station), arguments.language)
        key = secret("EVSE_RECOVERY_KEY", "Recovery key of the label: ")
        new = _twice(_NEW, "New password of admin")
        answer = {"session": client.post("/api/accounts/recover", {"key": key, "new": new, "confirm": new})}
        client.logout()
    except Complaint as complaint:
        return _complain(complaint, json_output=arguments.json)
    print(json.dumps({"ok": True, **answer}) if arguments.json else "admin has the new password")
    return OK


def _user(client: StationClient, arguments: argparse.Namespace) -> Answer:
    new = "" if arguments.close else _twice(_NEW, "Password for user")
    return {"accounts": client.post("/api/accounts/user", {"new": new, "confirm": new})}


def _show_accounts(arguments: argparse.Namespace, answer: Answer) -> None:
    if arguments.action == "password":
        print("the password is changed; everybody else who used this account is logged out")
        return
    for each in answer["accounts"]:
        state = "can log in" if each["enabled"] else "closed"
        print(f"{each['name']:6} {state}{', must change the password' * (each['enabled'] and each['must_change'])}")


_SETTINGS: Final = {
    "list": _list,
    "get": _get,
    "set": _set,
    "export": _export,
    "import": _import,
    "machine": _machine,
    "restart": _restart,
    "reset": _reset,
}
_ACCOUNT: Final = {"list": _accounts, "password": _password, "user": _user}


def _word(value: object) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def secret(variable: str, prompt: str) -> str:
    """A secret from the environment, else from the terminal. Raises Complaint when there is neither."""
    found = os.environ.get(variable)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise Complaint(f"no terminal to ask at: put the answer into the environment variable {variable}", BAD_INPUT)
    return getpass.getpass(prompt)


def _twice(variable: str, what: str) -> str:
    first = secret(variable, f"{what}: ")
    if variable not in os.environ and getpass.getpass(f"{what} again: ") != first:
        raise Complaint("the two entries differ", BAD_INPUT)
    return first


def _complain(complaint: Complaint, *, json_output: bool) -> int:
    if json_output:
        print(json.dumps({"ok": False, "reason": str(complaint)}))
    else:
        for line in str(complaint).splitlines():
            print(f"evse: {printable(line)}", file=sys.stderr)
    return complaint.code
