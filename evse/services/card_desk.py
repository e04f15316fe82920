"""Everything services decide about cards: who may charge, asking a supervision, teaching badges.

Control asks with ``AuthorisationRequested``; each card read gets one final verdict, bound to the read and its epoch. Where a
supervision is asked a provisional verdict comes first, which ends in control by itself a little after our time-out, so that
nothing stays permitted when services die. The event is not acknowledged before the final verdict: services that start anew
are told it again, ask again and keep to the old time-out.

A verdict that was given is kept for a while and repeated as it was, so a card taught once is taught once.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from evse.core.commands import Authorise, Command, ReadCards, Verdict
from evse.core.events import AuthorisationRequested
from evse.core.units import NEVER, SECOND
from evse.services.authorisation import (
    NOT_THE_BOOKER,
    NOT_THE_CURRENT_USER,
    UNKNOWN,
    Decision,
    Known,
    Location,
    Policy,
    decide,
    in_silence,
)
from evse.services.badges import teaching as teach
from evse.services.badges.badge import BadgeType, mask_uid
from evse.services.badges.badge_book import BadgeBook
from evse.services.badges.writes import Authorised, ForgetAuthorised, RememberAuthorised
from evse.services.journal import Journal
from evse.services.questions import Question, Questions
from evse.services.supervision import SupervisionAnswer, SupervisionPort

_log = logging.getLogger(__name__)
GRACE_US: Final = 2 * SECOND
"""A provisional permission outlives the time-out by this much, so that the decision at its end arrives in time."""
ANSWERS_KEPT: Final = 64


def _nothing() -> None:
    return None


class CardDesk:
    """Decisions about cards for one station. ``policy`` and ``supervision`` may be replaced at any time."""

    def __init__(
        self,
        journal: Journal,
        policy: Policy,
        outlets: Iterable[int],
        send: Callable[[Command], None],
        supervision: SupervisionPort | None = None,
    ) -> None:
        """``send`` takes the commands for control, in order."""
        self.policy = policy
        self.supervision = supervision
        self.late_us = 0
        """An answer that takes longer is late: then the provisional verdict is given, and not before."""
        self.book = BadgeBook(journal)
        self.questions = Questions()
        self.teaching: teach.Teaching | None = None
        self.taught: Callable[[str, str], None] = lambda _uid, _mode: None
        """Is told of each badge that teaching has added or removed, when that is durable, and of the mode."""
        self.users: dict[int, str] = {}
        """Who charges where, by outlet."""
        self.booked: dict[int, str] = {}
        """For whom an outlet is reserved."""
        self.erased = False
        """All cards were erased and no master card is taught since."""
        self._journal = journal
        self._outlets = tuple(outlets)
        self._send = send
        self._boot_id = ""
        self._cache: OrderedDict[str, Authorised] = OrderedDict()
        self._answers: OrderedDict[str, Authorise] = OrderedDict()
        self._being_stored: set[int] = set()
        self._late: dict[str, tuple[int, Authorise]] = {}
        self._counter = 0
        self._utc_us: int | None = None

    # --- with control --------------------------------------------------------------------------------------------

    def start(self, boot_id: str) -> None:
        """Another boot of control: what was under way concerned cards that nobody holds any more."""
        self._boot_id = boot_id
        self.questions.clear()
        self.teaching = None
        self.users.clear()
        self._answers.clear()
        self._being_stored.clear()
        self._late.clear()

    def load(self) -> None:
        """Begin with what the journal has. Raises ``JournalError``."""
        self._cache = OrderedDict((entry.uid, entry) for entry in self._journal.authorised())
        self.book.load()

    @property
    def held_seq(self) -> int | None:
        """The lowest event that must not be acknowledged yet."""
        waiting = [*self._being_stored, *filter(None, (self.questions.oldest_seq,))]
        return min(waiting, default=None)

    def request(self, event: AuthorisationRequested, seq: int, asked_us: int, now_us: int, utc_us: int | None) -> None:
        """A card was read; also when control tells it again. ``utc_us``: what time it is, if anybody knows."""
        self._utc_us = utc_us
        ask_id = f"{self._boot_id}-{event.outlet}-{event.card_read_id}"
        answer = self._answers.get(ask_id)
        if answer is not None:
            self._send(answer)
        elif event.purpose == "teach":
            self._teach(event, ask_id, seq, now_us)
        elif seq not in self._being_stored and not self._begins_teaching(event, ask_id, asked_us, now_us):
            self._judge(event, ask_id, seq, asked_us, now_us)

    def step(self, now_us: int, utc_us: int | None) -> int:
        """Decide what has waited long enough; return when to be called next."""
        self._utc_us = utc_us
        for question in self.questions.overdue(now_us):
            _log.warning("card %s: the supervision has not answered in time", mask_uid(question.uid))
            self._settle(question, self._unanswered(question))
        for ask_id, (late_us, provisional) in list(self._late.items()):
            if now_us >= late_us:
                del self._late[ask_id]
                self._send(provisional)
        if self.teaching is not None and now_us >= self.teaching.until_us:
            self.teaching = None
        ends = [self.questions.next_us, *(late_us for late_us, _ in self._late.values())]
        return min(*ends, NEVER if self.teaching is None else self.teaching.until_us)

    # --- with the supervision ------------------------------------------------------------------------------------

    def answered(self, ask_id: str, answer: SupervisionAnswer) -> None:
        """The supervision has answered: in time, late, again, or something nobody asked."""
        question = self.questions.take(ask_id)
        uid = self.questions.uid_of(ask_id)
        if not uid:
            return
        self._remember(uid, answer)
        if question is None:
            return
        if question.purpose == "start":
            self._settle(question, self._answer_decision(answer))
        elif (
            answer.accepted and answer.group and answer.group.lower() == (self._group_at(question.outlet) or "").lower()
        ):
            self._settle(question, Decision(Verdict.ACCEPTED, may_stop_any=True))
        else:
            self._settle(question, Decision(Verdict.REFUSED, NOT_THE_CURRENT_USER))

    def _remember(self, uid: str, answer: SupervisionAnswer) -> None:
        if answer.accepted:
            entry = Authorised(uid, answer.expires_utc_us, answer.group)
            self._cache[uid] = entry
            self._cache.move_to_end(uid)
            self._journal.commit([RememberAuthorised(entry)], _nothing)
        elif self._cache.pop(uid, None) is not None:
            self._journal.commit([ForgetAuthorised(uid)], _nothing)

    def forget_authorised(self) -> None:
        """Empty the cache, because the supervision says so."""
        self._cache.clear()
        self._journal.commit([ForgetAuthorised()], _nothing)

    # --- decisions -----------------------------------------------------------------------------------------------

    def comment(self, uid: str) -> str:
        """The comment of a badge; empty for one that is not in the list."""
        badge = self.book.find(uid)
        return badge.comment if badge is not None else ""

    def _known(self, uid: str, outlet: int) -> Known:
        entry = self._cache.get(uid)
        supervision = self.supervision
        group = supervision is not None and supervision.kept_for_group(outlet)
        return Known(
            badge=self.book.find(uid),
            cached=entry is not None and self._counts(entry),
            reachable=supervision is not None and (supervision.reachable or group),
            booked_for="" if group else self.booked.get(outlet, ""),
            group_known=self._group_at(outlet) != "",
            erased=self.erased,
        )

    def _counts(self, entry: Authorised) -> bool:
        """Whether a cached identifier has not expired; while nobody knows the time one with an end does not count."""
        end_us = entry.expires_utc_us
        return end_us is None or (self._utc_us is not None and self._utc_us < end_us)

    def _group_at(self, outlet: int) -> str | None:
        """The group of who charges here, empty for none; ``None``: the supervision has to be asked."""
        user = self.users.get(outlet, "")
        entry = self._cache.get(user)
        if entry is None and user and self.supervision is not None:
            return self.supervision.group_of(user)
        return entry.group if entry is not None else ""

    def _judge(self, event: AuthorisationRequested, ask_id: str, seq: int, asked_us: int, now_us: int) -> None:
        due_us = asked_us + self.policy.timeout_us
        decision = self._first_decision(event)
        question = Question(
            ask_id, event.outlet, event.card_read_id, event.session_epoch, event.uid, event.purpose, seq, due_us
        )
        if not decision.ask:
            self._settle(question, decision)
            return
        if event.purpose == "start":
            provisional = replace(
                self._authorise(question, decision),
                command_id=f"authorise-{ask_id}-provisional",
                permission_expires_us=due_us + GRACE_US,
                expires_us=due_us,
            )
            if self.late_us > 0:
                self._late[ask_id] = (asked_us + self.late_us, provisional)
            else:
                self._send(provisional)
        if self.questions.waits(ask_id):
            return
        self.questions.put(question)
        if now_us < due_us and self.supervision is not None:
            self.supervision.ask(ask_id, event.uid, event.outlet)

    def _first_decision(self, event: AuthorisationRequested) -> Decision:
        """What can be said before anybody is asked."""
        known = self._known(event.uid, event.outlet)
        decision = decide(self.policy, event.uid, event.purpose, known)
        supervision = self.supervision if self.policy.location is Location.SUPERVISION else None
        admin = known.badge is not None and known.badge.type is BadgeType.ADMIN
        if event.purpose != "start" or supervision is None or admin or decision.reason == NOT_THE_BOOKER:
            return decision
        answer = supervision.at_once(event.uid, event.outlet)
        return decision if answer is None else self._answer_decision(answer)

    def _answer_decision(self, answer: SupervisionAnswer) -> Decision:
        if not answer.accepted:
            return UNKNOWN
        return Decision(Verdict.ACCEPTED, priority=answer.priority and self.policy.cluster)

    def _unanswered(self, question: Question) -> Decision:
        """The decision when nobody has answered in time."""
        if question.purpose == "start" and self.supervision is not None:
            answer = self.supervision.at_once(question.uid, question.outlet, waited=True)
            if answer is not None:
                return self._answer_decision(answer)
        known = self._known(question.uid, question.outlet)
        return in_silence(self.policy, question.uid, question.purpose, known)

    def _settle(self, question: Question, decision: Decision) -> None:
        """The final verdict on a card."""
        self._late.pop(question.ask_id, None)
        _log.info(
            "outlet %d: card %s: %s %s", question.outlet, mask_uid(question.uid), decision.verdict, decision.reason
        )
        self._say(question.ask_id, self._authorise(question, decision))

    def _authorise(self, question: Question, decision: Decision) -> Authorise:
        return Authorise(
            command_id=f"authorise-{question.ask_id}",
            outlet=question.outlet,
            epoch=question.epoch,
            card_read_id=question.card_read_id,
            verdict=decision.verdict,
            reason=decision.reason,
            may_stop_any=decision.may_stop_any,
            priority=decision.priority,
        )

    def _say(self, ask_id: str, answer: Authorise) -> None:
        self._answers[ask_id] = answer
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        self._send(answer)

    # --- teaching ------------------------------------------------------------------------------------------------

    def reconnected(self) -> None:
        """The connection to control was broken: what it was told of readers may be lost."""
        if self.teaching is not None:
            self._read_cards(self.teaching)

    def begin_teaching(self, mode: teach.TeachMode, outlet: int, now_us: int) -> teach.Teaching:
        """Cards at the reader of ``outlet`` (0: at any) are taught or deleted from now on; replaces a teaching under way."""
        self.end_teaching()
        self.teaching = teach.begun(mode, outlet, now_us)
        _log.info("teaching badges: %s", mode.value)
        self._read_cards(self.teaching)
        return self.teaching

    def end_teaching(self) -> None:
        """The readers serve charges again."""
        if self.teaching is not None:
            self._read_cards(replace(self.teaching, until_us=0))
            self.teaching = None

    def _read_cards(self, teaching: teach.Teaching) -> None:
        for number in self._outlets:
            if teaching.concerns(number):
                self._counter += 1
                self._send(
                    ReadCards(
                        f"read-cards-{self._boot_id}-{self._counter}",
                        number,
                        active=teaching.until_us > 0,
                        until_us=teaching.until_us,
                    )
                )

    def _begins_teaching(self, event: AuthorisationRequested, ask_id: str, asked_us: int, now_us: int) -> bool:
        """Whether this is an Admin badge at a free outlet: it manages badges."""
        badge = self.book.find(event.uid)
        local = self.policy.location is Location.CHARGING_STATION
        if badge is None or badge.type is not BadgeType.ADMIN or event.purpose != "start" or not local:
            return False
        if now_us < asked_us + teach.WINDOW_US:
            self.begin_teaching(teach.TeachMode.ADMIN_ADD, event.outlet, asked_us)
        self._say(ask_id, self._teach_answer(event, ask_id, Verdict.TAKEN))
        return True

    def _teach(self, event: AuthorisationRequested, ask_id: str, seq: int, now_us: int) -> None:
        if seq in self._being_stored:
            return
        teaching = self.teaching
        if teaching is None or not teaching.concerns(event.outlet) or now_us >= teaching.until_us:
            self._say(ask_id, self._teach_answer(event, ask_id, Verdict.REFUSED))
            return
        taught = teach.card(teaching, event.uid, self.book.planned, now_us)
        self._go_on(taught)
        if taught.change is None:
            verdict = Verdict.REFUSED if taught.refusal else Verdict.ACCEPTED
            _log.info("teaching badge %s: %s %s", mask_uid(event.uid), verdict, taught.refusal)
            self._say(ask_id, self._teach_answer(event, ask_id, verdict))
            return
        boot_id = self._boot_id
        self._being_stored.add(seq)

        def stored() -> None:
            self.taught(event.uid, teaching.mode.value)
            if boot_id == self._boot_id:
                self._being_stored.discard(seq)
                self._say(ask_id, self._teach_answer(event, ask_id, Verdict.ACCEPTED))

        _log.info("teaching badge %s: %s", mask_uid(event.uid), teaching.mode.value)
        self.book.change(taught.change, stored)

    def _go_on(self, taught: teach.Taught) -> None:
        if taught.teaching is None:
            self.end_teaching()
            return
        if self.teaching is not None and taught.teaching.until_us > self.teaching.until_us:
            self._read_cards(taught.teaching)
        self.teaching = taught.teaching

    def _teach_answer(self, event: AuthorisationRequested, ask_id: str, verdict: Verdict) -> Authorise:
        return Authorise(
            command_id=f"authorise-{ask_id}",
            outlet=event.outlet,
            epoch=event.session_epoch,
            card_read_id=event.card_read_id,
            verdict=verdict,
        )
