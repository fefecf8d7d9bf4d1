"""Take in what comes about a shopper, inside the writer's transaction: read, checked against consent and books, written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from gateway.messages import AnyEvent, Event, Message, OptInGiven, Profile, Receipt
from gateway.objections import Objection
from gateway.shoppers import attention
from gateway.shoppers.attention import Bucket, Rates
from gateway.shoppers.consent import ConsentDecision, as_received
from gateway.shoppers.facts import restage
from gateway.shoppers.identities import BeaconIdentity
from gateway.shoppers.optins import identity_of
from gateway.shoppers.profiles import DeclaredAttributes, answer_value
from gateway.storage import Connection, consents, journey, profiles, promises
from gateway.storage.journey import VisitRecord
from rules.texts import LANGUAGES, N_

COUNTS_AS: Mapping[str, str] = MappingProxyType(
    {
        "tapped": "engaged",
        "redeemed": "redeemed",
        "dismissed": "dismissed",
        "purchased": "purchased",
        "reviewed": "reviewed",
        "shared": "shared",
    }
)
"""What of a receipt counts on the journey; delivered and shown are no doing of the shopper's."""

SHARED_ID = Objection(
    "data.identity.beacon", "shared_id", N_("this beacon id is another shopper's too, so it recognises nobody; use another tag")
)

LANGUAGE_OTHERWISE = LANGUAGES[0]
UNKNOWN_LANGUAGE = Objection(
    "data.language",
    "unknown_language",
    N_("not spoken here; the shopper will read {language}"),
    {"language": LANGUAGE_OTHERWISE.value},
)
AHEAD_MAX_S = 600.0
"""Clocks that are fast by this much are common, and what they stamp counts as now. A later stamp would outlast all that comes."""

