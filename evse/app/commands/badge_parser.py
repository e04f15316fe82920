"""The command line of ``evse badge``, apart from what carries it out, so that ``evse --help`` stays quick."""

from __future__ import annotations

import argparse
from typing import Final

EXAMPLES: Final = """examples:
  evse badge list                                       the list
  evse badge learn --outlet 1                           cards held to this reader are added, until 30 s after the last
  evse badge delete                                     cards held to any reader are removed
  evse badge stop                                       the readers serve charges again
  evse badge add 04A1B2C3 --type VIP --comment Anna     without a reader
  evse badge change 04A1B2C3 --comment Bert
  evse badge remove 04A1B2C3 0BADCAFE
  evse badge remove-all --yes
  evse badge export badges.csv                          a file that any station takes
  evse badge import badges.csv                          replaces the whole list

Where the station asks for a login the password is taken from EVSE_PASSWORD, else asked for.
"""
_TYPES: Final = ("User", "VIP", "Admin")


def add_badge_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``evse badge`` its actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=text)
        made.add_argument(
            "--station", default="", metavar="S", help="uid, page's port or runtime directory (default: the one)"
        )
        made.add_argument("--account", default="admin", help="who logs in, where that is needed (default: admin)")
        made.add_argument("--json", action="store_true", help="print the answer as JSON")
        return made

    action("list", "show the list")
    for name, text in (("learn", "add the cards that are held to the reader"), ("delete", "remove them")):
        action(name, text).add_argument("--outlet", type=int, default=0, help="whose reader (default: every reader)")
    action("stop", "end learning or deleting")
    add = action("add", "add a badge")
    add.add_argument("uid", metavar="UID")
    add.add_argument("--type", choices=_TYPES, default="User")
    add.add_argument("--comment", default="")
    change = action("change", "change type or comment")
    change.add_argument("uids", metavar="UID", nargs="+")
    change.add_argument("--type", choices=_TYPES)
    change.add_argument("--comment")
    action("remove", "remove badges").add_argument("uids", metavar="UID", nargs="+")
    action("remove-all", "remove every badge").add_argument("--yes", action="store_true", help="yes, every badge")
    action("export", "write the list to a file").add_argument("file", metavar="FILE")
    action("import", "replace the list by that of a file").add_argument("file", metavar="FILE")
