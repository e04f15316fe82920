"""What is in a maintenance report (MNT-01): an allow-list, section by section.

A report leaves the house. So it is built from named values only: badge numbers are masked, secrets are not looked at, and
a setting that is a secret appears as given or not given. Who may not see a setting, or the security log, at the tool does
not see it in a report either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evse.core.units import SECOND, PhaseValues
from evse.exchange.snapshot import OutletView, StationView
from evse.records import dataclass
from evse.services.badges.badge import mask_uid
from evse.services.records import Record, duration_text, utc_text
from evse.services.security.chain import Entry as SecurityEntry
from evse.services.settings.model import Right, Role, Values
from evse.services.settings.registry import Catalogue


@dataclass(frozen=True, slots=True)
class Section:
    """One table: ``columns`` and ``rows`` of texts. ``note`` is for a reader without the manual."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. ``made``: UTC in ISO 8601, empty while the clock is not set."""

    station: str
    made: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a report comes from. ``view``: ``None`` while control does not answer; ``problems``: what else is wrong.

    ``versions``: of board, tool, outlets and reader, by name. ``error_bits``: meaning of each bit of `ErrorStatus`.
    ``events``: the last ones in words, newest first, as (when, what). ``reader``: the account it is made for; ``None``: whoever
    is at the station itself.
    """

    station: str
    made: str
    versions: Mapping[str, str]
    view: StationView | None
    error_bits: Mapping[int, str]
    problems: Sequence[str] = ()
    catalogue: Catalogue | None = None
    values: Values | None = None
    events: Sequence[tuple[str, str]] = ()
    records: Sequence[Record] = ()
    security: Sequence[SecurityEntry] = ()
    reader: Role | None = None


def report_of(sources: Sources) -> Report:
    """The report."""
    sections = [_versions(sources), _problems(sources)]
    if sources.view is not None:
        sections += [_station(sources.view)]
        for outlet in sources.view.outlets:
            sections += [_outlet(outlet), _faults(outlet, sources.view), _errors(outlet, sources.error_bits)]
    if sources.catalogue is not None and sources.values is not None:
        sections.append(_settings(sources.catalogue, sources.values, sources.reader))
    sections += [_events(sources.events), _records(sources.records)]
    if sources.reader is not Role.USER:
        sections.append(_security(sources.security))
    return Report(sources.station, sources.made, tuple(sections))


def _versions(sources: Sources) -> Section:
    return Section("Versions", ("part", "version"), tuple(sources.versions.items()))


def _problems(sources: Sources) -> Section:
    rows = tuple((problem,) for problem in sources.problems) or (("nothing known",),)
    return Section("What is wrong now", ("problem",), rows)


def _station(view: StationView) -> Section:
    exchange, latency = view.exchange, view.latency
    rows = (
        ("profile", view.profile),
        ("running for", duration_text(view.mono_us - view.started_us)),
        ("configuration", f"version {view.config_version}, {view.config_digest[:12]}"),
        ("latched state restored", _yes(view.restored)),
        ("real-time priority", _yes(latency.fifo)),
        ("control cycles", str(latency.cycles)),
        ("late control cycles", str(latency.late_cycles)),
        ("worst lateness", f"{latency.worst_us / 1000:.1f} ms"),
        ("events dropped", str(exchange.events_dropped)),
        ("connections to services", str(exchange.connections)),
    )
    return Section(
        "Station", ("what", "value"), rows, "Late cycles delay nothing but looks; the safety path has its own limits."
    )


def _outlet(outlet: OutletView) -> Section:
    session, link = outlet.session, outlet.link
    rows = (
        ("Outlet Status", outlet.outlet_status),
        ("EVSE Status", ", ".join(outlet.evse_status) or "-"),
        ("EV state", outlet.ev_state),
        ("cable", outlet.cable_state),
        ("lock", outlet.lock),
        ("offer", _ampere(outlet.offered_ma)),
        (
            "limits",
            "; ".join(f"{limit.source} {_ampere(limit.current_ma)}{' *' * limit.ruling}" for limit in outlet.limits),
        ),
        ("contactor", "closed" if outlet.contactor_closed else "open"),
        ("why it is open", ", ".join(outlet.open_reasons) or "-"),
        ("why nothing is offered", ", ".join(outlet.no_offer_reasons) or "-"),
        ("currents", _phases(outlet.currents_ma, _ampere)),
        ("voltages", _phases(outlet.voltages_mv, lambda value: f"{value / 1000:.0f} V")),
        ("temperature", "unknown" if outlet.temperature_dc is None else f"{outlet.temperature_dc / 10:.1f} degC"),
        ("12 V supply", "unknown" if outlet.supply_mv is None else f"{outlet.supply_mv / 1000:.2f} V"),
        ("energy register", f"{outlet.register_wh / 1000:.3f} kWh"),
        ("session", "-" if session is None else f"badge {mask_uid(session.uid)}, {session.energy_wh / 1000:.3f} kWh"),
        ("last error", f"{outlet.last_error} ({outlet.last_error_class})" if outlet.last_error else "-"),
        ("front end", "answers" if outlet.link_ok else outlet.link_problem or "does not answer"),
        ("card reader", "answers" if outlet.reader_ok else outlet.reader_problem or "does not answer"),
        (
            "line to the front end",
            f"{link.line_losses} losses, {link.damaged_frames} damaged frames, {link.retries} retries",
        ),
    )
    return Section(f"Outlet {outlet.number}", ("what", "value"), rows, "The limit marked * rules.")


def _faults(outlet: OutletView, view: StationView) -> Section:
    rows = tuple(
        (
            fault.name,
            fault.reaction,
            fault.latch,
            f"{(view.mono_us - fault.raised_us) // SECOND} s",
            ", ".join(fault.where),
        )
        for fault in outlet.faults
    )
    return Section(f"Outlet {outlet.number}: faults", ("fault", "reaction", "ends by", "for", "where"), rows)


def _errors(outlet: OutletView, meanings: Mapping[int, str]) -> Section:
    rows = tuple(
        (str(bit), "set" if outlet.error_status >> bit & 1 else "-", meaning)
        for bit, meaning in sorted(meanings.items())
    )
    return Section(
        f"Outlet {outlet.number}: ErrorStatus", ("bit", "now", "meaning"), rows, f"0x{outlet.error_status:08X}"
    )


def _settings(catalogue: Catalogue, values: Values, reader: Role | None) -> Section:
    rows = []
    for entry in catalogue:
        if reader is not None and entry.setting.right(reader) is Right.NONE:
            continue
        value = values[entry.key]
        shown = ("given" if value else "not given") if entry.setting.secret else str(value)
        if entry.setting.badge and value != entry.factory:
            shown = mask_uid(shown)
        factory = "" if value == entry.factory else "changed"
        rows.append((entry.key, entry.setting.label.en, shown, factory))
    return Section("Settings", ("key", "name", "value", "factory"), tuple(rows))


def _events(events: Sequence[tuple[str, str]]) -> Section:
    return Section("Last events", ("when", "what"), tuple(events))


def _records(records: Sequence[Record]) -> Section:
    rows = tuple(
        (
            *(str(each.number), str(each.outlet), mask_uid(each.uid), utc_text(each.start)),
            *(duration_text(each.duration_us), f"{each.energy_wh / 1000:.3f}", each.reason),
        )
        for each in records
    )
    return Section("Last charges", ("number", "outlet", "badge", "start", "duration", "kWh", "ended by"), rows)


def _security(entries: Sequence[SecurityEntry]) -> Section:
    rows = tuple((str(each.n), each.utc, each.kind, each.actor, each.source, each.detail) for each in entries)
    # A copy outside of the station shows a chain that somebody has made anew inside.
    note = f"Newest first. Entry {entries[0].n} has the hash {entries[0].hash}." if entries else ""
    return Section("Security log", ("number", "when", "what", "who", "from", "detail"), rows, note)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _ampere(current_ma: int) -> str:
    return f"{current_ma / 1000:.1f} A"


def _phases(values: PhaseValues | None, one: Callable[[int], str]) -> str:
    return "unknown" if values is None else ", ".join(one(value) for value in values)
