"""Turn a decision into promises: caps, code, wording, announcement and log entry, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway import promise_states
from gateway.model import Made, NotMade, Promised
from gateway.offers import announcements, decision_log
from gateway.offers.announcements import Card
from gateway.storage import Connection, caps, decisions, happenings, outbox, promises, vouchers
from gateway.storage.caps import Taking
from gateway.storage.happenings import HappeningRecord
from gateway.storage.promises import PromiseRecord, Reward
from rules import Cap, CardPart, Chosen, CodeKind, Content, Decision, PlannedVoucher, Situation, Worth, code_key

POOL, CODE = "pool", "code"
"""Why an offer was refused for its code: none is left, or the code that all share stands on promises of another worth."""
PER_SHOPPER = "per_shopper"
"""Why an offer was refused when it was this shopper's own cap: it says nothing about anybody else."""


class Allotment(NamedTuple):
    """This gateway's part of every cap and pool, where several with a database each hold the same offers; `part` counts from 0."""

    part: int = 0
    of: int = 1

    def cut(self, at_most: int) -> int:
        """This part of a cap. All parts together are the cap, never one more."""
        return at_most * (self.part + 1) // self.of - at_most * self.part // self.of


@dataclass(frozen=True, slots=True)
class PromiseRequest:
    """A decision with all that must not change when its transaction is run again: its ids."""

    decision_id: str
    decision: Decision
    situation: Situation
    promise_ids: tuple[str, ...]
    source: str
    new_code: Callable[[int], str]
    allotment: Allotment
    lessee: str | None
    """This gateway, where others promise from the same counters: it spends from leases."""


def issue(connection: Connection, request: PromiseRequest) -> Promised:
    """Promise all that was chosen, as far as the caps allow, and log the decision. Raises OutboxFull."""
    made: list[Made] = []
    refused: list[NotMade] = []
    for chosen, promise_id in zip(request.decision.chosen, request.promise_ids, strict=True):
        reason = _promise(connection, request, chosen, promise_id, made)
        if reason is not None:
            refused.append(NotMade(chosen.offer, reason))
    for ghost in request.decision.ghosts:
        _note_ghost(connection, request, ghost)
    became, why_not = {one.offer: one.promise for one in made}, {one.offer: one.reason for one in refused}
    entry = decision_log.entry(request.decision_id, request.decision, request.situation, became, why_not)
    decisions.log(connection, entry)
    return Promised(request.decision_id, tuple(made), tuple(refused))


def _promise(connection: Connection, request: PromiseRequest, chosen: Chosen, promise_id: str, made: list[Made]) -> str | None:
    """Write one promise down; the reason when a cap stands in the way, also where the offer's fallback was promised instead."""
    shopper = request.situation.shopper
    held = _held(chosen.caps, request.allotment)
    reached = _take_all(connection, held, request, worth=chosen.voucher is not None)
    code = None
    if reached is None and chosen.voucher is not None:
        code = _code(connection, request, chosen.offer, chosen.voucher, promise_id)
        if code is None:
            caps.give_back(connection, _takings(held), shopper)
            reached = POOL if chosen.voucher.codes.kind is CodeKind.POOL else CODE
    if reached is not None and chosen.fallback is None:
        return reached
    row = _row(request, chosen, promise_id, code) if reached is None else _fallback_row(request, chosen, promise_id)
    announce(connection, row, chosen.shows(), request.source)
    made.append(Made(promise_id, chosen.offer, code, fell_back=reached is not None))
    return reached


def announce(connection: Connection, promise: PromiseRecord, card: Card, source: str) -> None:
    """Write a promise down with the message that tells of it. Raises OutboxFull."""
    promises.add(connection, promise)
    topic, body = announcements.announcement(promise, card, source)
    outbox.put(
        connection,
        event_id=promise.id,
        topic=topic,
        shopper=promise.shopper,
        body=body,
        at_s=promise.at_s,
        expires_at_s=promise.expires_at_s,
    )


def _take_all(connection: Connection, held: Sequence[Cap], request: PromiseRequest, *, worth: bool) -> str | None:
    """Take a share of every cap, or of none: then the kind of the cap that is reached."""
    for place, cap in enumerate(held):
        if not _take(connection, cap, request, worth=worth):
            caps.give_back(connection, _takings(held[:place]), request.situation.shopper)
            return PER_SHOPPER if cap.per_shopper else cap.kind.value
    return None


def _take(connection: Connection, cap: Cap, request: PromiseRequest, *, worth: bool) -> bool:
    """Take one promise's share of a cap. A shopper is at one gateway at a time: nobody waits for a counter of theirs."""
    shopper, at_s = request.situation.shopper, request.situation.at_s
    if cap.per_shopper or request.lessee is None:
        return caps.take(connection, cap.key, shopper if cap.per_shopper else "", cap.amount, cap.at_most, at_s, worth=worth)
    return caps.take_leased(connection, cap.key, request.lessee, cap.amount, cap.at_most, at_s)


