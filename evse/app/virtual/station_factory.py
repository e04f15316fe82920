"""Makes whole simulated stations from profiles: what scenarios, tests and benches run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boards.load import Profile, load_profile
from boards.to_core import station_config, wire_plan
from evse.app.station.factory_badges import badge_list_of, badges_of, policy_of, strategy_of
from evse.app.virtual.virtual_station import VirtualStation
from evse.control.recording import Recorder
from evse.core.config import StationConfig
from evse.services.authorisation import Policy
from evse.sim.random_streams import RandomStreams
from evse.sim.station import StationFactory
from evse.sim.trace import Trace

if TYPE_CHECKING:
    from evse.app.virtual.virtual_station import Supervised


def station_factory(
    profile_name: str, run_number: int, elide: bool, dumb: bool = False, recorder: Recorder | None = None
) -> VirtualStation:
    """A whole station in virtual time, at time 0; with its first three parameters a ``evse.sim.station.StationFactory``.

    ``profile_name``: a shipped profile or a file. ``run_number``: behind every random stream. ``elide``: renewals that
    change nothing are skipped. ``dumb``: the front ends have no interlock of their own, only the lease, so that nothing
    below control corrects its mistakes. ``recorder``: notes all that goes into control and comes out. Raises ProfileError.
    """
    profile = load_profile(profile_name)
    config = station_config(profile, f"SIM-{profile.model.name}")
    policy, supervised = _supervised(profile, config)
    return VirtualStation(
        config,
        wire_plan(profile),
        policy=policy,
        supervised=supervised,
        factory_badges=badge_list_of(badges_of(profile)),
        elide=elide,
        local_interlock=not dumb,
        random_stream=RandomStreams(run_number).stream("disk"),
        recorder=recorder,
    )


def _supervised(profile: Profile, config: StationConfig) -> tuple[Policy, Supervised | None]:
    """Who may charge, and what a supervised station is made of."""
    if profile.model.supervision is None:
        return policy_of(strategy_of(profile)), None
    # Loaded only where it is used: OCPP with its schemas takes longer to load than all the rest.
    from evse.app.station.station_facts import station_facts
    from evse.app.supervision.charge_point_task import identity_of, settings_of, supervision_values
    from evse.services.settings.registry import Catalogue
    from evse.services.settings.to_policy import policy_of_settings

    values = supervision_values(profile)
    factory = Catalogue(station_facts(profile, config.station_uid, values)).factory
    return policy_of_settings(factory), (settings_of(values, config), identity_of(config))


def dumb_station_factory(profile_name: str, run_number: int, elide: bool) -> VirtualStation:
    """Like ``station_factory`` with dumb front ends: a ``StationFactory`` too."""
    return station_factory(profile_name, run_number, elide, dumb=True)


def recording_factory(trace: Trace, *, dumb: bool = False) -> StationFactory:
    """A factory whose stations put into ``trace`` all that ``evse.sim.replay`` needs, frames included."""

    def factory(profile_name: str, run_number: int, elide: bool) -> VirtualStation:
        return station_factory(profile_name, run_number, elide, dumb, Recorder(trace.add))

    return factory
