"""The ledger of promises: what was decided becomes a promise, and a promise is kept.

The line calls `promise` and goes on; the transaction is written by the store's writer. Until it is on disk the ledger remembers the
promise in memory, so that the shopper's next move, a millisecond later, is decided with it. What the writer finished is taken in at
the next call (`_settle`), in the line's own thread: there is no lock, and a promise that could not be made is forgotten again.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.messages import Event, Outcome, Receipt, RedemptionAsked
from gateway.model import Promised
from gateway.objections import Objection
from gateway.offers import codes, decision_log, expiry, issuing, receipts, rewards, till
from gateway.offers.expiry import DAY_S, Housekept, Recalled
from gateway.offers.histories import Histories
from gateway.offers.ids import Entropy, time_ordered_id
from gateway.offers.issuing import Allotment, PromiseRequest
from gateway.offers.redemption import Answered, KeyReused, Redemption, TillRequest
from gateway.offers.rewards import Issuer
from gateway.settings import OffersSettings
from gateway.storage import Connection, Store, Transaction, outbox, promises, waiting
from rules import Decision, Happening, Situation
from rules.texts import N_

_log = structlog.get_logger()

KEY_REUSED = Objection("id", "key_reused", N_("this key was used for another request; send a new key with each new request"))


class ConsentGone(Exception):
    """The shopper withdrew between a decision and its promise: nothing was promised and nothing written down."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A decision the writer has not finished: per offer what was noted in memory beforehand."""

    future: Future[Promised]
    shopper: str
    at_s: float
    noted: dict[str, Happening]


