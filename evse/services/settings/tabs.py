"""Tabs and sub-tabs of the commissioning tool and who sees them (EVlink commissioning guide DOCA0060, chapter 2)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Label
from evse.services.settings.model import SubTab

TABS: Final[dict[str, Label]] = {
    "configuration": Label("Configuration", "Configuration"),
    "energy": Label("Energy management", "Gestion d’énergie"),
    "authentication": Label("Authentication", "Authentification"),
    "records": Label("Charge data records", "Relevés de charge"),
    "maintenance": Label("Maintenance", "Maintenance"),
}
GENERAL: Final = SubTab("general", "configuration", Label("General", "Général"), user=True)
DEVICE: Final = SubTab("device", "configuration", Label("Device", "Appareil"), user=False)
OPERATING_MODE: Final = SubTab(
    "operating-mode", "configuration", Label("Operating mode", "Mode de fonctionnement"), user=False
)
NETWORK: Final = SubTab("network", "configuration", Label("Network", "Réseau"), user=False)
WIFI: Final = SubTab("wifi", "configuration", Label("Wi-Fi", "Wi-Fi"), user=True)
SUPERVISION: Final = SubTab("supervision", "configuration", Label("Supervision", "Supervision"), user=False)
TIME: Final = SubTab("time", "configuration", Label("Date and time", "Date et heure"), user=True)
EXTERNAL_METER: Final = SubTab(
    "external-meter", "configuration", Label("External TCP meter", "Compteur TCP externe"), user=False
)
"""Of the THØR (THØR/KEBA P30 configuration manual 120501, section 4.1)."""
ADVANCED: Final = SubTab("advanced", "energy", Label("Advanced settings", "Réglages avancés"), user=False)
SOCKET_OUTLETS: Final = SubTab("socket-outlets", "energy", Label("Socket-outlets", "Prises"), user=False)
METER: Final = SubTab("meter", "energy", Label("Meters", "Compteurs"), user=False)
BADGES: Final = SubTab("badges", "authentication", Label("Badges", "Badges"), user=True)
RECORDS: Final = SubTab("records", "records", Label("Charge data records", "Relevés de charge"), user=True)
PUBLICATION: Final = SubTab("publication", "records", Label("Publication", "Envoi"), user=True)
STATUS: Final = SubTab("status", "maintenance", Label("Status", "État"), user=True)
REPORT: Final = SubTab("report", "maintenance", Label("Report", "Rapport"), user=True)
CONTROL: Final = SubTab("control", "maintenance", Label("Control", "Commande"), user=True)
PASSWORDS: Final = SubTab("passwords", "maintenance", Label("Passwords", "Mots de passe"), user=True)
FIRMWARE: Final = SubTab("firmware", "maintenance", Label("Firmware update", "Mise à jour"), user=False)

SUB_TABS: Final = (
    GENERAL,
    DEVICE,
    OPERATING_MODE,
    NETWORK,
    WIFI,
    SUPERVISION,
    TIME,
    EXTERNAL_METER,
    ADVANCED,
    SOCKET_OUTLETS,
    METER,
    BADGES,
    RECORDS,
    PUBLICATION,
    STATUS,
    REPORT,
    CONTROL,
    PASSWORDS,
    FIRMWARE,
)
"""In the order of the tool."""
