"""The connection to the central system and the registration of the station (OCPP 1.6, 4.2, 4.6; OCPP-J 1.6, chapter 5).

The table below is the specification. One attempt is under way at most. After a failure the next one waits: the retry
interval, doubled with each failure up to a limit, of which a random part is taken so that a thousand stations do not come
back at the same moment. Whoever owns the link opens and closes the socket as ``wish`` says, and sends what is to be sent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from evse.core.machine import Row, TransitionTable
from evse.core.units import NEVER, SECOND

LONGEST_WAIT_US: Final = 120 * SECOND
"""Between two attempts at most; a longer retry interval is kept as it is."""
DEFAULT_INTERVAL_US: Final = 300 * SECOND
"""`HeartbeatInterval` when the central system leaves it to the station (interval 0)."""
LONGEST_INTERVAL_S: Final = 86_400
"""`HeartbeatInterval` goes no further: a longer one is as good as silence."""


class LinkState(StrEnum):
    """How far the connection has come."""

    OFF = "off"
    WAITING = "waiting"
    CONNECTING = "connecting"
    BOOTING = "booting"
    PENDING = "pending"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


_S = LinkState
_REOPENED: Final = {_S.ACCEPTED: "go_on", _S.PENDING: "stay_pending", _S.REJECTED: "stay_rejected"}
"""What another connection begins with, by the last answer to a `BootNotification` of this start."""
_OPEN: Final = (_S.BOOTING, _S.PENDING, _S.REJECTED, _S.ACCEPTED)


def _row(trigger: str, sources: tuple[LinkState, ...], target: LinkState, clause: str) -> Row:
    return Row(trigger, tuple(source.value for source in sources), target.value, clause)


LINK_TABLE: Final = TransitionTable(
    "OCPP link",
    [state.value for state in LinkState],
    LinkState.OFF.value,
    (
        _row("switch_on", (_S.OFF,), _S.WAITING, "ours: a station that is supervised"),
        _row("switch_off", (_S.WAITING, _S.CONNECTING, *_OPEN), _S.OFF, "ours"),
        _row("try", (_S.WAITING,), _S.CONNECTING, "OCPP-J 1.6, 5.3"),
        _row("opened", (_S.CONNECTING,), _S.BOOTING, "OCPP-J 1.6, 3.1; OCPP 1.6, 4.2"),
        _row("go_on", (_S.CONNECTING,), _S.ACCEPTED, "OCPP-J 1.6, 5.3"),
        _row("stay_pending", (_S.CONNECTING,), _S.PENDING, "OCPP 1.6, 4.2"),
        _row("stay_rejected", (_S.CONNECTING,), _S.REJECTED, "OCPP 1.6, 4.2"),
        _row("closed", (_S.CONNECTING, *_OPEN), _S.WAITING, "OCPP-J 1.6, 5.3"),
        _row("accept", (_S.BOOTING, _S.PENDING, _S.REJECTED), _S.ACCEPTED, "OCPP 1.6, 4.2"),
        _row("hold", (_S.BOOTING, _S.PENDING, _S.REJECTED), _S.PENDING, "OCPP 1.6, 4.2"),
        _row("reject", (_S.BOOTING, _S.PENDING, _S.REJECTED), _S.REJECTED, "OCPP 1.6, 4.2"),
        _row("boot_again", (_S.PENDING, _S.REJECTED, _S.ACCEPTED), _S.BOOTING, "OCPP 1.6, 4.2"),
    ),
)


class LinkWish(StrEnum):
    """What the socket's owner has to do."""

    NOTHING = "nothing"
    OPEN = "open"
    CLOSE = "close"


class Backoff(NamedTuple):
    """``interval_us``: the retry interval of the settings; ``share``: a random number from 0 to 1 for each wait.

    With the retry interval of the factory (30 s) the first wait is 10 to 30 s, none is longer than 120 s.
    """

    interval_us: int
    share: float

    def wait_us(self, failures: int) -> int:
        """How long to wait after so many failures in a row: between a third and the whole of the doubled interval."""
        longest_us = max(LONGEST_WAIT_US, self.interval_us)
        full_us = min(self.interval_us << min(max(failures - 1, 0), 20), longest_us)
        least_us = full_us // 3
        return least_us + int((full_us - least_us) * self.share)


