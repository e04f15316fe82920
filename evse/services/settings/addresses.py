"""Rules of the addresses (EVlink commissioning guide DOCA0060, chapter 3, `IP address management`).

The station has A, a second visible outlet A+1, a Wi-Fi card A-1, the modem .254 of the same network, which is then the
gateway. What these come to is one value, :class:`Addresses`, for whoever configures the network.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final

from evse.records import dataclass
from evse.services.settings.finding import Finding, Findings, Proposal
from evse.services.settings.kinds import Label, is_address
from evse.services.settings.model import Values

NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # the guide's way to say: none
MODEM: Final = 254
_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")  # no device has an address in it

_MASK = Label("a mask of 8 to 30 bits, such as 255.255.255.0", "un masque de 8 à 30 bits, par exemple 255.255.255.0")
_HOST_WHAT = Label("no address that a device can have here", "pas une adresse possible pour un appareil ici")
_TAKEN = Label("another part of the station has this address", "une autre partie de la borne a cette adresse")
_CABLE_WHAT = Label(
    "refused: the cable between the two boards is not in the second Ethernet port from the left on both",
    "refusé : le câble entre les deux cartes n’est pas sur le deuxième port Ethernet depuis la gauche des deux côtés",
)
_CABLE_HINT = Label(
    "switch the station off, move the cable, switch it on, try again",
    "couper la borne, déplacer le câble, la remettre en marche, recommencer",
)
_OUTSIDE = Label(
    "an address outside of 0…, 127…, 169.254… and all from 224… on",
    "une adresse hors de 0…, 127…, 169.254… et de toutes celles à partir de 224…",
)
_CARD_HINT = Label("change the address of the Wi-Fi card first", "changer d’abord l’adresse de la carte Wi-Fi")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The network as configured. ``second``: of the second outlet, empty while hidden; ``gateway`` may be empty.

    With ``dhcp`` the rest is what holds while no DHCP server answers.
    """

    dhcp: bool
    address: str
    second: str
    mask: str
    gateway: str
    dns: tuple[str, ...]


def addresses_of(values: Values) -> Addresses:
    """The network that every value of a board comes to."""

    def given(key: str) -> str:
        value = values.get(key, "")
        return value if isinstance(value, str) and value != NO_ADDRESS else ""

    visible = values.get("network.second_outlet_visible") is True
    gateway = given("network.gateway")
    if not gateway and values.get("ocpp.modem") is True:
        gateway = modem_of(given("network.address"))
    return Addresses(
        dhcp=values.get("network.dhcp") is True,
        address=given("network.address"),
        second=given("network.address_2") if visible else "",
        mask=given("network.mask"),
        gateway=gateway,
        dns=tuple(filter(None, (given("network.dns_1"), given("network.dns_2")))),
    )


def modem_of(address: str) -> str:
    """The modem of a station with this address: the same first three bytes and .254 (DOCA0060, `Default gateway parameter`)."""
    return f"{address.rpartition('.')[0]}.{MODEM}"


def neighbour(address: str, step: int) -> str:
    """The address ``step`` after this one; empty where there is none."""
    try:
        return str(IPv4Address(address) + step)
    except ValueError:
        return ""


def network_rules(proposal: Proposal) -> Findings:
    """Every broken rule of the addresses."""
    yield from _cable(proposal)
    mask, address = proposal.text("network.mask"), proposal.text("network.address")
    if not _good_mask(mask):
        yield Finding("network.mask", Label("not a mask", "pas un masque"), _MASK)
        return
    network = _network(address, mask)
    if not _usable(address, network):
        yield Finding("network.address", _HOST_WHAT, _inside(network))
        return
    yield from _second(proposal, network)
    yield from _modem(proposal, network)
    yield from _card(proposal, network)
    yield from _gateway(proposal, network)
    for key in ("network.dns_1", "network.dns_2"):
        server = proposal.text(key)
        if server != NO_ADDRESS and (not is_address(server) or _special(IPv4Address(server))):
            yield Finding(key, _HOST_WHAT, Label("an address, or 0.0.0.0 for none", "une adresse, ou 0.0.0.0 sans"))


