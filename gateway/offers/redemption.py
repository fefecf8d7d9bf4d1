"""Redemption: a voucher is valid once; answered from the shop's own database, the same to the same question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter

from gateway import promise_states
from gateway.messages import Event, Receipt, TillAnswer
from gateway.offers import codes
from gateway.storage import Connection, happenings, promises, vouchers
from gateway.storage.happenings import HappeningRecord
from gateway.storage.promises import PromiseRecord
from gateway.storage.vouchers import RedemptionRecord
from rules import Happening

What = Literal["redeemed", "reversed"]


class KeyReused(ValueError):
    """An idempotency key came back with another question; `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a till is told, with what was promised. Times in seconds since the epoch."""

    answer: TillAnswer
    code: str
    promise: str | None = None
    offer: str | None = None
    title: str | None = None
    value: Mapping[str, float | str] | None = None
    ends_at_s: float | None = None
    redeemed_at_s: float | None = None
    """When it was used: now, or that earlier time."""


_REDEMPTION = TypeAdapter(Redemption)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a till: what it is told, and the happening it brought to whom."""

    redemption: Redemption
    shopper: str | None = None
    happening: Happening | None = None
    moved: PromiseRecord | None = None
    """The promise that was redeemed, or reversed, just now."""
    again: bool = False
    """The till had asked before: nothing new happened."""
    then: Callable[[], None] | None = None
    """What to do in the line's thread once this is on disk."""


def redeem(connection: Connection, code: str, till: str, at_s: float, key: str) -> Answered:
    """Use a voucher. Raises KeyReused."""
    before = _asked_before(connection, till, key, "redeemed", code)
    if before is not None:
        return Answered(before, again=True)
    good = _carrier(connection, code, promise_states.OPEN, good_at_s=at_s)
    if good is None:
        redemption = _why_not(connection, code)
        _note(connection, "redeemed", code, redemption, till, at_s, key)
        return Answered(redemption)
    at_s = max(at_s, good.at_s)  # a till's clock may be behind; nobody redeems before the promise was made
    promises.advance(connection, good.id, good.state, promise_states.REDEEMED, at_s)
    happening = Happening(good.offer, "redeemed", at_s, good.visit or "")
    happenings.note(connection, HappeningRecord(good.id, f"till:{till}:{key}", good.shopper, **happening._asdict()))
    redemption = _told("valid", good, redeemed_at_s=at_s)
    _note(connection, "redeemed", code, redemption, till, at_s, key)
    return Answered(redemption, good.shopper, happening, moved=good)


def reverse(connection: Connection, code: str, till: str, at_s: float, key: str) -> Answered:
    """Undo a redemption: the voucher is good again until its end. Raises KeyReused."""
    before = _asked_before(connection, till, key, "reversed", code)
    if before is not None:
        return Answered(before, again=True)
    used = _carrier(connection, code, (promise_states.REDEEMED,), latest=True)
    if used is not None:
        promises.advance(connection, used.id, promise_states.REDEEMED, promise_states.REVERSED, at_s)
        redemption = _told("reversed", used)
    else:
        known = _carrier(connection, code, promise_states.EVER_SENT)
        redemption = _told("not_redeemed", known) if known is not None else Redemption("unknown", code)
    _note(connection, "reversed", code, redemption, till, at_s, key)
    return Answered(redemption, moved=used)


def as_receipt(redemption: Redemption, till: str, key: str, source: str) -> Event[Receipt]:
    """A redemption that just happened at the till, as the receipt that the backend would have sent."""
    assert redemption.promise is not None
    assert redemption.redeemed_at_s is not None
    return Event[Receipt](
        id=f"till:{till}:{key}",
        source=source,
        type=Receipt.TYPE,
        time=datetime.fromtimestamp(redemption.redeemed_at_s, UTC),
        data=Receipt(promise=redemption.promise, what="redeemed"),
    )


def _carrier(
    connection: Connection, code: str, among: Collection[str], *, good_at_s: float | None = None, latest: bool = False
) -> PromiseRecord | None:
    """A promise with this code, however it was typed, in one of these states."""
    for reading in codes.readings(code):
        found = promises.with_code(connection, reading, among, good_at_s=good_at_s, latest=latest)
        if found is not None:
            return found
    return None


def _why_not(connection: Connection, code: str) -> Redemption:
    """Of many promises with one code, a used one says more than an ended one."""
    used = _carrier(connection, code, (promise_states.REDEEMED,), latest=True)
    if used is not None:
        return _told("already_used", used, redeemed_at_s=used.state_at_s)
    ended = _carrier(connection, code, promise_states.EVER_SENT)
    return _told("expired", ended) if ended is not None else Redemption("unknown", code)


def _told(answer: TillAnswer, promise: PromiseRecord, redeemed_at_s: float | None = None) -> Redemption:
    title = promise.content.get("title")
    return Redemption(answer, promise.code or "", promise.id, promise.offer, title, promise.value, promise.ends_at_s, redeemed_at_s)


def _asked_before(connection: Connection, till: str, key: str, what: What, code: str) -> Redemption | None:
    row = vouchers.asked_before(connection, till, key)
    if row is None:
        return None
    if row.what != what or row.code != code:
        raise KeyReused(f"key {key!r} of till {till!r} was used for another request; send a new key with each new request")
    return _REDEMPTION.validate_python(row.said)


def _note(connection: Connection, what: What, code: str, redemption: Redemption, till: str, at_s: float, key: str) -> None:
    """Keep the answer with the code as it was asked for."""
    said = RedemptionRecord(till, key, what, redemption.promise, code, redemption.answer, at_s, asdict(redemption))
    vouchers.note_answer(connection, said)
