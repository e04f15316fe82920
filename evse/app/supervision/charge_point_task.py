"""Supervision in the services process: from the profile's values to a charge point on a WebSocket."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evse.app.supervision.file_threads import FileThreads
from evse.core.config import OutletConfig, StationConfig
from evse.core.units import SECOND
from evse.links.ocpp.certificates import Use
from evse.links.ocpp.charge_point import ChargePoint
from evse.links.ocpp.dialect import Version
from evse.links.ocpp.file_work import Job, Work
from evse.links.ocpp.keys import Keys
from evse.links.ocpp.settings import (
    LossStrategy,
    OfflineMode,
    OnlineMode,
    OutletFacts,
    StationIdentity,
    SupervisionSettings,
    station_keys,
)
from evse.links.ocpp.standard_keys import REFERENCE, SINGLE
from evse.links.ocpp.supervision import OcppSupervision
from evse.links.ocpp.target import Target, TargetError, Trust, check_url, target_of
from evse.links.ocpp.transfers import Transfers
from evse.links.ocpp.websocket import WebSocketLink
from evse.records import dataclass

if TYPE_CHECKING:
    # The services process uses this module too and has no need of the YAML reader.
    from boards.load import Profile

VENDOR = "EVSE controller"


def supervision_values(profile: Profile, url: str = "") -> dict[str, Any]:
    """The profile's supervision as plain values for another process, empty without; ``url`` instead of the profile's.

    Raises TargetError for an address that cannot be used.
    """
    from boards.rules import external_control
    from boards.schema_supervision import SupervisionKeys

    keys = profile.model.supervision
    if url:
        check_url(url)
        keys = SupervisionKeys(url=url) if keys is None else keys.model_copy(update={"url": url})
    if keys is None:
        return {}
    voltage_v = round(profile.model.settings.phase_neutral_voltage_v)
    return {**keys.model_dump(), "voltage_v": voltage_v, "external_limits": external_control(profile.model)}


@dataclass(frozen=True, slots=True)
class Supervised:
    """A supervised station: the back-end for its services, and its link."""

    back_end: OcppSupervision
    link: WebSocketLink
    transfers: Transfers

    def start(self, now_us: int) -> None:
        """Begin to connect."""
        self.back_end.charge_point.switch(now_us, on=True)

    def use(self, now_us: int, values: dict[str, Any], config: StationConfig) -> None:
        """Settings were changed at the station; empty ``values``: it is not supervised any more."""
        self.back_end.charge_point.switch(now_us, on=bool(values))
        if values:
            self.back_end.use(now_us, settings_of(values, config))

    def rewire(self, config: StationConfig) -> None:
        """The phases of outlets or meters may be connected in another order now."""
        context = self.back_end.charge_point.context
        rotations = {outlet.number: rotation_of(outlet) for outlet in config.outlets}
        told = context.identity.outlets
        if rotations != {number: facts.rotation for number, facts in told.items()}:
            wired = {number: replace(facts, rotation=rotations[number]) for number, facts in told.items()}
            context.identity = replace(context.identity, outlets=wired)
            context.keys = Keys(station_keys(context.settings, context.identity), context.keys.changed)


def supervise(
    values: dict[str, Any],
    config: StationConfig,
    clock: Callable[[], int],
    wake: Callable[[], None],
    restart: Callable[[str], None],
    transfers: Transfers,
    offered: Callable[[Job], bytes],
    identity: StationIdentity | None = None,
) -> Supervised:
    """Return what ``values`` mean. ``restart`` is called with the kind of a reset that was asked for, ``offered`` for what is
    uploaded. ``identity``: of the station when more is known of it than ``config`` says.

    To be called inside a running event loop: files are carried in its threads.
    """
    settings = settings_of(values, config)
    trust = Trust(values["roots_file"], values["certificate_file"], values["key_file"])
    point = ChargePoint(settings, identity or identity_of(config), secrets.token_hex(4), random.random)

    def target() -> tuple[Target, int, Trust]:
        keys = point.context.keys
        profile = keys.integer("SecurityProfile")
        made = target_of(settings.url, settings.identity, profile, keys.text("AuthorizationKey"), settings.version)
        return made, profile, _trust(trust, point)

    link = WebSocketLink(target, clock)
    carried: set[asyncio.Task[None]] = set()
    threads = FileThreads()

    def do(job: Job) -> None:
        task = asyncio.create_task(_carry(transfers, threads, job, offered(job), back_end, clock))
        carried.add(task)
        task.add_done_callback(carried.discard)

    back_end = OcppSupervision(point, link, restart=restart, wake=wake, do=do)
    link.listener = back_end
    return Supervised(back_end, link, transfers)


async def _carry(
    transfers: Transfers,
    threads: FileThreads,
    job: Job,
    content: bytes,
    back_end: OcppSupervision,
    clock: Callable[[], int],
) -> None:
    if job.work is Work.INSTALL:
        end = await asyncio.to_thread(transfers.do, job, content)
    else:
        end = await threads.do(lambda: transfers.do(job, content))
    back_end.job_ended(clock(), job.number, end)


def _trust(trust: Trust, point: ChargePoint) -> Trust:
    """Whom to trust and what to show: what the central system has installed goes before the profile's files."""
    store = point.context.certificates
    if store.roots(Use.CENTRAL_SYSTEM):
        trust = Trust(store.roots(Use.CENTRAL_SYSTEM), trust.certificate_file, trust.key_file)
    elif trust.roots:
        trust = _read_roots(trust)
    return replace(trust, certificate=store.chain, key=store.key)


