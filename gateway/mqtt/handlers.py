"""What is done with one message, in one transaction: the handler's work, the mark that it was seen, and the reply."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog

from gateway.messages import (
    AnyEvent,
    Message,
    Outcome,
    Profile,
    Receipt,
    RedemptionAnswer,
    RedemptionAsked,
    Refusal,
    Reply,
    SyncPage,
    SyncRequest,
)
from gateway.mqtt.correlation import Correlations
from gateway.mqtt.intake import EVENTS, Refused, check
from gateway.mqtt.status import event_text
from gateway.mqtt.topics import GatewayIdentity
from gateway.objections import Objection
from gateway.offers.guesses import TillGuesses
from gateway.safe_error import safe_error
from gateway.storage import Connection, IntegrityError, Transaction, inbox, outbox
from gateway.storage.inbox import Sync
from rules.texts import N_, Language

REPLY_EXPIRY_S = 86_400.0
"""A sender that hasn't read a reply within a day has sent again, and gets a new one."""
SYNC_PATIENCE_S = 900.0
"""A page that hasn't come by then is asked for again."""

TOO_MANY_GUESSES = Objection(
    "data.code", "too_many_guesses", N_("this till asked for too many codes that nobody has; wait a minute")
)
NEVER_STORED = Objection("", "not_storable", N_("no database can store this as it is; don't send it again unmended"))

log = structlog.get_logger(__name__)

Handler = Callable[[Transaction, AnyEvent], Outcome]
"""Does what a message asks for, in a transaction; may raise, and then nothing of it stands."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a message, and what a till is answered."""

    what: Literal["accepted", "refused", "repeated", "failed"]
    redemption: RedemptionAnswer | None = None