def _held(asked: Iterable[Cap], allotment: Allotment) -> list[Cap]:
    """The caps as this gateway holds them: its share, each counter once (the tighter of two), in one order.

    The order keeps two gateways on one database from locking each other out. A cap per shopper can't be shared out.
    """
    tightest: dict[tuple[str, bool], Cap] = {}
    for cap in sorted(asked, key=lambda cap: (cap.key, cap.at_most)):
        at_most = cap.at_most if cap.per_shopper else allotment.cut(cap.at_most)
        tightest.setdefault((cap.key, cap.per_shopper), cap._replace(at_most=at_most))
    return list(tightest.values())


def _takings(held: Sequence[Cap]) -> list[Taking]:
    return [Taking(cap.key, int(cap.per_shopper), cap.kind.value, cap.amount) for cap in held]


def _code(connection: Connection, request: PromiseRequest, offer: str, voucher: PlannedVoucher, promise_id: str) -> str | None:
    """Return this promise's code, or None when the pool is empty, or a shared code is promised at another worth.

    A generated code that exists already (once in 10^9) is refused by the table: the promise isn't made, the next move tries again.
    """
    source = voucher.codes
    if source.kind is CodeKind.SINGLE:
        return None if _stands_for_something_else(connection, voucher, request.situation) else source.code
    if source.kind is CodeKind.POOL:
        return vouchers.take_code(connection, offer, promise_id, request.allotment.part, request.allotment.of)
    return request.new_code(source.length)


def _stands_for_something_else(connection: Connection, voucher: PlannedVoucher, situation: Situation) -> bool:
    """Tell whether the code that everybody has is good for another worth now: a till can't know who was promised which.

    One of the promises that stand speaks for all, for none is made that differs. A gift's words hang on the language.
    """
    standing = (*promise_states.OPEN, promise_states.REDEEMED)
    other = promises.with_shared_code(connection, code_key(voucher.codes.code), standing, good_at_s=situation.at_s)
    if other is None:
        return False
    if other.value is not None and "gift" in other.value and other.language != situation.language:
        return voucher.worth.gift is None
    return (other.value, other.terms) != (voucher.worth.as_message(), voucher.terms.as_message())


def _row(request: PromiseRequest, chosen: Chosen, promise_id: str, code: str | None) -> PromiseRecord:
    situation, voucher = request.situation, chosen.voucher
    return PromiseRecord(
        id=promise_id,
        shopper=situation.shopper,
        visit=situation.visit,
        zone=chosen.zone,
        decision=request.decision_id,
        book=request.decision.book_hash,
        offer=chosen.offer,
        kind=chosen.kind,
        language=chosen.language,
        content=_words(chosen.content),
        value=voucher.worth.as_message() if voucher else None,
        terms=voucher.terms.as_message() if voucher else None,
        code=code,
        code_key=None if code is None else code_key(code),
        shared=int(voucher is not None and voucher.codes.kind is CodeKind.SINGLE),
        reward=_reward(chosen.part),
        at_s=situation.at_s,
        expires_at_s=chosen.expires_at,
        ends_at_s=voucher.ends_at if voucher else chosen.expires_at,
        takings=_takings(_held(chosen.caps, request.allotment)),
        spent_cents=0,
        state=promise_states.RESERVED,
        state_at_s=situation.at_s,
    )


def _fallback_row(request: PromiseRequest, chosen: Chosen, promise_id: str) -> PromiseRecord:
    """The fallback's words in the voucher's place: it holds no cap, and ends with its card."""
    assert chosen.fallback is not None
    row = _row(request, chosen, promise_id, None)._replace(kind="content", content=_words(chosen.fallback))
    return row._replace(value=None, terms=None, shared=0, reward=None, ends_at_s=chosen.expires_at, takings=())


def _reward(part: CardPart | None) -> Reward | None:
    earned = part.earned() if part is not None else None
    return None if earned is None else Reward(worth=earned.worth.as_message(), to=earned.by, wait_s=earned.wait_s)


def _words(content: Content) -> dict[str, str]:
    words = {"title": content.title, "body": content.body, "button": content.button, "link": content.link}
    return {name: text for name, text in words.items() if text or name in ("title", "body")}


def _worth(worth: Worth | None) -> dict[str, float | str] | None:
    return worth.as_message() if worth else None


def _note_ghost(connection: Connection, request: PromiseRequest, ghost: Chosen) -> None:
    """A ghost counts as announced in the shopper's history, so that both arms of a test are measured alike; nothing is promised."""
    situation = request.situation
    announced = HappeningRecord(
        None, request.decision_id, situation.shopper, ghost.offer, situation.visit, "announced", situation.at_s
    )
    happenings.note(connection, announced)
