"""The MQTT contract: a model for every message that crosses the wire, in this one place.

Payloads are CloudEvents 1.0 in structured JSON. `source` + `id` is the idempotency key. Readers ignore fields they don't know, so
fields may be added; a name or a meaning never changes. The JSON Schemas and the AsyncAPI document in docs/ are made from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from gateway.objections import Objection
from gateway.wire_values import (
    Key,
    MessageId,
    Moment,
    NewPseudonym,
    Number,
    Pseudonym,
    Reading,
    TillId,
    Uuid,
    Version,
    Whole,
    Word,
)
from rules.format.schema_parts import CardKind
from rules.texts import Language

Purpose = Literal["recognise", "offers", "purchases", "aftercare", "measure"]
ReceiptWhat = Literal["delivered", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared"]

TillAnswer = Literal["valid", "already_used", "expired", "unknown", "reversed", "not_redeemed"]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    ID_MAX: ClassVar[int] = 128
    """Characters of the id of the event that carries it."""


Data = TypeVar("Data", bound=Message)


class Event(Message, Generic[Data]):
    """The CloudEvents envelope around every payload."""

    specversion: Literal["1.0"]
    id: MessageId
    source: MessageId
    type: str
    time: Moment
    data: Data


AnyEvent = Event[Any]
"""An event of a type that is known only once it is read: pydantic's models are invariant, so there is no bound to name."""


# ---- who: from the backend -------------------------------------------------------------------------------------------------


class StaticBeacon(Message):
    """A tag, a fob or an older app that always says the same."""

    uuid: Uuid
    major: Whole = Field(ge=0, le=0xFFFF)
    minor: Whole = Field(ge=0, le=0xFFFF)


class RotatingBeacon(Message):
    """A phone that changes its major and minor every quarter of an hour by a key it shares with the shop."""

    uuid: Uuid
    key: Key = Field(description="16 bytes as 32 hex digits.")


class Identity(Message):
    """How a shopper's phone or tag is recognised: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["beacon"], "properties": {"beacon": {"type": "object"}, "rotating": {"type": "null"}}},
                {"required": ["rotating"], "properties": {"rotating": {"type": "object"}, "beacon": {"type": "null"}}},
            ]
        }
    )
    beacon: StaticBeacon | None = None
    rotating: RotatingBeacon | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Identity:
        if (self.beacon is None) == (self.rotating is None):
            raise ValueError("give either beacon or rotating")
        return self


class ConsentText(Message):
    text: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(description="Version of the wording agreed to.")
    channel: Word = Field("app", description="Where the yes was given: app, desk, web.")


class OptInGiven(Message):
    """A shopper said yes, to these purposes. The event's `time` is the moment of that decision."""

    TYPE: ClassVar = "etalage.optin.given"
    shopper: NewPseudonym = Field(
        description="A pseudonym of the backend's own making. An e-mail address has characters it can't have; 9 to 15 "
        "digits alone, however parted, are refused as a telephone or customer number. Whether it is a name, no program "
        "can tell: send none."
    )
    version: Version
    purposes: list[Purpose] = Field(min_length=1, max_length=5)
    language: str = Field(
        "nl",
        min_length=1,
        max_length=35,
        description="What the shopper reads: nl or en. With any other they get nl, and the reply says so.",
    )
    identity: Identity
    consent: ConsentText


class ConsentGiven(Message):
    """A shopper said yes at the box, to these purposes and no others. The event's `time` is the moment of that decision."""

    TYPE: ClassVar = "etalage.consent.given"
    shopper: Pseudonym
    follows: int = Field(ge=0, description="Version of the latest decision that was known here before; 0: none was.")
    purposes: list[str]
    language: str
    text: str = Field(description="Version of the wording agreed to.")
    channel: Word = Field(description="Where it was said: desk, page.")


class ConsentWithdrawn(Message):
    """A shopper said no at the box: everything about them is erased here. The event's `time` is the moment of that decision."""

    TYPE: ClassVar = "etalage.consent.withdrawn"
    shopper: Pseudonym
    follows: int = Field(ge=0, description="Version of the latest decision that was known here before; 0: none was.")