class InboundHandlers:
    """`handlers`: what to do by type of message; `language`: of what replies say to people.

    Makes the work that runs in the writer; holds nothing itself.
    """

    def __init__(
        self,
        identity: GatewayIdentity,
        handlers: Mapping[str, Handler],
        correlations: Correlations | None = None,
        language: Language = Language.EN,
    ) -> None:
        unknown = set(handlers) - set(EVENTS)
        if unknown:
            raise ValueError(f"no message of the contract has the type {', '.join(sorted(unknown))}")
        self._identity = identity
        self._handlers = dict(handlers)
        self._gateway = identity.gateway
        self._correlations = correlations or Correlations()
        self._language = language
        self._guesses = TillGuesses()

    def work(
        self, found: AnyEvent | Refused, answer_to: str, at_s: float, correlation: bytes = b""
    ) -> Callable[[Transaction], Done]:
        """The work for a message that was read, or refused; `answer_to` is the topic of the reply, which echoes `correlation`."""

        def work(tx: Transaction) -> Done:
            connection = tx.connection
            if isinstance(found, Refused):
                event_id, done, reasons = found.event_id, Done("refused"), found.reasons
            elif isinstance(found.data, SyncPage):
                event_id, done, reasons = found.id, self._page(tx, found.data, answer_to, at_s), ()
            else:
                again = isinstance(found.data, RedemptionAsked)  # a till that asks again is told the same again
                event_id, (done, reasons) = found.id, self._once(tx, found, at_s, anew=again)
            reply_id = self._reply(connection, event_id, done, reasons, answer_to, at_s)
            self._correlations.keep(reply_id, correlation)
            return done

        return work

    def _once(self, tx: Transaction, event: AnyEvent, at_s: float, *, anew: bool = False) -> tuple[Done, tuple[Objection, ...]]:
        """Do it, unless it was done before (`anew`: even then). Remembered is what was taken: what was refused may come mended."""
        connection, handler = tx.connection, self._handlers.get(event.type)
        if handler is None:
            reason = Objection("type", "not_handled", N_("this gateway has no use for messages of this type"))
            return Done("refused"), (reason,)
        key = inbox.key_of(self._gateway, event.source, event.id)
        seen = inbox.is_seen(connection, key)
        if seen and not anew:
            return Done("repeated"), ()
        if isinstance(event.data, RedemptionAsked) and self._guesses.locked_for_s(event.data.till, at_s):
            return Done("refused"), (TOO_MANY_GUESSES,)
        try:
            outcome = _handled(tx, handler, event)
        except outbox.Unwritable:
            raise
        except outbox.UNSTORABLE as error:
            log.error("a message can't be stored", type=event.type, id=event.id, fault=safe_error(error))
            return Done("refused"), (NEVER_STORED,)
        except Exception as error:
            log.error("a message couldn't be handled", type=event.type, id=event.id, fault=safe_error(error))
            reason = Objection("", "failed", N_("the gateway failed on this message; it is in its log, send it again later"))
            return Done("failed"), (reason,)
        if isinstance(event.data, RedemptionAsked) and outcome.redemption is not None:
            self._note_guess(event.data.till, outcome.redemption.answer, at_s)
        if isinstance(event.data, Receipt):
            outbox.remove_arrived(connection, event.data.promise)  # whatever it says, it proves that the announcement arrived
        if outcome.taken and not seen:
            inbox.mark_seen(connection, key, at_s)
        return Done("accepted" if outcome.taken else "refused", outcome.redemption), outcome.refusals

    def _note_guess(self, till: str, answer: str, at_s: float) -> None:
        if self._guesses.note(till, answer, at_s):
            log.error("a till asks for code after code that nobody has; it is locked for a while", till=till)

    def _reply(
        self, connection: Connection, event_id: str | None, done: Done, reasons: tuple[Objection, ...], answer_to: str, at_s: float
    ) -> str:
        taken = done.what in ("accepted", "repeated")
        told = (event_id, None) if taken else (None, event_id)
        reply = Reply(accepted=told[0], refused=told[1], reasons=self._said(reasons), redemption=done.redemption)
        key = _reply_key(answer_to, event_id or "".join(reason.code for reason in reasons))
        outbox.remove_replies(connection, key)  # who asks again and again finds one answer, the last
        reply_id = f"{key}{uuid.uuid4().hex[:12]}"
        self._put(connection, answer_to, reply, at_s, REPLY_EXPIRY_S, event_id=reply_id)
        return reply_id

    def _said(self, reasons: tuple[Objection, ...]) -> list[Refusal]:
        return [Refusal(path=reason.path, code=reason.code, text=reason.said(self._language)) for reason in reasons]

    def _put(
        self, connection: Connection, topic: str, data: Message, at_s: float, keep_s: float, *, event_id: str | None = None
    ) -> None:
        event_id = event_id or str(uuid.uuid4())
        body = event_text(self._identity, data, at_s, event_id)
        outbox.put(connection, event_id=event_id, topic=topic, shopper=None, body=body, at_s=at_s, expires_at_s=at_s + keep_s)

    # ---- everything again ----

    def ask_for_all(self, connection: Connection, at_s: float, cursor: str | None = None) -> None:
        """Ask the backend for everything, or for what comes after `cursor`."""
        inbox.set_sync(connection, self._gateway, Sync(done=False, cursor=cursor, asked_at_s=at_s))
        self._put(connection, "sync/request", SyncRequest(gateway=self._gateway, cursor=cursor), at_s, SYNC_PATIENCE_S)

    def ask_unless_since(self, connection: Connection, at_s: float, since_s: float) -> None:
        """Ask for everything when the last time was before `since_s`. Where there was none, `tidy` asks."""
        sync = inbox.sync_of(connection, self._gateway)
        if sync is not None and sync.asked_at_s < since_s:
            self.ask_for_all(connection, at_s)

    def tidy(self, connection: Connection, at_s: float, seen_kept_s: float) -> None:
        """Forget old messages; ask for everything when this database never has, or when the answer has stopped coming."""
        inbox.prune(connection, at_s - seen_kept_s)
        sync = inbox.sync_of(connection, self._gateway)
        if sync is None:
            self.ask_for_all(connection, at_s)
        elif not sync.done and abs(at_s - sync.asked_at_s) >= SYNC_PATIENCE_S:
            self.ask_for_all(connection, at_s, sync.cursor)

    def _page(self, tx: Transaction, page: SyncPage, answer_to: str, at_s: float) -> Done:
        """Each event of the page as if it had come by itself; only refusals are answered one by one.

        A profile is read even when it was before: the books that are live now may keep more of it.
        """
        connection = tx.connection
        for document in page.events:
            inner = check(document, self._handlers.keys() - {RedemptionAsked.TYPE})
            if isinstance(inner, Refused):
                self._reply(connection, inner.event_id, Done("refused"), inner.reasons, answer_to, at_s)
                continue
            done, reasons = self._once(tx, inner, at_s, anew=isinstance(inner.data, Profile))
            if reasons:
                self._reply(connection, inner.id, done, reasons, answer_to, at_s)
        self._turn_page(connection, page.next, at_s)
        return Done("accepted")

    def _turn_page(self, connection: Connection, following: str | None, at_s: float) -> None:
        sync = inbox.sync_of(connection, self._gateway)
        if following is None:
            inbox.set_sync(connection, self._gateway, Sync(done=True, cursor=None, asked_at_s=at_s))
        elif sync is None or sync.cursor != following:  # a page that came twice asks for the next one once
            self.ask_for_all(connection, at_s, following)


def _reply_key(answer_to: str, about: str) -> str:
    """Return what the ids of all replies about one message to one asker begin with."""
    return f"r-{hashlib.sha256(f'{answer_to}|{about}'.encode()).hexdigest()[:24]}-"


def _handled(tx: Transaction, handler: Handler, event: AnyEvent) -> Outcome:
    """Handle a message in a savepoint of its own; return what came of it."""
    try:
        with tx.savepoint():
            return handler(tx, event)
    except IntegrityError:  # another gateway on this database wrote the same just now, and this time it is seen
        with tx.savepoint():
            return handler(tx, event)
