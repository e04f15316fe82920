"""The command lines of ``evse settings``, ``evse account`` and ``evse label``, apart from what carries them out."""

from __future__ import annotations

import argparse
from typing import Final

LOGIN: Final = """
Settings need a login. The password of the account (--account, default admin) comes from the environment variable
EVSE_PASSWORD, else from the terminal. A new unit's first password is on its label (evse label) and must be changed
first: evse account password
"""
SETTINGS_EXAMPLES: Final = f"""examples:
  evse settings list                              every setting that counts now
  evse settings list outlet. --all                those of the outlets, also the ones that do not count
  evse settings get general.location
  evse settings set general.location=Outdoor outlet.1.derated_current_a=20
  evse settings set time.source=ntp --preview     what would change
  evse settings export station.cfg                without secrets; --with-secrets asks for a passphrase
  evse settings import station.cfg --preview
  evse settings import station.cfg
  evse settings machine                           addresses, Wi-Fi card, name and clock as they are now
  evse settings restart
  evse settings reset --yes                       back to the factory; badges stay as the family has it
  evse settings reset --data /var/lib/evse/S1 --yes     the admin password is lost: at the machine, without a login
{LOGIN}"""
ACCOUNT_EXAMPLES: Final = f"""examples:
  evse account list
  evse account password                           change the own password
  evse account user                               give the account user a password (as admin)
  evse account user --close                       nobody can log in as user any more
  evse account recover                            the password is lost: a new one by the label's recovery key (THØR)
{LOGIN}"""
LABEL_EXAMPLES: Final = """examples:
  evse label                                      of the running station
  evse label --data /var/lib/evse/S1              of a data directory
"""


def add_settings_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``evse settings`` its actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = _action(actions, "list", "show settings")
    listed.add_argument("prefix", nargs="?", default="", metavar="PREFIX", help="only keys that begin so")
    listed.add_argument("--all", action="store_true", help="also those that do not count at the moment")
    _action(actions, "get", "show values").add_argument("keys", nargs="+", metavar="KEY")
    change = _action(actions, "set", "change settings, all or none")
    change.add_argument("changes", nargs="+", metavar="KEY=VALUE")
    change.add_argument("--preview", action="store_true", help="only show what would change")
    export = _action(actions, "export", "write the configuration to a file, without badges")
    export.add_argument("file", metavar="FILE")
    export.add_argument("--with-secrets", action="store_true", help="encrypted with a passphrase that is asked for")
    take = _action(actions, "import", "replace the configuration by that of a file, all or nothing")
    take.add_argument("file", metavar="FILE")
    take.add_argument("--preview", action="store_true", help="only show what would change")
    take.add_argument("--with-secrets", action="store_true", help="ask for the passphrase of the file")
    _action(actions, "machine", "show how the machine is set now: addresses, Wi-Fi card, name, clock")
    _action(actions, "restart", "restart the station")
    reset = _action(actions, "reset", "back to the factory settings: settings, records and passwords go")
    reset.add_argument("--yes", action="store_true", help="yes, everything")
    reset.add_argument(
        "--data",
        default="",
        metavar="DIR",
        help="data directory: without the tool and without a login, for a lost password; counts from the next start",
    )
    reset.add_argument("--badges", choices=("keep", "remove"), help="the badge list (default: as the family does)")
    take.add_argument("--raise-limits", action="store_true", help="let it raise current limits of this installation")


def add_account_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``evse account`` its actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "show the accounts")
    _action(actions, "password", "change the own password (new one from EVSE_NEW_PASSWORD, else from the terminal)")
    user = _action(actions, "user", "give the account user a password, to be changed at its next login")
    user.add_argument("--close", action="store_true", help="take the password away: nobody can log in")
    _action(
        actions, "recover", "a new password for admin (key from EVSE_RECOVERY_KEY, password from EVSE_NEW_PASSWORD)"
    )


def add_label_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``evse label`` its arguments."""
    parser.add_argument(
        "--station", default="", metavar="S", help="uid, page's port or runtime directory (default: the one)"
    )
    parser.add_argument("--data", default="", metavar="DIR", help="data directory of a station that need not run")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    made = actions.add_parser(name, help=text)
    made.add_argument(
        "--station", default="", metavar="S", help="uid, page's port or runtime directory (default: the one)"
    )
    made.add_argument(
        "--account", default="admin", choices=("admin", "user"), help="who logs in (default: %(default)s)"
    )
    made.add_argument("--language", default="en", choices=("en", "fr"), help="of labels and messages")
    made.add_argument("--json", action="store_true", help="print the answer as JSON")
    return made