class OptInWithdrawn(Message):
    """A shopper said no more. The event's `time` is the moment of that decision; whatever it is, it is taken."""

    TYPE: ClassVar = "etalage.optin.withdrawn"
    shopper: Pseudonym
    version: Version


_ATTRIBUTE = TypeAdapter[object](bool | int | float | Annotated[str, StringConstraints(max_length=200)] | list[Word])
AttributeValue = Annotated[JsonValue, WithJsonSchema(_ATTRIBUTE.json_schema())]
"""What an attribute may be. One that is something else is left out of its profile by itself."""
Affinity = Annotated[JsonValue, WithJsonSchema({"type": "number", "minimum": 0})]


class Profile(Message):
    """What the backend knows of a shopper that a rule may read. A part that doesn't fit is left out, and the reply says so."""

    TYPE: ClassVar = "etalage.profile"
    shopper: Pseudonym
    version: Version
    attributes: dict[str, AttributeValue] = Field(default_factory=dict, max_length=200)
    affinities: dict[str, Affinity] = Field(
        default_factory=dict,
        max_length=1000,
        description="Offer id to a factor: 0 or more, 1 is neutral. Beside offers that are named, one that isn't counts as 0.8.",
    )


# ---- what was promised: to the backend -------------------------------------------------------------------------------------


class VoucherTerms(Message):
    """What a basket must fulfil for a voucher to count; the till applies it."""

    minimum: float | None = Field(None, description="The least that the basket, or what of it is in `categories`, must come to.")
    categories: list[str] = Field(default_factory=list, description="Product groups it counts for; none: all.")
    once_per_basket: bool = Field(True, description="At most one such voucher in a basket.")
    partial: bool = Field(False, description="An amount that may be spent bit by bit: tell the till's `amount` each time.")
    currency: str = Field("EUR", description="Of `minimum` and of an amount (ISO 4217).")


class Voucher(Message):
    """What the till honours."""

    code: str
    value: dict[str, float | str] = Field(description="One of percent, amount (euro, unless `currency` is there), gift.")
    terms: VoucherTerms = Field(default_factory=VoucherTerms)
    ends_at: Moment


class QuestionCard(Message):
    """What a question card asks: the attribute an answer fills, and the answers with their words."""

    attribute: Word
    answers: dict[str, str]
    valid_for_s: float


class ProofSource(Message):
    """Where a social proof comes from; `people` is how many stand behind it."""

    type: Word
    source: str
    people: int | None = None


class InvitationTerms(Message):
    """What an invitation is to (review, share), what its shopper gets when it is used, and what the friend gets."""

    to: Word
    reward: dict[str, float | str] | None = None
    friend: dict[str, float | str] | None = None


class OfferPromised(Message):
    """The announcement of a promise. What it says here is what is honoured."""

    TYPE: ClassVar = "etalage.offer.promised"
    promise: MessageId
    shopper: Pseudonym
    offer: Word
    kind: CardKind
    zone: str | None
    decision: MessageId
    language: Language
    content: dict[str, str]
    voucher: Voucher | None = None
    question: QuestionCard | None = None
    proof: ProofSource | None = None
    invitation: InvitationTerms | None = None
    expires_at: Moment


class OfferWithdrawn(Message):
    """A promise that was certainly never shown, and is released."""

    TYPE: ClassVar = "etalage.offer.withdrawn"
    promise: MessageId
    shopper: Pseudonym
    reason: Literal["consent_withdrawn", "expired_unsent"]
    recalled: bool = Field(
        False, description="The shop took a wrong offer back in time; `reason` is expired_unsent then, which all readers know."
    )


class OfferRedeemed(Message):
    """A promise was used at a till in the shop. The event's `time` is when; what the backend itself told is not told back."""

    TYPE: ClassVar = "etalage.offer.redeemed"
    promise: MessageId
    shopper: Pseudonym
    offer: Word
    till: str


