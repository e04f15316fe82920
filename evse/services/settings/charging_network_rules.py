"""Rules of the settings of a charging network (*THØR/KEBA P30 configuration manual 120501*, `Operating Mode`)."""

from __future__ import annotations

from evse.services.settings.charging_network import MODE, SERIALS, SLAVES, is_master, named_slave, slaves_wanted
from evse.services.settings.finding import Finding, Findings, Proposal
from evse.services.settings.kinds import Label


def charging_network_rules(proposal: Proposal) -> Findings:
    """No more serial numbers than slaves, none twice, none of the master itself."""
    if not is_master(proposal.values):
        return
    count = slaves_wanted(proposal.values)
    seen = {proposal.catalogue.facts.serial: MODE}
    for number, key in enumerate(SERIALS, start=1):
        named = named_slave(proposal.text(key))
        if named is None:
            continue
        serial = named[0]
        if number > count:
            yield Finding(
                key,
                Label(f"there are {count} slaves only", f"il n’y a que {count} bornes Slave"),
                Label("empty", "vide"),
                Label(f"empty it, or raise {SLAVES}", f"le vider, ou augmenter {SLAVES}"),
            )
        elif serial in seen:
            own = seen[serial] == MODE
            yield Finding(
                key,
                Label("this station itself", "cette borne elle-même")
                if own
                else Label(f"the same as {seen[serial]}", f"le même que {seen[serial]}"),
                Label("another station", "une autre borne"),
            )
        seen.setdefault(serial, key)