Sent = TypeVar("Sent", bound=Message)
Change = Callable[[Bucket, Rates, float], Bucket]
_ATTENTION: Mapping[str, Change] = MappingProxyType(
    {
        "engaged": attention.engaged,
        "redeemed": attention.engaged,
        "purchased": attention.engaged,
        "reviewed": attention.engaged,
        "shared": attention.engaged,
        "dismissed": attention.dismissed,
    }
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a receipt changed for a shopper."""

    shopper: str
    at_s: float
    refusals: tuple[Objection, ...] = ()
    attention: Change | None = None
    bought: frozenset[str] = frozenset()
    facts: bool = False
    """True: what a rule may read of the shopper may be another thing now."""


def from_the_future(event: AnyEvent, now_s: float, *, trusted: bool) -> Objection | None:
    """Return a refusal for a message from further ahead than a clock that is a little fast; none while our own time is in doubt."""
    if not trusted or event.time.timestamp() <= now_s + AHEAD_MAX_S:
        return None
    return Objection("time", "from_the_future", N_("this lies in the future; set the sender's clock and send it again"))


def in_time(event: Event[Sent], now_s: float) -> Event[Sent]:
    """Return the message as it counts: what lies ahead of now happens now."""
    return event if event.time.timestamp() <= now_s else event.model_copy(update={"time": datetime.fromtimestamp(now_s, UTC)})


def read_optin(event: Event[OptInGiven], now_s: float) -> tuple[ConsentDecision, BeaconIdentity, tuple[Objection, ...]]:
    """Return the decision and identity of an opt-in, with what was left out of it."""
    data = event.data
    spoken = next((language for language in LANGUAGES if language == data.language.split("-")[0].lower()), None)
    decision = ConsentDecision(
        event.time.timestamp(),
        data.version,
        frozenset(data.purposes),
        spoken or LANGUAGE_OTHERWISE,
        text=data.consent.text,
        channel=data.consent.channel,
    )
    return as_received(decision, now_s), identity_of(data.identity), () if spoken else (UNKNOWN_LANGUAGE,)


def profile(connection: Connection, event: Event[Profile], declared: DeclaredAttributes) -> tuple[bool, tuple[Objection, ...]]:
    """Keep of a profile what may be kept: (taken, what was left out and why). An earlier version changes nothing.

    The same version is read again: a synchronisation brings it when other books keep other parts of it.
    """
    data = event.data
    standing = consents.find(connection, data.shopper)
    if standing is None:
        return False, (
            Objection("data.shopper", "no_consent", N_("no consent of this shopper stands here; send the opt-in first")),
        )
    if data.version < profiles.version(connection, data.shopper):
        return True, ()
    purposes = standing.purposes
    kept, left_out = declared.sift(data.attributes, data.affinities, purposes)
    profiles.replace(connection, data.shopper, data.version, event.time.timestamp(), kept)
    return True, tuple(left_out)


def objection(connection: Connection, event: Event[Receipt]) -> Objection | None:
    """Return why a receipt may not be taken at all: it tells of a purchase, and the shopper did not consent to that."""
    if event.data.what != "purchased":
        return None
    promise = promises.find(connection, event.data.promise)
    if promise is None or promise.shopper is None or consents.allows(connection, promise.shopper, "purchases"):
        return None
    return Objection("data.what", "no_consent", N_("the shopper did not consent to the use of purchases; nothing was kept"))


def receipt(connection: Connection, event: Event[Receipt], declared: DeclaredAttributes, rates: Rates) -> Effect | None:
    """Count a receipt on the journey of whom the promise was made to; None when it is nobody's (any more)."""
    data = event.data
    promise = promises.find(connection, data.promise)
    if promise is None or promise.shopper is None:
        return None
    shopper, standing = promise.shopper, consents.find(connection, promise.shopper)
    if standing is None:
        return None
    purposes = standing.purposes
    at_s = max(event.time.timestamp(), promise.at_s)
    what, change = COUNTS_AS.get(data.what), None
    needed = {"recognise", "purchases" if what == "purchased" else "offers"}
    if what is not None and needed <= purposes and journey.add_event(connection, shopper, _key(event), what, at_s):
        change = _ATTENTION[what]
        _change(connection, shopper, change, rates, at_s)
        restage(connection, shopper, at_s)
    refusals: tuple[Objection, ...] = ()
    if data.answer is not None:
        refusals = _answer(connection, shopper, promise.offer, data.answer, purposes, declared, at_s)
    bought = frozenset(data.products) if data.what == "purchased" and "purchases" in purposes else frozenset()
    facts = change is not None or data.answer is not None or data.what == "redeemed"
    return Effect(shopper, at_s, refusals, change, bought, facts)


def _key(event: Event[Receipt]) -> str:
    return f"{event.source}/{event.id}"


def _answer(
    connection: Connection,
    shopper: str,
    offer: str,
    answer: str,
    purposes: frozenset[str],
    declared: DeclaredAttributes,
    at_s: float,
) -> tuple[Objection, ...]:
    """Keep an answer as a declared attribute with an end, or say why not."""
    asked = declared.questions.get(offer)
    if asked is None:
        return (Objection("data.answer", "unread", N_("the live rule book no longer asks this, so it is not collected")),)
    if asked.field.name not in declared.readable(purposes):
        return (Objection("data.answer", "no_consent", N_("the shopper did not consent to the answer's purpose")),)
    value = answer_value(asked, answer)
    if value is None:
        return (
            Objection(
                "data.answer",
                "wrong_value",
                N_("the card has no such answer; it has {answers}"),
                {"answers": ", ".join(sorted(asked.answers))},
            ),
        )
    profiles.answer(connection, shopper, asked.field.name, value, at_s, at_s + asked.valid_for_s)
    return ()


def draw(connection: Connection, shopper: str, tokens: float, rates: Rates, at_s: float) -> None:
    """Write down what offers cost a shopper's attention."""
    if consents.allows(connection, shopper, "offers"):
        _change(connection, shopper, lambda bucket, by, now_s: attention.spent(bucket, by, tokens, now_s), rates, at_s)


def visit_over(connection: Connection, visit: VisitRecord) -> None:
    """Keep a finished visit of somebody who still wants to be recognised."""
    if consents.allows(connection, visit.shopper, "recognise") and journey.add_visit(connection, visit):
        restage(connection, visit.shopper, visit.ended_at_s, visits_more=1)


def _change(connection: Connection, shopper: str, change: Change, rates: Rates, at_s: float) -> None:
    stored = journey.bucket(connection, shopper)
    before = Bucket(*stored) if stored is not None else attention.full(rates, at_s)
    after = change(before, rates, at_s)
    journey.put_bucket(connection, shopper, after.tokens, after.at_s)
