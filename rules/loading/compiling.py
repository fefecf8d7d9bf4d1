"""From an offer as written to a rule that decides: its condition a closure, its times numbers, its words templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from zoneinfo import ZoneInfo

from rules.decision import CapKind, CodeKind, Codes
from rules.engine.evaluate import SHOP, LimitRule, compile_tests
from rules.engine.ranking import Candidate
from rules.engine.rule import CapRule, Rule, Trigger
from rules.format import document
from rules.format.conditions import All, Compare, IsKnown, Node, Vocabulary, parse
from rules.format.dates import parse_end, parse_moment
from rules.format.fields import affinity_field
from rules.format.kinds import KINDS
from rules.format.kinds.kind import Giving
from rules.format.kinds.voucher import WORKED_OUT
from rules.format.schema_parts import Caps, CodesPart
from rules.format.templates import PLACEHOLDERS, CardTemplate, card_templates, placeholders_of
from rules.loading.offer_checks import ADULT
from rules.texts import Language, in_each

LONGEST_WINDOW_S = 32 * 86_400.0
"""No calendar window is longer: a month, with an hour for the clocks."""


def compile_rule(index: int, offer: document.Offer, book: document.Document, words: Vocabulary, zone: ZoneInfo) -> Rule:
    """The rule of an offer that passed the checks. Raises BookError for its conditions."""
    shown = card_templates(offer.content)
    instead = card_templates(offer.fallback) if offer.fallback else None
    node = _whole_condition(offer, shown, instead, words)
    own = _limits(offer.id, "limits", offer.limits)
    voucher_limits = tuple(limit for limit in own if not limit.per_visit)
    once = LimitRule(offer.id, "seen", offer.per_visit, True, math.inf, None, "per_visit")
    cooldowns = _cooldowns(offer.cooldown)
    kind = KINDS[offer.kind]
    giving, asks = kind.gives(offer.section), kind.asks(offer.section)
    voucher_until_s = _voucher_until_s(giving, zone)
    asked_purpose = words.fields[asks.attribute].purpose if asks is not None else None
    return Rule(
        index=index,
        offer=offer,
        triggers=tuple(_trigger(moment) for moment in offer.at),
        node=node,
        tests=compile_tests(node),
        from_s=-math.inf if offer.from_ is None else _written(parse_moment(offer.from_, zone)),
        until_s=min(math.inf if offer.until is None else _written(parse_end(offer.until, zone)), voucher_until_s),
        voucher_until_s=voucher_until_s,
        limits=(once, *(limit for limit in own if limit.per_visit)),
        shared_limits=_shared_limits(offer, book),
        voucher_limits=voucher_limits,
        cooldowns=cooldowns,
        looks_back_s=max([seconds for _, seconds in cooldowns] + [_window_s(limit) for limit in voucher_limits], default=0.0),
        caps=_all_caps(offer, book),
        yields_to=frozenset(offer.yields_to),
        asks=asks,
        purposes=frozenset(filter(None, (offer.purpose, asked_purpose))),
        always_made=offer.always_made or kind.for_staff,
        cards=shown,
        fallback=instead,
        worth=in_each(partial(giving.worth.worth, currency=book.currency)) if giving else None,
        codes=_codes(giving.codes) if giving else None,
        giving=giving,
        cost_cents=cost_cents(offer),
        id=offer.id,
        family=f"{offer.category}/{offer.group}",
        tier=offer.tier,
        attention=offer.attention,
        affinity=affinity_field(offer.id),
        candidate=Candidate(offer.id, offer.priority, 1.0),
    )


def _whole_condition(
    offer: document.Offer,
    shown: Mapping[Language, CardTemplate],
    instead: Mapping[Language, CardTemplate] | None,
    words: Vocabulary,
) -> Node:
    """The written condition and what the offer's kind and words ask besides."""
    parts: list[Node] = []
    if offer.if_ is not None:
        parts.append(parse(offer.if_, "if", words))
    kind = KINDS[offer.kind]
    flag = kind.needs_flag(offer.section)
    if flag is not None:
        parts.append(Compare(f"{kind.section}.consent", words.fields[flag], "==", True))
    if offer.adults_only:
        parts.append(Compare("adults_only", words.fields[ADULT], "==", True))
    for path, texts in (("content", shown), ("fallback", instead or {})):
        for card in texts.values():
            asked = [words.fields[name] for name in placeholders_of(card) if name not in PLACEHOLDERS]
            parts += [IsKnown(path, field) for field in asked if IsKnown(path, field) not in parts]
    return parts[0] if len(parts) == 1 else All("", tuple(parts))