def _read_roots(trust: Trust) -> Trust:
    try:
        return Trust(Path(trust.roots).read_text(encoding="ascii"), trust.certificate_file, trust.key_file)
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"the file with the certificates to trust cannot be read: {error}") from None


def settings_of(values: dict[str, Any], config: StationConfig) -> SupervisionSettings:
    """The settings that a profile's values mean."""
    return SupervisionSettings(
        url=values["url"],
        identity=values["identity"] or config.station_uid,
        password=values["password"],
        security_profile=values["security_profile"],
        retry_interval_s=values["retry_interval_s"],
        message_timeout_s=values["message_timeout_s"],
        authentication_timeout_s=values["authentication_timeout_s"],
        loss=LossStrategy.ALLOW_ALL if values["loss"] == "allow_all" else LossStrategy.CACHED_ONLY,
        online_mode=OnlineMode(values["online_mode"]) if values.get("online_mode") else None,
        offline_mode=OfflineMode(values["offline_mode"]) if values.get("offline_mode") else None,
        default_id_tag=values["default_id_tag"],
        sample_interval_s=values["sample_interval_s"],
        clock_aligned_interval_s=values.get("clock_aligned_interval_s", 0),
        cache_enabled=values["cache"],
        connection_timeout_s=min(outlet.procedure.plug_us for outlet in config.outlets) // SECOND,
        version=Version(values.get("version", Version.V16.value)),
        voltage_mv=values.get("voltage_v", config.nominal_voltage_mv // 1_000) * 1_000,
        external_limits=values["external_limits"],
        own_certificate=bool(values["certificate_file"]),
    )


def identity_of(config: StationConfig) -> StationIdentity:
    """What the station tells of itself."""
    try:
        firmware = version("evse-controller")
    except PackageNotFoundError:
        firmware = ""
    return StationIdentity(
        vendor=VENDOR,
        model=config.profile,
        serial=config.station_uid,
        firmware=firmware,
        outlets={outlet.number: _facts(outlet) for outlet in config.outlets},
    )


def _facts(outlet: OutletConfig) -> OutletFacts:
    lock = outlet.has_lock and not outlet.attached_cable
    return OutletFacts(outlet.phases, outlet.rated_current_ma, lock, outlet.phase_switch, rotation_of(outlet))


def rotation_of(outlet: OutletConfig) -> str:
    """The outlet's `ConnectorPhaseRotation`: R, S, T are the first, second and third terminal of its meter, or the conductors L1 to L3."""
    if outlet.phases < len(REFERENCE) or len(outlet.conductors) < len(REFERENCE):
        return SINGLE
    order = outlet.meter_terminals if outlet.meter else outlet.conductors
    return "".join(REFERENCE[each - 1] for each in order)
