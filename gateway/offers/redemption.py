"""Redemption: a voucher is valid once; answered from the shop's own database, the same to the same question.

A code of one's own finds one promise, and what is judged is that promise's own end: a state that a wrong clock wrote takes nothing
away. A code that everybody has finds any promise that has it: a till can't tell their holders apart, so it is good until the last
of them has ended, however often it was used, and nobody is turned away because somebody was quicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter

from gateway import promise_states
from gateway.messages import Event, Receipt, TillAnswer
from gateway.offers import codes
from gateway.storage import Connection, caps, happenings, promises, vouchers
from gateway.storage.happenings import HappeningRecord
from gateway.storage.promises import PromiseRecord
from gateway.storage.vouchers import RedemptionRecord
from rules import CapKind, Happening

Noted = Literal["redeemed", "reversed"]


class KeyReused(ValueError):
    """An idempotency key came back with another question; `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class TillRequest:
    """A till's request; `key` is its own id of it: asked again, it is told the same, and nothing happens twice."""

    what: Literal["redeem", "reverse"]
    code: str
    till: str
    at_s: float
    key: str
    amount_cents: int | None = None
    """How much of an amount that may be spent bit by bit; None: all of it."""
    shopper: str | None = None
    """Whose basket it is, where the till knows."""
    now_s: float | None = None
    """When it is handled, by the box's trusted time; None: when it happened."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a till is told, with what was promised. Times in seconds since the epoch, amounts in euro."""

    answer: TillAnswer
    code: str
    promise: str | None = None
    offer: str | None = None
    title: str | None = None
    value: Mapping[str, float | str] | None = None
    terms: Mapping[str, object] | None = None
    amount: float | None = None
    """Of an amount spent bit by bit: how much was spent, or came back, just now."""
    left: float | None = None
    ends_at_s: float | None = None
    redeemed_at_s: float | None = None
    """When it was used: now, or that earlier time."""


_REDEMPTION = TypeAdapter(Redemption)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a till: what it is told, and what it brought to whom, or took back."""

    redemption: Redemption
    shopper: str | None = None
    happening: Happening | None = None
    undone: tuple[HappeningRecord, ...] = ()
    moved: PromiseRecord | None = None
    """The promise that was redeemed, or reversed, just now, as it was before."""
    again: bool = False
    """The till had asked before: nothing new happened."""


def redeem(connection: Connection, request: TillRequest) -> Answered:
    """Use a voucher. Raises KeyReused."""
    before = _asked_before(connection, request)
    if before is not None:
        return Answered(before, again=True)
    promise = _find(connection, request.code, request.at_s)
    if promise is None:
        return _noted(connection, request, Answered(Redemption("unknown", request.code)))
    at_s = max(request.at_s, promise.at_s)  # a till's clock may be behind; nobody redeems before the promise was made
    shared_again = promise.shared and promise.state == promise_states.REDEEMED
    if promise.state == promise_states.REDEEMED and not shared_again:
        return _noted(connection, request, Answered(_told("already_used", promise, redeemed_at_s=promise.state_at_s)))
    if at_s > promise.ends_at_s or _is_done_with(promise, request):
        return _noted(connection, request, Answered(_told("expired", promise)))
    if shared_again:
        return _noted(connection, request, Answered(_told("valid", promise, redeemed_at_s=at_s)))
    spent_cents = _use(connection, promise, request, at_s)
    happening = Happening(promise.offer, "redeemed", at_s, promise.visit or "")
    happenings.note(connection, HappeningRecord(promise.id, event_id(request), promise.shopper, **happening._asdict()))
    told = _told("valid", promise, spent_cents, at_s)
    return _noted(connection, request, Answered(told, promise.shopper, happening, moved=promise))


def reverse(connection: Connection, request: TillRequest) -> Answered:
    """Undo a redemption, or a part of it: the voucher is good again until its end. Raises KeyReused."""
    before = _asked_before(connection, request)
    if before is not None:
        return Answered(before, again=True)
    promise = _find(connection, request.code, request.at_s, used=True)
    if promise is None:
        return _noted(connection, request, Answered(Redemption("unknown", request.code)))
    if promise.state != promise_states.REDEEMED and promise.spent_cents == 0:
        return _noted(connection, request, Answered(_told("not_redeemed", promise)))
    back_cents = min(promise.spent_cents, request.amount_cents or promise.spent_cents)
    if promise.state == promise_states.REDEEMED:
        promises.advance(connection, promise.id, promise_states.REDEEMED, promise_states.REVERSED, request.at_s)
    left_spent_cents = promise.spent_cents - back_cents
    if back_cents:
        promises.spend(connection, promise.id, left_spent_cents)
    undone: list[HappeningRecord] = []
    if left_spent_cents == 0:  # nothing of it stands any more
        undone = happenings.take_back(connection, promise.id, "redeemed")
    told = _told("reversed", promise, left_spent_cents)
    return _noted(connection, request, Answered(told, promise.shopper, undone=tuple(undone), moved=promise))


def event_id(request: TillRequest) -> str:
    """Return the id of a redemption at a till, as if it were a receipt's."""
    return f"till:{request.till}:{request.key}"


def as_receipt(redemption: Redemption, request: TillRequest, source: str) -> Event[Receipt]:
    """Return a redemption that just happened at the till, as the receipt that the backend would have sent."""
    assert redemption.promise is not None
    assert redemption.redeemed_at_s is not None
    return Event[Receipt](
        specversion="1.0",
        id=event_id(request),
        source=source,
        type=Receipt.TYPE,
        time=datetime.fromtimestamp(redemption.redeemed_at_s, UTC),
        data=Receipt(promise=redemption.promise, what="redeemed"),
    )


def _is_done_with(promise: PromiseRecord, request: TillRequest) -> bool:
    """Tell whether a promise expired rightly: a state that is dated later than now was written by a clock that was wrong."""
    now_s = request.at_s if request.now_s is None else request.now_s
    return promise.state == promise_states.EXPIRED and promise.state_at_s <= now_s


def _use(connection: Connection, promise: PromiseRecord, request: TillRequest, at_s: float) -> int:
    """Move a promise on for what is used of it; how much of its amount is spent then, in cents."""
    total_cents = amount_cents(promise)
    spent_cents = total_cents
    if request.amount_cents is not None and is_partial(promise):
        spent_cents = min(total_cents, promise.spent_cents + request.amount_cents)
    state = promise_states.REDEEMED if spent_cents >= total_cents else promise_states.after(promise.state, "shown")
    if promise.state == promise_states.EXPIRED:  # by a clock that was wrong: it holds its share of the caps again
        caps.take_again(connection, [taking for taking in promise.takings if taking[2] != CapKind.ISSUES], promise.shopper)
        state = state if state == promise_states.REDEEMED else promise_states.SHOWN
    if state != promise.state:
        promises.advance(connection, promise.id, promise.state, state, at_s)
    if is_partial(promise):
        promises.spend(connection, promise.id, spent_cents)
    return spent_cents


def is_partial(promise: PromiseRecord) -> bool:
    """Tell whether a promise is an amount that may be spent bit by bit."""
    return bool(promise.terms and promise.terms.get("partial")) and amount_cents(promise) > 0


def amount_cents(promise: PromiseRecord) -> int:
    """Return the amount of a promise; 0 where it is a percentage or a gift."""
    amount = (promise.value or {}).get("amount", 0)
    return round(float(amount) * 100)


def _find(connection: Connection, code: str, at_s: float, *, used: bool = False) -> PromiseRecord | None:
    """The promise that a code stands for, however it was typed; of one that everybody has, the one that says most.

    That is one that is good, else one that was used and not ended, else any. `used`: the one that was used last.
    """
    keys = codes.readings(code)
    for key in keys:
        own = promises.with_own_code(connection, key)
        if own is not None and own.state != promise_states.WITHDRAWN:
            return own
    for key in keys:
        if used:
            found = promises.with_shared_code(connection, key, (promise_states.REDEEMED,), latest=True)
        else:
            found = promises.with_shared_code(connection, key, promise_states.OPEN, good_at_s=at_s)
        found = found or promises.with_shared_code(connection, key, (promise_states.REDEEMED,), good_at_s=at_s)
        found = found or promises.with_shared_code(connection, key, promise_states.EVER_SENT)
        if found is not None:
            return found
    return None


def _told(
    answer: TillAnswer, promise: PromiseRecord, spent_cents: int | None = None, redeemed_at_s: float | None = None
) -> Redemption:
    partial = is_partial(promise)
    now_spent_cents = promise.spent_cents if spent_cents is None else spent_cents
    return Redemption(
        answer,
        promise.code or "",
        promise.id,
        promise.offer,
        promise.content.get("title"),
        promise.value,
        promise.terms,
        amount=abs(now_spent_cents - promise.spent_cents) / 100 if partial and spent_cents is not None else None,
        left=(amount_cents(promise) - now_spent_cents) / 100 if partial else None,
        ends_at_s=promise.ends_at_s,
        redeemed_at_s=redeemed_at_s,
    )


def _asked_before(connection: Connection, request: TillRequest) -> Redemption | None:
    row = vouchers.asked_before(connection, request.till, request.key)
    if row is None:
        return None
    if row.what != _noted_as(request) or row.code != request.code:
        raise KeyReused(
            f"key {request.key!r} of till {request.till!r} was used for another request; send a new key with each new request"
        )
    return _REDEMPTION.validate_python(row.said)


def _noted(connection: Connection, request: TillRequest, answered: Answered) -> Answered:
    """Keep the answer with the code as it was asked for."""
    redemption = answered.redemption
    said = asdict(redemption)
    noted = RedemptionRecord(
        request.till,
        request.key,
        _noted_as(request),
        redemption.promise,
        request.code,
        redemption.answer,
        request.at_s,
        said,
    )
    vouchers.note_answer(connection, noted)
    return answered


def _noted_as(request: TillRequest) -> Noted:
    return "redeemed" if request.what == "redeem" else "reversed"
