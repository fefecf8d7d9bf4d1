"""What comes out of the engine: what to promise, what would have been promised, and one reason for every offer in the book."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple


class Gate(StrEnum):
    """The gate that decided about an offer, in the order they are passed. A closed list: reports and texts rely on it."""

    MOMENT = "moment"
    VALIDITY = "validity"
    HOURS = "hours"
    QUIET = "quiet"
    CONSENT = "consent"
    ANSWERED = "answered"
    CONDITION = "condition"
    UNKNOWN = "unknown"
    COOLDOWN = "cooldown"
    LIMIT = "limit"
    EXHAUSTED = "exhausted"
    ATTENTION = "attention"
    YIELDED = "yielded"
    TIER = "tier"
    SILENCE = "silence"
    GROUP = "group"
    RANK = "rank"
    GHOST = "ghost"
    CHOSEN = "chosen"


class Verdict(NamedTuple):
    """Which gate decided about one offer."""

    offer: str
    gate: Gate


@dataclass(frozen=True, slots=True)
class Content:
    """The words as the shopper will read them: language chosen, placeholders filled."""

    title: str
    body: str
    button: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a voucher or reward is worth: exactly one of the three."""

    percent: float | None = None
    amount_cents: int | None = None
    gift: str | None = None
    currency: str = "EUR"
    """Of the amount."""

    def as_message(self) -> dict[str, float | str]:
        """Return the wire's `value`: {"percent": 10}, {"amount": 2.5} (euro; others name their currency) or {"gift": "…"}."""
        if self.percent is not None:
            return {"percent": self.percent}
        if self.amount_cents is not None:
            named = {} if self.currency == "EUR" else {"currency": self.currency}
            return {"amount": self.amount_cents / 100} | named
        return {"gift": self.gift or ""}


class CodeKind(StrEnum):
    """One code for everybody, a list of codes handed out once each, or a new code for every promise."""

    SINGLE = "single"
    POOL = "pool"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Codes:
    """Where a voucher's code comes from. `code` for single, `pool` for pool, `length` (characters) for generated."""

    kind: CodeKind
    code: str = ""
    pool: tuple[str, ...] = ()
    length: int = 8


@dataclass(frozen=True, slots=True)
class BasketTerms:
    """What a basket must fulfil for a voucher to count, as the till is told."""

    minimum_cents: int | None = None
    """The least the basket (or what of it is in `categories`) must come to."""
    categories: tuple[str, ...] = ()
    """Product groups it counts for; none: all."""
    once_per_basket: bool = True
    partial: bool = False
    """An amount that may be spent bit by bit."""
    currency: str = "EUR"

    def as_message(self) -> dict[str, object]:
        """Return the wire's `terms`."""
        terms: dict[str, object] = {"once_per_basket": self.once_per_basket, "partial": self.partial, "currency": self.currency}
        if self.minimum_cents is not None:
            terms["minimum"] = self.minimum_cents / 100
        if self.categories:
            terms["categories"] = list(self.categories)
        return terms


@dataclass(frozen=True, slots=True)
class PlannedVoucher:
    """The voucher to promise; the ledger adds its code. `ends_at` is the last moment it can be redeemed, epoch seconds."""

    worth: Worth
    codes: Codes
    cost_cents: int
    """The most that one redemption costs the shop: what a budget in money counts."""
    ends_at: float
    was_price_source: str = ""
    terms: BasketTerms = BasketTerms()


class CapKind(StrEnum):
    """What a cap counts."""

    ISSUES = "issues"
    REDEMPTIONS = "redemptions"
    BUDGET = "budget_cents"


class Cap(NamedTuple):
    """One counter that the ledger must hold: add `amount` to `key` only while the sum stays at or below `at_most`.

    The key names the scope and, for a calendar window, the window itself, so a new day or month is a new counter. A cap per
    shopper counts that shopper's promises of the offer alone.
    """

    key: str
    kind: CapKind
    at_most: int
    amount: int = 1
    per_shopper: bool = False


class Earned(NamedTuple):
    """What the shopper earns when what they were promised is used by somebody else, and how long that waits."""

    worth: Worth
    by: str
    """What it is earned by: review, share."""
    wait_s: float = 0.0


class CardPart(ABC):
    """What a card holds besides its words. Each kind of offer that has one makes its own, in its module of `format/kinds`."""

    __slots__ = ()
    name: ClassVar[str]
    """Its place in the message contract."""

    @abstractmethod
    def as_message(self) -> dict[str, object]:
        """Return the part on the wire."""

    def choices(self) -> tuple[str, ...]:
        """Return the words of the answers that the shopper may tap."""
        return ()

    def worths(self) -> tuple[Worth, ...]:
        """Return what it gives, where that is more than the voucher's worth."""
        return ()

    def earned(self) -> Earned | None:
        """Return what the shopper earns by it later, if anything."""
        return None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One offer to promise (or, among the ghosts, one that would have been)."""

    offer: str
    kind: str
    category: str | None
    zone: str | None
    language: str
    content: Content
    expires_at: float
    """When the card itself ends, epoch seconds; a voucher has its own `ends_at`."""
    attention: float
    """Tokens that it costs."""
    score: float
    propensity: float
    """The exact probability that a shopper in this situation is made this offer, over test groups and ranker."""
    voucher: PlannedVoucher | None = None
    caps: tuple[Cap, ...] = ()
    fallback: Content | None = None
    """Content to give instead when the ledger finds a cap reached at the moment of promising."""
    fell_back: bool = False
    """True when this already is the content in place of a voucher that can no longer be given."""
    part: CardPart | None = None
    """What the card holds besides its words."""

    def shows(self) -> dict[str, dict[str, object]]:
        """Return what the card shows besides its words, as the message contract names it."""
        return {} if self.part is None else {self.part.name: self.part.as_message()}


class Group(StrEnum):
    """Which arm of the measurement a shopper is in. Without consent to measure nobody is put in one."""

    TREATED = "treated"
    CONTROL = "control"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one shopper at one moment. `verdicts` names every offer of the book, in the book's order."""

    chosen: tuple[Chosen, ...]
    ghosts: tuple[Chosen, ...]
    verdicts: tuple[Verdict, ...]
    book_hash: str
    group: Group
