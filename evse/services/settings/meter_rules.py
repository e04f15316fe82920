"""Rules of meters: what the settings of an outlet's meter, and of the meter of the house connection, must come to together."""

from __future__ import annotations

from typing import Final

from evse.services.settings.finding import Finding, Findings, Proposal
from evse.services.settings.house import READABLE, WITHOUT_MAP
from evse.services.settings.kinds import Label, Whole
from evse.services.settings.phases import conductors_of, unseen

_LEAST_HOUSE_A: Final = 6


def meter_rules(proposal: Proposal) -> Findings:
    """Every broken one."""
    for outlet in proposal.catalogue.facts.outlets:
        key = f"outlet.{outlet.number}"
        if proposal.text(f"{key}.metering") == "iem3x5x":
            yield from _seen(proposal, key, outlet.phases)
            yield from _line(proposal, key, serial_line=outlet.serial_meter)
    if proposal.on("house.monitoring"):
        yield from _house(proposal)


def _seen(proposal: Proposal, key: str, phases: int) -> Findings:
    """A meter must be connected to every conductor that its outlet is connected to."""
    metered = f"{key}.meter_phases"
    if proposal.catalogue.get(metered) is None:
        return
    conductors = conductors_of(proposal.text(f"{key}.terminal_phases"))[:phases]
    dark = unseen(conductors, conductors_of(proposal.text(metered)))
    if dark:
        names = ", ".join(f"L{number}" for number in dark)
        yield Finding(
            metered,
            Label(f"the meter does not see {names} of the outlet", f"le compteur ne voit pas {names} de la prise"),
            Label("an order with every conductor of the outlet", "un ordre avec tous les conducteurs de la prise"),
        )


def _line(proposal: Proposal, key: str, *, serial_line: bool) -> Findings:
    """Modbus RTU needs a serial line between outlet and meter; which boards have one is in their profile."""
    if proposal.text(f"{key}.meter_protocol") == "modbus_rtu" and not serial_line:
        yield Finding(
            f"{key}.meter_protocol",
            Label("this outlet has no serial line to a meter", "cette prise n’a pas de ligne série vers un compteur"),
            Label("modbus_tcp", "modbus_tcp"),
            Label(
                "read the meter through a gateway, or choose the internal current transformers",
                "lire le compteur par une passerelle, ou choisir les transformateurs internes",
            ),
        )


def _house(proposal: Proposal) -> Findings:
    """A house meter can be read, is somewhere, and what the connection carries was entered."""
    meter = proposal.text("house.meter")
    if meter not in READABLE:
        what = Label("which meter it is has to be said", "il faut dire quel compteur c’est")
        if meter in WITHOUT_MAP:
            what = Label(
                "its registers are not public: it cannot be read", "registres non publics : il ne peut être lu"
            )
        names = ", ".join(READABLE)
        yield Finding("house.meter", what, Label(names, names))
    if not proposal.text("house.host") and not proposal.catalogue.facts.house_simulated:
        yield Finding(
            "house.host",
            Label("missing", "manquante"),
            Label("the meter's IPv4 address a.b.c.d", "l’adresse IPv4 a.b.c.d du compteur"),
        )
    entry = proposal.catalogue.get("house.maximum_current_a")
    if entry is not None and isinstance(entry.kind, Whole) and proposal.number(entry.key) < _LEAST_HOUSE_A:
        allowed = f"{_LEAST_HOUSE_A}…{entry.kind.maximum} A"
        yield Finding(
            entry.key,
            Label("not what a connection carries", "pas un courant de raccordement"),
            Label(allowed, allowed),
            Label("enter the rating of its fuse", "saisir le calibre de son fusible"),
        )
