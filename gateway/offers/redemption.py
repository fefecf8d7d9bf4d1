"""Redemption at the till: valid once, answered from the shop's own database, the same to the same question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gateway.offers import codes, states
from gateway.storage import Connection, promises, vouchers
from rules import Happening

Answer = Literal["valid", "already_used", "expired", "unknown", "reversed", "not_redeemed"]


class KeyReused(ValueError):
    """An idempotency key came back with another question; `str()` says what to do."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a till is told, with what was promised. Times in seconds since the epoch."""

    answer: Answer
    code: str
    promise: str | None = None
    offer: str | None = None
    title: str | None = None
    value: dict[str, float | str] | None = None
    ends_at_s: float | None = None
    redeemed_at_s: float | None = None
    """When it was used: now, or that earlier time."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One answer of the till's bell: what it is told, and the happening it brought to whom."""

    redemption: Redemption
    shopper: str | None = None
    happening: Happening | None = None


def redeem(connection: Connection, code: str, till: str, at_s: float, key: str) -> Rung:
    """Use a voucher. Raises KeyReused."""
    before = _asked_before(connection, key, "redeemed", code)
    if before is not None:
        return Rung(before)
    carriers = _carriers(connection, code)
    good = next((row for row in carriers if row.state in states.OPEN and at_s <= row.ends_at_s), None)
    if good is None:
        redemption = _why_not(code, carriers)
        _note(connection, "redeemed", redemption, till, at_s, key)
        return Rung(redemption)
    # A till's clock may be behind; nobody redeems before the promise was made.
    at_s = max(at_s, good.at_s)
    promises.advance(connection, good.id, good.state, states.REDEEMED, at_s)
    happening = Happening(good.offer, "redeemed", at_s, good.visit or "")
    promises.happened(connection, {"promise": good.id, "event_id": f"till:{key}", "shopper": good.shopper, **happening._asdict()})
    redemption = _told("valid", good, redeemed_at_s=at_s)
    _note(connection, "redeemed", redemption, till, at_s, key)
    return Rung(redemption, good.shopper, happening)


def reverse(connection: Connection, code: str, till: str, at_s: float, key: str) -> Rung:
    """Undo a redemption: the voucher is good again until its end. Raises KeyReused."""
    before = _asked_before(connection, key, "reversed", code)
    if before is not None:
        return Rung(before)
    carriers = _carriers(connection, code)
    used = max((row for row in carriers if row.state == states.REDEEMED), key=lambda row: row.state_at_s, default=None)
    if used is None:
        redemption = _told("not_redeemed", carriers[-1]) if carriers else Redemption("unknown", code)
    else:
        promises.advance(connection, used.id, states.REDEEMED, states.REVERSED, at_s)
        redemption = _told("reversed", used)
    _note(connection, "reversed", redemption, till, at_s, key)
    return Rung(redemption)


def _carriers(connection: Connection, code: str) -> Sequence[Any]:
    """The promises with this code: as typed (single codes, pools), or as a generated code forgivingly read."""
    found = promises.with_code(connection, codes.tidy(code))
    read = codes.as_generated(code)
    return found or (promises.with_code(connection, read) if read is not None else [])


def _why_not(code: str, carriers: Sequence[Any]) -> Redemption:
    """Of many promises with one code, a used one says more than an expired one."""
    if not carriers:
        return Redemption("unknown", code)
    used = [row for row in carriers if row.state == states.REDEEMED]
    if used:
        return _told("already_used", used[-1], redeemed_at_s=used[-1].state_at_s)
    return _told("expired", carriers[-1])


def _told(answer: Answer, promise: Any, redeemed_at_s: float | None = None) -> Redemption:
    title = promise.content.get("title")
    return Redemption(answer, promise.code, promise.id, promise.offer, title, promise.value, promise.ends_at_s, redeemed_at_s)


def _asked_before(connection: Connection, key: str, what: str, code: str) -> Redemption | None:
    row = vouchers.asked_before(connection, key)
    if row is None:
        return None
    if row.what != what or row.code != codes.tidy(code):
        raise KeyReused(f"idempotency key {key!r} was used for another request; send a new key with each new request")
    return Redemption(**row.said)


def _note(connection: Connection, what: str, redemption: Redemption, till: str, at_s: float, key: str) -> None:
    vouchers.answered(
        connection,
        {
            "key": key,
            "what": what,
            "promise": redemption.promise,
            "code": codes.tidy(redemption.code),
            "till": till,
            "answer": redemption.answer,
            "at_s": at_s,
            "said": asdict(redemption),
        },
    )
