"""What the station is built of, from its profile, for the page. Travels to services as plain values in their task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evse.web.board_port import BoardOutlet, BoardView, DipBank

if TYPE_CHECKING:
    # The services process uses this module too and has no need of the profile's schema.
    from boards.load import Profile


def board_view(profile: Profile) -> BoardView:
    """The board of a loaded profile. A device counts when the profile declares it, whether it is driven yet or not."""
    model = profile.model
    found = model.devices.model_dump()
    banks = tuple(_dip_bank(bank) for bank in found.pop("dip_banks", ()))
    outlets = tuple(
        BoardOutlet(
            number=outlet.number,
            socket=outlet.socket,
            position=outlet.position or "",
            phases=outlet.phases or model.station.phases,
            rated_current_a=outlet.rated_current_a,
            lock=not outlet.socket.startswith("attached") if outlet.lock is None else outlet.lock,
            shutter=outlet.shutter,
            reader=outlet.reader is not None,
            devices=tuple(name for name, line in outlet.input_lines if line is not None),
        )
        for outlet in model.outlets
    )
    return BoardView(model.family, model.description, tuple(name for name in found if found[name]), banks, outlets)


def _dip_bank(bank: Mapping[str, Any]) -> DipBank:
    """A bank; a profile says how many switches it has, or what each of them means."""
    functions = tuple(str(function) for function in bank.get("functions") or ())
    return DipBank(bank["name"], bank.get("switches") or len(functions), functions)


def board_values(profile: Profile) -> dict[str, Any]:
    """The board as plain values, for the way into another process."""
    return asdict(board_view(profile))


def board_from(values: Mapping[str, Any]) -> BoardView | None:
    """What ``board_values`` gave; ``None`` for nothing."""
    if not values:
        return None
    return BoardView(
        values["family"],
        values["description"],
        tuple(values["devices"]),
        tuple(DipBank(bank["name"], bank["switches"], tuple(bank["functions"])) for bank in values["dip_banks"]),
        tuple(BoardOutlet(**{**outlet, "devices": tuple(outlet["devices"])}) for outlet in values["outlets"]),
    )
