"""The ``.conf`` file of a USB stick: sections and ``Name=value`` lines (*THØR/KEBA P30 configuration manual 120501*, 3.4).

Unlike a `.cfg` file it is made to be edited, and to hold for many stations: what it does not name stays as it is. It is read
whole or not at all, and every line that is wrong is told with its number (the standard library's reader of such files knows no
numbers). Secrets are never written into it; one that somebody writes there by hand is taken.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from evse.records import dataclass
from evse.services.settings.cfg_file import portable
from evse.services.settings.charging_network import SERIALS, SLAVES, is_master
from evse.services.settings.kinds import Value
from evse.services.settings.model import Values
from evse.services.settings.problems import shown_value
from evse.services.settings.registry import Catalogue
from evse.services.usb.wire_names import OWN_SERIAL, key_of, read, wire_name, written

FILE_LIMIT: Final = 64 * 1024
STATION_ONLY: Final = "usb."
"""What a stick may do is not for a stick to say."""
_UNIT_ONLY: Final = ("general.name", "ocpp.identity", "network.address", "network.address_2", *SERIALS)
_ONE_ONLY: Final = "; of this station only: take the next line out for others"


class Fault(NamedTuple):
    """What is wrong in a line; 0 for the file as a whole."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}" if self.line else self.what


class BadConf(ValueError):
    """The file is refused whole, for every one of ``faults``."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ConfFile:
    """A file that can be read. ``lines``: where each setting stands, by its key."""

    wanted: dict[str, Value]
    lines: dict[str, int]


def encode_conf(catalogue: Catalogue, values: Values) -> bytes:
    """The file of a board's ``values``, without secrets. Each line of one unit only says so."""
    sections: dict[str, list[str]] = {"CONFIGURATION": [], "LOADMANAGEMENT": []}
    for key in portable(catalogue, secret=False):
        if key.startswith(STATION_ONLY) or (key in SERIALS and not values[key]):
            continue
        place = wire_name(key)
        lines = sections.setdefault(place.section, [])
        if key in _UNIT_ONLY:
            lines.append(_ONE_ONLY)
        lines.append(f"{place.name}={written(key, values[key])}")
        if key == SLAVES and is_master(values):
            lines += [_ONE_ONLY, f"{OWN_SERIAL[1]}={catalogue.facts.serial}"]
    text = [f"; configuration of {catalogue.facts.serial}, a station of the family {catalogue.facts.family}"]
    text += ["; what is not in this file stays as it is; docs/settings.md explains every name"]
    for section, lines in sections.items():
        if lines:
            text += ["", f"[{section}]", *lines]
    # Line ends that every editor of a PC shows.
    return ("\r\n".join(text) + "\r\n").encode("utf-8")


def decode_conf(catalogue: Catalogue, data: bytes) -> ConfFile:
    """Read a file. Raises BadConf with everything that is wrong in it; the values themselves are judged by the settings."""
    if len(data) > FILE_LIMIT:
        raise BadConf((Fault(0, f"longer than {FILE_LIMIT} bytes: not a configuration file"),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadConf((Fault(line, "not UTF-8 text: save the file with that encoding"),)) from None
    reader = _Reader(catalogue)
    for number, row in enumerate(text.split("\n"), start=1):
        reader.take(number, row.strip())
    if reader.faults:
        raise BadConf(tuple(reader.faults))
    if not reader.wanted:
        raise BadConf((Fault(0, "the file names no setting"),))
    if SLAVES in reader.wanted:
        # Whom the file does not name is searched for: the numbers of before are gone.
        for key in SERIALS:
            if key not in reader.wanted and catalogue.get(key) is not None:
                reader.wanted[key], reader.lines[key] = "", reader.lines[SLAVES]
    return ConfFile(reader.wanted, reader.lines)


class _Reader:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._section = ""
        self.wanted: dict[str, Value] = {}
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []

    def take(self, number: int, line: str) -> None:
        if not line or line[0] in ";#":
            return
        if line[0] == "[" and line[-1] == "]":
            self._section = line[1:-1].strip()
            return
        name, equals, value = line.partition("=")
        try:
            if not equals:
                raise ValueError("neither [SECTION] nor Name=value")
            self._take(number, name.strip(), value.strip())
        except ValueError as error:
            self.faults.append(Fault(number, f"{_printable(name)}: {error}"))

    def _take(self, number: int, name: str, value: str) -> None:
        if (self._section, name) == OWN_SERIAL and self._catalogue.get(SLAVES) is not None:
            self._check_own(value)
            return
        key = key_of(self._section, name)
        entry = self._catalogue.get(key)
        if entry is None:
            raise ValueError(f"this station has no such setting in the section [{_printable(self._section)}]")
        if key.startswith(STATION_ONLY):
            raise ValueError("only set at the station itself: take the line out")
        if key in self.lines:
            raise ValueError(f"stands in line {self.lines[key]} already")
        self.lines[key] = number
        self.wanted[key] = read(key, entry.kind, value)

    def _check_own(self, value: str) -> None:
        own = self._catalogue.facts.serial
        if value != own:
            raise ValueError(f"the master's own serial number, {own} here: take the line out for others")


def _printable(text: str) -> str:
    return shown_value(text.strip()[:40], secret=False)