class OfferReversed(OfferRedeemed):
    """That purchase was undone: the promise is good again until its end."""

    TYPE: ClassVar = "etalage.offer.reversed"


class StaffCall(Message):
    """Help is wanted in a zone."""

    TYPE: ClassVar = "etalage.staff.called"
    promise: MessageId
    zone: str | None
    content: dict[str, str]


# ---- what came of it: from the backend -------------------------------------------------------------------------------------


class Receipt(Message):
    """What happened to a promise. The event's `time` is when."""

    TYPE: ClassVar = "etalage.receipt"
    promise: MessageId
    what: ReceiptWhat
    answer: Word | None = Field(None, description="For a question card: the answer that was tapped.")
    products: list[Word] = Field(default_factory=list, max_length=100, description="For a purchase: product groups bought.")
    by: Pseudonym | None = Field(None, description="Who used it, where that is known: nobody is rewarded for themselves.")


# ---- what is bought: from tills and the backend ----------------------------------------------------------------------------


class PurchaseLine(Message):
    """One line of a receipt."""

    line: MessageId = Field(description="Its name within the purchase, the same in a return.")
    group: Word = Field(description="Product group, as rules name it.")
    cents: Whole = Field(ge=0, le=100_000_000, description="What was paid for it.")


class Purchase(Message):
    """A shopper bought something, with or without an offer. The event's `time` is when."""

    TYPE: ClassVar = "etalage.purchase"
    purchase: MessageId
    shopper: Pseudonym
    lines: list[PurchaseLine] = Field(min_length=1, max_length=500)
    version: Version = Field(description="Raised with each correction of the lines.")


class PurchaseReturned(Message):
    """Something of a purchase was given back. Cumulative: it says what remains, and of each line the lowest ever said counts."""

    TYPE: ClassVar = "etalage.purchase.returned"
    purchase: MessageId
    lines: list[PurchaseLine] = Field(max_length=500, description="What remains; of a line that isn't named, nothing.")


# ---- at the till: from tills -----------------------------------------------------------------------------------------------


class RedemptionAsked(Message):
    """A till has a code in hand. The event's `id` is the till's own key, at most 64 characters; its `time` is when it happened."""

    TYPE: ClassVar = "etalage.redemption.asked"
    ID_MAX: ClassVar = 64
    till: TillId = Field(description="As in the topic.")
    code: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="As scanned or typed; small letters, missing hyphens are forgiven."
    )
    what: Literal["redeem", "reverse"] = Field("redeem", description="reverse undoes a redemption.")
    amount: Number | None = Field(
        None,
        gt=0,
        le=100_000,
        description="How much of a voucher with `terms.partial` is spent, or comes back; none: all of it.",
    )
    shopper: Pseudonym | None = Field(
        None, description="Whose basket it is, where the till knows: nobody is rewarded for themselves."
    )


class RedemptionAnswer(Message):
    """What the till does with it, and what was promised."""

    answer: TillAnswer
    code: str
    promise: str | None = None
    offer: str | None = None
    title: str | None = Field(None, description="As the shopper read it.")
    value: dict[str, float | str] | None = Field(
        None, description="One of percent, amount (euro, unless `currency` is there), gift."
    )
    terms: VoucherTerms | None = Field(None, description="What the basket must fulfil.")
    amount: float | None = Field(None, description="Of an amount spent bit by bit: how much was spent, or came back, just now.")
    left: float | None = Field(None, description="And how much of it is left.")
    ends_at: Moment | None = None
    redeemed_at: Moment | None = Field(None, description="When it was used: now, or that earlier time.")


# ---- sightings from elsewhere ----------------------------------------------------------------------------------------------


