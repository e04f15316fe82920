"""Rules of the journal that do not depend on where it is stored: pure functions from values to values."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, Final

from evse.core.config import SocketType
from evse.core.session import DOMESTIC
from evse.core.units import NEVER
from evse.services.clock import Instant
from evse.services.journal import (
    RECORDS_KEPT,
    Checkpoint,
    CloseInterrupted,
    KeptOrder,
    MessageKind,
    OpenSession,
    QueueMessage,
    Sequence,
    SessionEnd,
    SessionStart,
    Transaction,
    Write,
)
from evse.services.records import Record

_INTEGER_LIMIT: Final = 2**63 - 1


def check_writes(writes: SequenceOf[Write]) -> None:
    """Raise ``ValueError`` for a value no store can hold: it would block everything behind it for ever."""
    for write in writes:
        _check_value(write)


def sequence_of(writes: SequenceOf[Write]) -> Sequence | None:
    """The sequence mark of a commit, if it has one."""
    return next((write for write in writes if isinstance(write, Sequence)), None)


def opened_session(write: SessionStart) -> OpenSession:
    """The session that a start creates; its first reading is its opening."""
    return OpenSession(
        outlet=write.outlet,
        session_id=write.session_id,
        uid=write.uid,
        authorised_by=write.authorised_by,
        opened=write.opened,
        socket=write.socket,
        comment=write.comment,
        last=write.opened,
    )


def advanced(session: OpenSession, write: Transaction | Checkpoint) -> OpenSession:
    """``session`` after a transaction's start or a reading. Its time, energy and register never go back."""
    same_boot_later = write.at.boot_id == session.last.boot_id and write.at.mono_us >= session.last.mono_us
    last = write.at if same_boot_later else session.last
    register_wh = max(session.register_wh, write.register_wh)
    if isinstance(write, Checkpoint):
        return replace(
            session,
            last=last,
            register_wh=register_wh,
            energy_wh=max(session.energy_wh, write.energy_wh),
            charge_type=write.charge_type or session.charge_type,
        )
    return replace(
        session,
        last=last,
        register_wh=register_wh,
        in_transaction=True,
        transaction_id=write.transaction_id or session.transaction_id,
        register_start_wh=session.register_start_wh if session.in_transaction else write.register_wh,
    )


def interrupted_record(station: str, number: int, session: OpenSession, write: CloseInterrupted) -> Record:
    """The record of a session whose end nobody saw: it ends with its last reading."""
    end = SessionEnd(
        outlet=session.outlet,
        session_id=session.session_id,
        at=session.last,
        reason=write.reason,
        energy_wh=session.energy_wh,
        register_wh=session.register_wh,
        charge_type=session.charge_type,
        duration_us=session.last.mono_us - session.opened.mono_us,
        publish=write.publish,
    )
    return ended_record(station, number, session, end)


def interrupted_message(session: OpenSession, write: CloseInterrupted) -> QueueMessage | None:
    """What the supervision has to be told of such a session; ``None`` without a transaction, or without supervision."""
    if not write.supervised or not session.in_transaction:
        return None
    return QueueMessage(
        outlet=session.outlet,
        session_id=session.session_id,
        kind=MessageKind.STOP,
        at=session.last,
        register_wh=session.register_wh,
        uid=session.uid,
        reason=write.reason,
    )


def ended_record(station: str, number: int, session: OpenSession | None, end: SessionEnd) -> Record:
    """The record of a session that ended. Without a stored ``session`` only what the end says is known."""
    known = session if session is not None else _session_of_end(end)
    energy_wh = max(end.energy_wh, known.energy_wh)
    register_end_wh = max(end.register_wh, known.register_wh)
    return Record(
        number=number,
        station=station,
        outlet=end.outlet,
        session_id=end.session_id,
        transaction_id=known.transaction_id,
        uid=known.uid,
        charge_type=end.charge_type or known.charge_type,
        start=end.opened if end.opened is not None else known.opened,
        end=end.at,
        energy_wh=energy_wh,
        register_start_wh=known.register_start_wh if known.in_transaction else max(0, register_end_wh - energy_wh),
        register_end_wh=register_end_wh,
        socket=_socket_used(known, end.charge_type or known.charge_type),
        duration_us=end.duration_us,
        comment=known.comment,
        reason=end.reason,
        publish=end.publish,
    )


def _socket_used(session: OpenSession, charge_type: str) -> str:
    """Which socket of the outlet gave the energy; an outlet with two names both as long as nobody has charged."""
    if session.socket != SocketType.T2_TE or not session.in_transaction:
        return session.socket
    return (SocketType.TE if charge_type == DOMESTIC else SocketType.T2).value


def undated(kept: KeptOrder) -> KeptOrder:
    """What is stored of a standing order: its end and start count, not what control's clock showed for them."""
    return replace(kept, order=replace(kept.order, until_us=NEVER, end_unknown=False, starts_us=0))


def goes(record: Record, newest: int) -> bool:
    """Whether a record makes room for newer ones; one that waits for publication never does."""
    return record.number <= newest - RECORDS_KEPT and (record.published or not record.publish)


def _session_of_end(end: SessionEnd) -> OpenSession:
    utc_us = None if end.at.utc_us is None else end.at.utc_us - end.duration_us
    opened = Instant(end.at.boot_id, end.at.mono_us - end.duration_us, utc_us, end.at.quality)
    return OpenSession(end.outlet, end.session_id, "", "", opened, end.socket, "", end.at)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _check_value(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int):
        if not -_INTEGER_LIMIT <= value <= _INTEGER_LIMIT:
            raise ValueError("integer beyond 64 bits")
    elif isinstance(value, tuple):
        for each in value:
            _check_value(each)
    elif is_dataclass(value):
        for name in _names(value.__class__):
            _check_value(getattr(value, name))
    elif value is not None:
        raise ValueError(f"a journal cannot hold a {type(value).__name__}")