def _trigger(moment: document.Moment) -> Trigger:
    returns = moment.event == "returns"
    event = "enter" if returns else moment.event
    return Trigger(event, frozenset(moment.zone), moment.for_ or 0.0, returns, frozenset(moment.of))


def _limits(scope: str, path: str, limits: tuple[document.Limit, ...]) -> tuple[LimitRule, ...]:
    return tuple(
        LimitRule(scope, limit.of, limit.at_most, limit.per == "visit", limit.within or math.inf, limit.every, f"{path}[{index}]")
        for index, limit in enumerate(limits)
    )


def _shared_limits(offer: document.Offer, book: document.Document) -> tuple[LimitRule, ...]:
    shared = _limits(SHOP, "limits", book.limits)
    if offer.category:
        name = offer.category
        shared += _limits(f"category/{name}", f"categories.{name}.limits", book.categories[name].limits)
    group = book.groups[offer.group] if offer.group else None
    if group is not None and group.per == "visit":
        path = f"groups.{offer.group}"
        shared += (LimitRule(f"group/{offer.group}", "seen", group.at_most, True, math.inf, None, path),)
    return shared


def _window_s(limit: LimitRule) -> float:
    return limit.within_s if limit.every is None else LONGEST_WINDOW_S


def _cooldowns(cooldown: document.Cooldown) -> tuple[tuple[str, float], ...]:
    pairs = (("seen", cooldown.shown), ("dismissed", cooldown.dismissed), ("redeemed", cooldown.redeemed))
    return tuple((what, seconds) for what, seconds in pairs if seconds is not None)


def _all_caps(offer: document.Offer, book: document.Document) -> tuple[CapRule, ...]:
    cost = cost_cents(offer)
    found = _caps(f"offer/{offer.id}", offer.caps, cost)
    if offer.category:
        found += _caps(f"category/{offer.category}", book.categories[offer.category].caps, cost)
    return found + _caps("shop", book.caps, cost)


def _caps(scope: str, caps: Caps, cost: int) -> tuple[CapRule, ...]:
    budget = round(caps.budget * 100) if caps.budget is not None and cost else None
    rows: list[tuple[CapKind, int | None, int, bool, str | None]] = [
        (CapKind.ISSUES, caps.issues, 1, False, caps.every),
        (CapKind.REDEMPTIONS, caps.redemptions, 1, False, caps.every),
        (CapKind.BUDGET, budget, cost, False, caps.every),
        (CapKind.ISSUES, caps.per_shopper, 1, True, None),
        (CapKind.ISSUES, caps.per_hour, 1, False, "hour"),
    ]
    return tuple(
        CapRule(f"{scope}/{kind}{'/shopper' if per_shopper else ''}", kind, at_most, amount, per_shopper, every)
        for kind, at_most, amount, per_shopper, every in rows
        if at_most is not None
    )


def cost_cents(offer: document.Offer) -> int:
    """The most that one redemption costs, in cents: as stated, or the amount given away; 0 where nothing is."""
    return round(KINDS[offer.kind].cost(offer.section) * 100)


def _codes(part: CodesPart) -> Codes:
    if part.single is not None:
        return Codes(CodeKind.SINGLE, code=part.single)
    if part.pool is not None:
        return Codes(CodeKind.POOL, pool=part.pool)
    return Codes(CodeKind.GENERATED, length=part.generated or 8)


def _written(moment_s: float | None) -> float:
    """A moment of a document that passed the checks."""
    assert moment_s is not None
    return moment_s


def _voucher_until_s(giving: Giving | None, zone: ZoneInfo) -> float:
    """A voucher with a written end can't be promised after it."""
    if giving is None or giving.valid_for_s is not None or giving.valid_until in WORKED_OUT:
        return math.inf
    return _written(parse_end(giving.valid_until, zone))