def _modem(proposal: Proposal, network: IPv4Network) -> Findings:
    """The modem needs its address: in this network, and for itself."""
    if not proposal.on("ocpp.modem"):
        return
    modem = modem_of(proposal.text("network.address"))
    own = [proposal.text("network.address"), proposal.text("wifi.address")]
    if proposal.on("network.second_outlet_visible"):
        own.append(proposal.text("network.address_2"))
    if not _usable(modem, network):
        yield Finding(
            "network.mask",
            Label(f"leaves the modem {modem} outside", f"laisse le modem {modem} dehors"),
            Label("such as 255.255.255.0", "par exemple 255.255.255.0"),
        )
    elif modem in own:
        yield Finding(
            "network.address",
            Label(f"{modem} is the modem's", f"{modem} est celle du modem"),
            hint=Label("choose a lower address for the station", "choisir une adresse plus basse pour la borne"),
        )


def _cable(proposal: Proposal) -> Findings:
    if len(proposal.catalogue.facts.outlets) < 2 or proposal.circumstances.second_port_cable:
        return
    for key, on in (("network.dhcp", True), ("network.second_outlet_visible", False)):
        if key in proposal.keys and proposal.on(key) is on:
            yield Finding(key, _CABLE_WHAT, hint=_CABLE_HINT)


def _second(proposal: Proposal, network: IPv4Network) -> Findings:
    if not proposal.on("network.second_outlet_visible"):
        return
    wanted = neighbour(proposal.text("network.address"), 1)
    if not _usable(wanted, network):
        hint = Label("choose a lower address for the station", "choisir une adresse plus basse pour la borne")
        yield Finding(
            "network.address", Label("leaves none for the second outlet", "n’en laisse pas à la prise 2"), hint=hint
        )
    elif proposal.text("network.address_2") != wanted:
        yield Finding(
            "network.address_2",
            Label("not one above the first", "pas celle de la première plus un"),
            Label(wanted, wanted),
        )


def _card(proposal: Proposal, network: IPv4Network) -> Findings:
    """The card's address is changed first, so it may differ until the station's is changed."""
    if not proposal.has("wifi.address"):
        return
    card, station = proposal.text("wifi.address"), proposal.text("network.address")
    if card == station:
        yield Finding("wifi.address", _TAKEN, hint=_CARD_HINT)
    elif not _usable(card, _network(card, str(network.netmask))):
        yield Finding("wifi.address", _HOST_WHAT)
    elif "network.address" in proposal.keys and card != neighbour(station, -1):
        wanted = neighbour(card, 1)
        yield Finding(
            "network.address",
            Label("not one above the Wi-Fi card's", "pas celle de la carte Wi-Fi plus un"),
            Label(wanted, wanted),
            _CARD_HINT,
        )


def _gateway(proposal: Proposal, network: IPv4Network) -> Findings:
    gateway = proposal.text("network.gateway")
    if gateway == NO_ADDRESS or proposal.on("network.dhcp"):
        return
    own = {proposal.text("network.address"), proposal.text("wifi.address")}
    if proposal.on("network.second_outlet_visible"):
        own.add(proposal.text("network.address_2"))
    modem = modem_of(proposal.text("network.address"))
    if gateway in own:
        yield Finding("network.gateway", _TAKEN)
    elif not _usable(gateway, network):
        yield Finding("network.gateway", _HOST_WHAT, _inside(network))
    elif proposal.on("ocpp.modem") and gateway != modem:
        yield Finding(
            "network.gateway",
            Label("with the modem present it is the gateway", "avec le modem, c’est lui la passerelle"),
            Label(f"{modem}, or 0.0.0.0", f"{modem}, ou 0.0.0.0"),
        )


def _good_mask(mask: str) -> bool:
    try:
        prefix = IPv4Network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        return False
    # A host mask (0.0.0.255) is understood by the library as well, and means something else.
    return 8 <= prefix <= 30 and mask.startswith("255.")


def _network(address: str, mask: str) -> IPv4Network:
    return IPv4Interface(f"{address}/{mask}").network


def _usable(address: str, network: IPv4Network) -> bool:
    """Whether a device in ``network`` can have this address."""
    if not is_address(address):
        return False
    each = IPv4Address(address)
    ends = (network.network_address, network.broadcast_address)
    return not _special(each) and each in network and each not in ends


def _special(address: IPv4Address) -> bool:
    """Whether no device has it, whatever the network."""
    return (
        address.is_multicast
        or address.is_loopback
        or address in _THIS_NETWORK
        or address.is_reserved
        or address.is_link_local
    )


def _inside(network: IPv4Network) -> Label:
    if _special(network.network_address + 1):
        return _OUTSIDE
    text = f"{network.network_address + 1} … {network.broadcast_address - 1}"
    return Label(text, text)