class Link:
    """State of one station's connection."""

    def __init__(self) -> None:
        self.state = LinkState.OFF
        self.failures = 0
        """Attempts and connections in a row that came to nothing."""
        self.heartbeat_us = DEFAULT_INTERVAL_US
        self._due_us = 0
        """Next attempt to connect, next boot notification, or next heartbeat."""
        self._boot_sent = False
        self._registered = LinkState.BOOTING
        """The last answer to a `BootNotification` since the start; ``BOOTING`` without one."""
        self._boot_due_us = 0
        """When one that was told to wait asks again."""
        self._proven = False
        """Whether this connection has shown life while the station was accepted."""
        self._close = False

    # --- the socket -------------------------------------------------------------------------------------------------

    def switch(self, now_us: int, *, on: bool) -> None:
        """Whether there is a central system to talk to."""
        if on and self.state is LinkState.OFF:
            self._fire("switch_on")
            self.failures, self._due_us = 0, now_us
        elif not on and self.state is not LinkState.OFF:
            self._close = self.state is not LinkState.WAITING
            self._fire("switch_off")
            self.forget()

    def wish(self, now_us: int) -> LinkWish:
        """What to do with the socket now; each is said once."""
        if self._close:
            self._close = False
            return LinkWish.CLOSE
        if self.state is LinkState.WAITING and now_us >= self._due_us:
            self._fire("try")
            return LinkWish.OPEN
        return LinkWish.NOTHING

    def opened(self, now_us: int) -> None:
        """The socket is open: the station registers first, unless it has done so since its start."""
        self._fire(_REOPENED.get(self._registered, "opened"))
        waits = self.state in (LinkState.PENDING, LinkState.REJECTED)
        self._boot_sent, self._proven = False, False
        self._due_us = max(now_us, self._boot_due_us) if waits else now_us

    def closed(self, now_us: int, backoff: Backoff) -> None:
        """The socket is closed or could not be opened. A connection of an accepted station that got answers begins the waits anew."""
        if self.state in (LinkState.OFF, LinkState.WAITING):
            return
        self.failures = 1 if self._proven else self.failures + 1
        self._close = False
        self._proven = False
        self._fire("closed")
        self._due_us = now_us + backoff.wait_us(self.failures)

    def hurry(self, due_us: int) -> None:
        """The station starts anew: it connects soon, whatever the waits are."""
        if self.state is LinkState.WAITING:
            self._due_us = min(self._due_us, due_us)

    def drop(self) -> None:
        """The connection is good for nothing (silent, or the other side breaks the rules): close it."""
        self._close = self.state in (LinkState.CONNECTING, *_OPEN)

    # --- registration ---------------------------------------------------------------------------------------------

    def boot_due(self, now_us: int) -> bool:
        """Whether a `BootNotification` has to go out now; true once for each."""
        if self._boot_sent or self.state not in (LinkState.BOOTING, LinkState.PENDING, LinkState.REJECTED):
            return False
        if now_us < self._due_us:
            return False
        self._boot_sent = True
        return True

    def boot_answered(self, now_us: int, status: str, interval_s: int) -> None:
        """The answer to `BootNotification`: `Accepted`, `Pending` or `Rejected` with the interval in seconds (0: ours)."""
        interval_us = min(interval_s, LONGEST_INTERVAL_S) * SECOND if interval_s > 0 else DEFAULT_INTERVAL_US
        self._boot_sent, self._due_us = False, now_us + interval_us
        self._boot_due_us = self._due_us
        self._fire({"Accepted": "accept", "Pending": "hold"}.get(status, "reject"))
        self._registered = self.state
        if self.state is LinkState.ACCEPTED:
            self.heartbeat_us, self._proven = interval_us, True

    def boot_failed(self, now_us: int) -> None:
        """`BootNotification` was answered with an error: ask again after the usual interval."""
        self._boot_sent, self._due_us = False, now_us + DEFAULT_INTERVAL_US
        self._boot_due_us = self._due_us

    def forget(self) -> None:
        """The next connection registers: the station starts anew, or it will be another central system."""
        self._registered = LinkState.BOOTING

    @property
    def registration(self) -> tuple[str, int, int]:
        """The last answer to a `BootNotification`, the interval of heartbeats, and when one that was told to wait asks again."""
        waits = self._registered in (LinkState.PENDING, LinkState.REJECTED)
        return self._registered.value, self.heartbeat_us, self._boot_due_us if waits else 0

    def resume(self, registered: LinkState, heartbeat_us: int, due_us: int) -> None:
        """The station has registered before these services began: the next connection goes on with that."""
        self._registered, self.heartbeat_us, self._boot_due_us = registered, heartbeat_us, due_us

    def boot_again(self, now_us: int) -> None:
        """A `BootNotification` is due (a start, a trigger): not before the answer to one that is under way, and
        without a connection as soon as there is one.
        """
        self.forget()
        if self.may_answer or self.state is LinkState.REJECTED:
            self._fire("boot_again")
            self._boot_sent, self._due_us = False, now_us

    @property
    def may_ask(self) -> bool:
        """Whether the station may send requests of its own (OCPP 1.6, 4.2: only when accepted)."""
        return self.state is LinkState.ACCEPTED

    @property
    def may_answer(self) -> bool:
        """Whether requests of the central system are served: when accepted or pending, not when rejected."""
        return self.state in (LinkState.ACCEPTED, LinkState.PENDING)

    # --- heartbeat ------------------------------------------------------------------------------------------------

    def heard(self, now_us: int) -> None:
        """A request of the station was answered: that shows life as well as a heartbeat does (OCPP 1.6, 4.6)."""
        if self.state is LinkState.ACCEPTED:
            self._due_us, self._proven = now_us + self.heartbeat_us, True

    def heartbeat_due(self, now_us: int) -> bool:
        """Whether a `Heartbeat` has to go out now."""
        if self.state is not LinkState.ACCEPTED or self.heartbeat_us <= 0 or now_us < self._due_us:
            return False
        self._due_us = now_us + self.heartbeat_us
        return True

    def set_heartbeat(self, now_us: int, interval_us: int) -> None:
        """`HeartbeatInterval` was changed; 0: none are sent."""
        self.heartbeat_us = interval_us
        self.heard(now_us)

    def wake_us(self) -> int:
        """When to look again by time alone."""
        waits_for_answer = self.state in (LinkState.OFF, LinkState.CONNECTING) or self._boot_sent
        mute = self.state is LinkState.ACCEPTED and self.heartbeat_us <= 0
        return NEVER if waits_for_answer or mute else self._due_us

    def _fire(self, trigger: str) -> None:
        self.state = LinkState(LINK_TABLE.next_state(self.state.value, trigger))