class SightingsBatch(Message):
    """Receptions from another scanner; none at all is a sign of life. Key: scanner + boot + sequence number."""

    TYPE: ClassVar = "etalage.sightings"
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"scanner": {"const": "app"}}},
            "then": {"required": ["shopper"], "properties": {"shopper": {"type": "string"}}},
            "else": {"properties": {"shopper": {"type": "null"}}},
        }
    )
    scanner: Word
    sequence: Whole = Field(ge=0, lt=1 << 63)
    boot: Word | None = Field(None, description="Another one after each start of the scanner: its sequence may then begin anew.")
    shopper: Pseudonym | None = Field(
        None, description="Set when this shopper's phone did the hearing: the beacons are then the shop's fixed ones."
    )
    readings: list[Reading] = Field(max_length=1000, description="[epoch seconds, beacon id as 40 hex digits, dBm].")


# ---- everything again ------------------------------------------------------------------------------------------------------


class SyncRequest(Message):
    """Ask for all opt-ins and profiles again, from a cursor on."""

    TYPE: ClassVar = "etalage.sync.request"
    gateway: Word
    cursor: str | None = None


class SyncPage(Message):
    """One page of the answer: events as they would have come one by one, at most 64 KB. `next` None: this was the last."""

    TYPE: ClassVar = "etalage.sync.page"
    events: list[dict[str, object]] = Field(max_length=500)
    next: str | None = None


# ---- answers, state and figures --------------------------------------------------------------------------------------------


class Refusal(Message):
    """One reason why a message, or a part of it, was not taken."""

    path: str
    code: Word
    text: str


class Reply(Message):
    """Accepted, or refused with reasons. A taken message may carry reasons for the parts that were left out.

    A till's come on `replies/<till>`; to an MQTT 5 sender they come on the response topic, where that is one below `replies/`.
    """

    TYPE: ClassVar = "etalage.reply"
    accepted: str | None = None
    refused: str | None = None
    reasons: list[Refusal] = Field(default_factory=list)
    redemption: RedemptionAnswer | None = Field(None, description="To a till: what to do with the code.")

    @model_serializer(mode="wrap")
    def _only_what_is_said(self, plain: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in plain(self).items() if value}


class Status(Message):
    """Birth and last will of a gateway."""

    TYPE: ClassVar = "etalage.gateway.status"
    state: Literal["online", "offline"]
    boot: str
    version: str
    health: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Occupancy(Message):
    """How many opted-in people are in a zone; `count` None with `fewer_than` k where it would tell too much."""

    TYPE: ClassVar = "etalage.zone.occupancy"
    zone: str
    count: int | None
    fewer_than: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an inbound message: whether it was taken, and why parts were refused."""

    refusals: tuple[Objection, ...] = ()
    taken: bool = True
    redemption: RedemptionAnswer | None = None
    """What a till is answered."""


# ---- where each of them travels --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic, after `etalage/v1/<chain>/<store>/`; a part in braces stands for an id."""

    topic: str
    publisher: Literal["gateway", "backend", "scanner", "till"]
    messages: tuple[type[Message], ...]
    qos: Literal[0, 1] = 1
    retained: bool = False


CHANNELS = (
    Channel("offers", "gateway", (OfferPromised,)),
    Channel("offers/withdrawn", "gateway", (OfferWithdrawn,)),
    Channel("offers/redeemed", "gateway", (OfferRedeemed, OfferReversed)),
    Channel("receipts", "backend", (Receipt,)),
    Channel("optins", "backend", (OptInGiven, OptInWithdrawn)),
    Channel("optins/told", "gateway", (ConsentGiven, ConsentWithdrawn)),
    Channel("profiles", "backend", (Profile,)),
    Channel("sync/request", "gateway", (SyncRequest,)),
    Channel("sync/pages/{gateway}", "backend", (SyncPage,)),
    Channel("sightings/{scanner}", "scanner", (SightingsBatch,)),
    Channel("redemptions/{till}", "till", (RedemptionAsked,)),
    Channel("purchases/{till}", "till", (Purchase, PurchaseReturned)),
    Channel("replies", "gateway", (Reply,)),
    Channel("replies/{till}", "gateway", (Reply,)),
    Channel("staff", "gateway", (StaffCall,)),
    Channel("gateways/{gateway}/status", "gateway", (Status,), retained=True),
    Channel("zones/{zone}/occupancy", "gateway", (Occupancy,), qos=0, retained=True),
)
