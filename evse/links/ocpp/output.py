"""What a charge point wants done after a step."""

from __future__ import annotations

from typing import NamedTuple

from evse.core.commands import Command
from evse.links.ocpp.file_work import Job
from evse.links.ocpp.link import LinkWish
from evse.services.journal import Write
from evse.services.supervision import SupervisionAnswer


class Output(NamedTuple):
    """What is to be done after a step."""

    texts: tuple[str, ...]
    commands: tuple[Command, ...]
    answers: tuple[tuple[str, SupervisionAnswer], ...]
    """About cards; they count after the commands."""
    writes: tuple[Write, ...]
    jobs: tuple[Job, ...]
    """Files to fetch or bring; their ends are told by ``job_ended``."""
    wish: LinkWish
    restart: str
    """`Soft` or `Hard`: the station is to be restarted now; empty else."""
    wake_us: int