class Ledger:
    """Makes promises, takes receipts, redeems. One per gateway; all but `redeem` and `reverse` belong to the line's thread.

    `source` is the gateway's name in every event (`etalage/<chain>/<store>/<gateway>`). `consented` is asked once more in the very
    transaction that promises: a withdrawal may have been committed since the decision. `follow_redemption` is told of each
    redemption at a till, in its transaction.
    """

    def __init__(
        self,
        store: Store,
        source: str,
        settings: OffersSettings | None = None,
        *,
        consented: Callable[[Connection, Situation], bool] = lambda connection, situation: True,
        follow_redemption: till.Follow | None = None,
        entropy: Entropy = secrets.token_bytes,
        new_code: Callable[[int], str] = codes.new_code,
    ) -> None:
        self._store = store
        self._source = source
        self._settings = settings or OffersSettings()
        # On a shared database each cap is one; what a gateway may promise of it is leased.
        self._allotment = Allotment() if store.shared else Allotment(self._settings.gateway_number - 1, self._settings.gateways)
        self._consented = consented
        self._entropy = entropy
        self._new_code = new_code
        self._issuer = Issuer(source, partial(time_ordered_id, entropy=entropy), new_code, self._settings.reward_days)
        self._histories = Histories()
        self._pending: deque[_Pending] = deque()
        self._reached: dict[tuple[str, str], float] = {}  # (offer, shopper; "" for a cap over all) to when it is tried again
        self._now_s = 0.0
        self._follow_redemption = follow_redemption
        self.counts: Counter[str] = Counter()
        """What happened since the start, for the metrics."""

    def history(self, shopper: str) -> Sequence[Happening]:
        """Return what happened with offers to this shopper, promises not yet on disk included; for whom `remembers` is true."""
        self._settle()
        return self._histories.of(shopper)

    def remembers(self, shopper: str) -> bool:
        """Tell whether a shopper's history is at hand."""
        return shopper in self._histories

    def await_history(self, shopper: str) -> None:
        """Note that a shopper's history is being read from here on."""
        self._settle()
        self._histories.await_history(shopper)

    def read(self, connection: Connection, shopper: str) -> list[Happening]:
        """Read a shopper's history. From any thread."""
        since_s = self._now_s - self._settings.history_days * DAY_S
        return [Happening(*row) for row in promises.history(connection, shopper, since_s)]

    def arrive(self, shopper: str, known: Sequence[Happening]) -> bool:
        """Take the history that was read; False: something happened meanwhile, read again."""
        self._settle()
        unwritten = [happening for one in self._pending if one.shopper == shopper for happening in one.noted.values()]
        return self._histories.arrive(shopper, [*known, *(one for one in unwritten if one not in known)])

    def exhausted(self, at_s: float, shopper: str) -> frozenset[str]:
        """Offers whose cap, or this shopper's own part in it, was found reached within the last `cap_retry_s`."""
        self._settle()
        self._now_s = max(self._now_s, at_s)
        self._reached = {place: until_s for place, until_s in self._reached.items() if until_s > at_s}
        return frozenset(offer for offer, whose in self._reached if whose in ("", shopper))

    def promise(self, decision: Decision, situation: Situation) -> Future[Promised]:
        """Promise what was chosen and log the decision, in one transaction with the announcements; doesn't wait for it.

        The Future is resolved once all is on disk. A decision for which no offer's moment had come is not logged: its Future is
        resolved at once.
        """
        self._settle()
        if not decision_log.worth_logging(decision):
            nothing: Future[Promised] = Future()
            nothing.set_result(Promised(""))
            return nothing
        request = PromiseRequest(
            time_ordered_id(situation.at_s, self._entropy),
            decision,
            situation,
            tuple(time_ordered_id(situation.at_s, self._entropy) for _ in decision.chosen),
            self._source,
            self._new_code,
            self._allotment,
            self._source.rpartition("/")[2] if self._store.shared else None,
        )
        offers = [one.offer for one in (*decision.chosen, *decision.ghosts)]
        noted = {offer: Happening(offer, "announced", situation.at_s, situation.visit) for offer in offers}
        for happening in noted.values():
            self._histories.expect(situation.shopper, happening)  # before the writer has it: read once, noted once
        future = self._store.writer.submit(partial(self._issue, request=request))
        self._pending.append(_Pending(future, situation.shopper, situation.at_s, noted))
        return future

    def take_receipt(self, tx: Transaction, event: Event[Receipt]) -> Outcome:
        """Handle a receipt inside the inbox's transaction."""
        taken = receipts.take(tx.connection, event)
        if taken.refusal is not None:
            tx.after_commit(partial(self._count, f"refused_{taken.refusal.code}"))
            return Outcome((taken.refusal,), taken=not taken.unmatched)
        if taken.promise is not None:
            at_s = max(event.time.timestamp(), taken.promise.at_s)
            rewards.earn(tx.connection, taken.promise, event.data.what, at_s, self._issuer, by=event.data.by)
        tx.after_commit(partial(self._received, taken, event.data.what))
        return Outcome()

    def release_unsent(self, connection: Connection, event_id: str) -> None:
        """Take back a promise whose announcement ended without ever having been given to the network, and say so."""
        expiry.release_unsent(connection, event_id, self._issuer)

    def redeem(self, code: str, name: str, at_s: float, key: str, amount_cents: int | None = None) -> Redemption:
        """Use a voucher at the till of that name; from any thread. Answers once it is on disk. Raises KeyReused."""
        return self.answer(TillRequest("redeem", code, name, at_s, key, amount_cents))

    def reverse(self, code: str, name: str, at_s: float, key: str, amount_cents: int | None = None) -> Redemption:
        """Undo a redemption; from any thread. Answers once it is on disk. Raises KeyReused."""
        return self.answer(TillRequest("reverse", code, name, at_s, key, amount_cents))

    def take_redemption(self, tx: Transaction, event: Event[RedemptionAsked], now_s: float) -> Outcome:
        """Answer a till's message inside the inbox's transaction."""
        request = till.request_in(event, now_s)
        try:
            answered = till.answer(tx, request, self._issuer, self._follow_redemption)
        except KeyReused:
            return Outcome((KEY_REUSED,), taken=False)
        tx.after_commit(partial(self._redeemed, answered))
        return Outcome(redemption=till.as_answer(answered.redemption))

    def forget(self, shopper: str) -> None:
        """Drop a shopper from memory: the visit is over, or they withdrew."""
        self._histories.forget(shopper)
        self._reached = {place: until_s for place, until_s in self._reached.items() if place[1] != shopper}

    def tick(self, now_s: float) -> None:
        """Let time pass: take in what other threads finished."""
        self._settle()
        self._now_s = now_s

    async def housekeep(self, now_s: float) -> int:
        """Expire what has ended, and delete what has been kept long enough; how many expired. Only by a trusted time.

        Slice by slice: what else waits for the writer comes between.
        """
        expired = 0
        while True:
            done = await self._store.writer.write(partial(self._housekeep, now_s=now_s))
            expired += done.expired
            if not done.more:
                return expired

    def recall(self, offer: str, at_s: float) -> Future[Recalled]:
        """Take back what of an offer was certainly never sent, and say so; from any thread."""
        return self._store.writer.submit(partial(expiry.recall, offer=offer, at_s=at_s, issuer=self._issuer))

    def _housekeep(self, connection: Connection, now_s: float) -> Housekept:
        rewards.pay_due(connection, now_s, self._issuer)
        return expiry.housekeep(connection, now_s, self._settings)

    def _issue(self, connection: Connection, request: PromiseRequest) -> Promised:
        if not self._consented(connection, request.situation):
            raise ConsentGone
        return issuing.issue(connection, request)

    def _settle(self) -> None:
        """Take in what other threads finished since the last call."""
        while self._pending and self._pending[0].future.done():
            self._settled(self._pending.popleft())

    def _redeemed(self, answered: Answered) -> None:
        """Take in what a till was answered."""
        self._count("till_again" if answered.again else f"till_{answered.redemption.answer}")
        if answered.shopper is not None and answered.happening is not None:
            self._histories.add(answered.shopper, answered.happening)
        for undone in answered.undone:
            if undone.shopper is not None:
                self._histories.take_back(undone.shopper, Happening(undone.offer, undone.what, undone.at_s, undone.visit))

    def _settled(self, pending: _Pending) -> None:
        failure = pending.future.exception()
        if isinstance(failure, ConsentGone):
            self.counts["consent_gone"] += 1
            self._histories.forget(pending.shopper)
            return
        if failure is not None:
            if isinstance(failure, outbox.OutboxFull):
                self.counts["outbox_full"] += 1  # health tells of it; a line for each decision would drown it
            else:
                _log.error("promise_not_made", offers=sorted(pending.noted), error=str(failure))
                self.counts["failed"] += 1
            for happening in pending.noted.values():
                self._histories.take_back(pending.shopper, happening)
            return
        promised = pending.future.result(0)
        self._histories.outdate(pending.shopper)
        made = {one.offer for one in promised.made}
        for refused in promised.refused:
            self.counts[f"reached_{refused.reason}"] += 1
            whose = pending.shopper if refused.reason == issuing.PER_SHOPPER else ""
            self._reached[refused.offer, whose] = pending.at_s + self._settings.cap_retry_s
            if refused.offer not in made:
                self._histories.take_back(pending.shopper, pending.noted[refused.offer])
        self.counts["promised"] += len(made)
        self.counts["ghosts"] += len(pending.noted) - len(made | {refused.offer for refused in promised.refused})

    def _received(self, taken: receipts.Taken, what: str) -> None:
        self._count(f"receipt_{what}")
        if taken.shopper is not None and taken.happening is not None:
            self._histories.add(taken.shopper, taken.happening)

    def _count(self, what: str) -> None:
        self.counts[what] += 1

    def answer(self, request: TillRequest) -> Redemption:
        """Do what a till asks; from any thread. Answers once it is on disk.

        Raises KeyReused, or NotInTime: whether it was done then shows when the same is asked again under the same key.
        """

        def work(tx: Transaction) -> Answered:
            answered = till.answer(tx, request, self._issuer, self._follow_redemption)
            tx.after_commit(partial(self._redeemed, answered))
            return answered

        return waiting.in_thread(self._store.writer.transact(work)).redemption
