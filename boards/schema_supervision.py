"""The supervision part of the profile schema: which central system a station is connected to, and how."""

from __future__ import annotations

from typing import Literal

from boards.keys import GUIDE, THOR, Strict, key


class SupervisionKeys(Strict):
    """Supervision by OCPP 1.6 JSON. Factory values: a central system may change those that are configuration keys."""

    url: str = key(
        ..., "Supervision URL without the station's ID; `http://` (SOAP) is not spoken", source=GUIDE,
        max_length=255, pattern=r"^wss?://[^\s@?#]+$",
    )  # fmt: skip
    identity: str = key(
        "", "Charging station ID; without a value the station's serial number", source=GUIDE, max_length=48
    )
    version: Literal["1.6-json", "1.5-json"] = key("1.6-json", "OCPP version; SOAP is not spoken", source=GUIDE)
    security_profile: Literal[0, 1, 2, 3] = key(
        0, "0: nothing, 1: password, 2: password and checked server, 3: certificates of both; 2 and 3 need `wss://`"
    )
    password: str = key("", "Password for profiles 1 and 2 (`AuthorizationKey`)", max_length=40)
    roots_file: str = key(
        "", "File with the certificates (PEM) to trust; without a value those of the system", max_length=255
    )
    certificate_file: str = key("", "Certificate of the station (PEM) for profile 3", max_length=255)
    key_file: str = key("", "Private key of that certificate (PEM)", max_length=255)
    retry_interval_s: int = key(
        30, "Between attempts to connect (modem connection retry interval)", unit="s", source=GUIDE, ge=1, le=999
    )
    message_timeout_s: int = key(
        30, "Longest wait for the answer to a message (supervision connection time-out)", unit="s", source=GUIDE,
        ge=1, le=999,
    )  # fmt: skip
    authentication_timeout_s: int = key(
        10, "Longest wait for the answer about a badge; then `loss` decides", unit="s", source=GUIDE, ge=0, le=999
    )
    loss: Literal["allow_all", "reject_all_except_cached"] = key(
        "allow_all", "Who may charge while the supervision does not answer", source=GUIDE
    )
    online_mode: Literal["FirstLocal", "FirstOnline", "OnlyLocal"] | None = key(
        None,
        "Where a badge is looked for while there is a connection; without a value the OCPP keys decide",
        source=THOR,
    )
    offline_mode: (
        Literal[
            "OfflineLocalUnknownAuthorization",
            "OfflineLocalAuthorization",
            "OfflineNoAuthorization",
            "OfflineNoCharging",
            "OfflineFreeCharging",
        ]
        | None
    ) = key(None, "Who may charge without a connection; without a value `loss` and the OCPP keys decide", source=THOR)
    default_id_tag: str = key(
        "UNDEFINED", "User of a charge without a badge; `UNDEFINED`: the station's serial number", source=GUIDE,
        min_length=1, max_length=20,
    )  # fmt: skip
    sample_interval_s: int = key(60, "Meter value sample interval; 0: none", unit="s", source=GUIDE, ge=0, le=86_400)
    clock_aligned_interval_s: int = key(
        0, "Clock-aligned data interval; 0: none", unit="s", source=GUIDE, ge=0, le=86_400
    )
    cache: bool = key(True, "Remember the last 500 users that the supervision has accepted", source=GUIDE)
