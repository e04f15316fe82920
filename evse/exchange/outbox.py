"""Control's outbox: events wait here until services have taken them.

Rules:
- ``put`` numbers every event, from 1 in each boot, without gaps.
- A durable event stays until an acknowledgement covers it. It is never dropped, however long services are away;
  ``durable_waiting`` tells how many wait.
- Any other event is gone once it was sent. While it waits, at most ``volatile_limit`` of its kind are kept and the
  oldest goes first; ``volatile_dropped`` counts.
- Sending is the adapter's business: it sends ``unsent()`` in order and says ``mark_sent`` for each datagram that the
  socket took. A socket that would block simply ends the loop.
- ``reconnected()`` makes every unacknowledged durable event unsent again. Services recognise those they know by
  their sequence number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from evse.core.events import Event
from evse.exchange.envelope import Acknowledge, Envelope, encode_event


class Outbox:
    """Ordered, numbered events of one boot on their way to services."""

    def __init__(self, boot_id: str, volatile_limit: int = 256) -> None:
        self.boot_id = boot_id
        self.volatile_dropped = 0
        self.last_seq = 0
        self._volatile_limit = volatile_limit
        self._volatile_unsent = 0
        self._sent: deque[Envelope] = deque()
        self._unsent: deque[Envelope] = deque()

    def put(self, event: Event, mono_us: int) -> Envelope:
        """Number ``event``, which happened at ``mono_us``, and keep it for sending.

        Raises ``ExchangeError`` for a value that could never be transferred; nothing is kept then.
        """
        encode_event(event)
        self.last_seq += 1
        envelope = Envelope(self.boot_id, self.last_seq, mono_us, event)
        self._unsent.append(envelope)
        if not event.durable:
            self._volatile_unsent += 1
            if self._volatile_unsent > self._volatile_limit:
                self._drop_oldest_volatile()
        return envelope

    def unsent(self) -> Iterator[Envelope]:
        """Envelopes to send now, in order. ``mark_sent`` may be called between two of them."""
        while self._unsent:
            envelope = self._unsent[0]
            yield envelope
            if self._unsent and self._unsent[0] is envelope:
                return

    def mark_sent(self, envelope: Envelope) -> None:
        """The channel took ``envelope``, which must be the first unsent one."""
        if not self._unsent or self._unsent[0] is not envelope:
            raise ValueError(f"envelope {envelope.seq} is not the next one to send")
        self._unsent.popleft()
        if envelope.event.durable:
            self._sent.append(envelope)
        else:
            self._volatile_unsent -= 1

    def acknowledge(self, acknowledge: Acknowledge) -> None:
        """Forget what services have made durable. One for another boot, or older than the last, does nothing."""
        if acknowledge.boot_id != self.boot_id:
            return
        while self._sent and self._sent[0].seq <= acknowledge.up_to_seq:
            self._sent.popleft()
        # After a reconnection an acknowledgement from before may still cover what waits to be sent again.
        while self._unsent and self._unsent[0].event.durable and self._unsent[0].seq <= acknowledge.up_to_seq:
            self._unsent.popleft()

    def reconnected(self) -> None:
        """A new connection: everything durable without acknowledgement is to be sent again, in order."""
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()

    @property
    def durable_waiting(self) -> int:
        """How many durable events have no acknowledgement yet."""
        return len(self._sent) + len(self._unsent) - self._volatile_unsent

    @property
    def waiting_to_send(self) -> int:
        """How many events the channel has not taken yet."""
        return len(self._unsent)

    def _drop_oldest_volatile(self) -> None:
        for index, envelope in enumerate(self._unsent):
            if not envelope.event.durable:
                del self._unsent[index]
                break
        self._volatile_unsent -= 1
        self.volatile_dropped += 1
