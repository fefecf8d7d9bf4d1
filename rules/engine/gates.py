"""The gates that an offer passes by itself, before it meets the others. One function each, in the order of `Gate`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rules.decision import Gate
from rules.engine.book import Book
from rules.engine.evaluate import EVER, FactsView, LimitRule, count_happenings
from rules.engine.rule import Rule, Trigger
from rules.local_time import Local, is_open, within
from rules.situation import Happening, Situation


def any_comes(triggers: Sequence[Trigger], situation: Situation, view: FactsView) -> bool:
    """True when one of these moments of the event and zone has come."""
    return any(_comes(trigger, situation, view) for trigger in triggers)


def _comes(trigger: Trigger, situation: Situation, view: FactsView) -> bool:
    if situation.dwell_s < trigger.dwell_s:
        return False
    if trigger.returns:
        entries = view.values.get("entries")
        return isinstance(entries, int | float) and entries >= 2
    if trigger.of:
        bought = view.values.get("purchase")
        return isinstance(bought, frozenset) and not trigger.of.isdisjoint(bought)
    return True


def shop_gate(book: Book, view: FactsView, local: Local) -> Gate | None:
    """HOURS or QUIET when nobody may be approached now; an offer is dropped, never kept for later."""
    hours = book.document.hours
    if view.values.get("open") is False or (hours is not None and not is_open(hours, local)):
        return Gate.HOURS
    return Gate.QUIET if within(book.document.quiet, local.minute) else None


def own_gate(rule: Rule, situation: Situation, view: FactsView, local: Local, shop: Gate | None) -> Gate | None:
    """The first gate that stops an offer whose moment matches, or None when it may compete."""
    if not rule.from_s <= situation.at_s < rule.until_s:
        return Gate.VALIDITY
    if shop is not None:
        return shop
    if not rule.purposes <= situation.purposes:
        return Gate.CONSENT
    if rule.asks is not None and rule.asks.attribute in view.values:
        return Gate.ANSWERED
    unknown = False
    for test in rule.tests:
        if (truth := test(view)) is not True:
            if truth is False:
                return Gate.CONDITION
            unknown = True
    if unknown:
        return Gate.UNKNOWN
    mine = view.happened.get(rule.id)
    met = mine is not None and _counts(mine, view.at_s - rule.looks_back_s, situation.visit)
    if met and (gate := _met_before(rule, situation, view, local)) is not None:
        return gate
    shared = view.reached[rule.family] if rule.family in view.reached else reached_shared(rule, situation, view, local)
    if shared is not None:
        return Gate.GROUP if shared.scope.startswith("group/") else Gate.LIMIT
    if (met or situation.exhausted) and rule.fallback is None and (spent := spent_gate(rule, situation, view, local)) is not None:
        return spent
    return Gate.ATTENTION if rule.attention > situation.attention else None


def _met_before(rule: Rule, situation: Situation, view: FactsView, local: Local) -> Gate | None:
    """COOLDOWN or LIMIT by what happened with this very offer."""
    if cooling(rule, view) is not None:
        return Gate.COOLDOWN
    return Gate.LIMIT if reached(rule.limits, situation, view, local) is not None else None


def _counts(happenings: Sequence[Happening], since_s: float, visit: str) -> bool:
    """False when all of it was too long ago to be counted; then limits and cool-downs needn't be looked at, and most are so."""
    for _, _, at_s, in_visit in happenings:  # noqa: SIM110  # a generator would cost more than all it saves
        if at_s >= since_s or in_visit == visit:
            return True
    return False


def cooling(rule: Rule, view: FactsView) -> tuple[str, float] | None:
    """The cool-down that still runs: what happened, and its length in seconds."""
    happenings = view.happened.get(rule.id, ())
    for what, seconds in rule.cooldowns:
        if count_happenings(happenings, what, view.at_s - seconds):
            return what, seconds
    return None


def reached(limits: tuple[LimitRule, ...], situation: Situation, view: FactsView, local: Local) -> LimitRule | None:
    """The first limit that is reached."""
    for limit in limits:
        if counted(limit, situation, view, local) >= limit.at_most:
            return limit
    return None


def reached_shared(rule: Rule, situation: Situation, view: FactsView, local: Local) -> LimitRule | None:
    """The first limit that is reached of those an offer shares with others; kept for the others."""
    found = view.reached[rule.family] = reached(rule.shared_limits, situation, view, local)
    return found


def crowded_out(
    rule: Rule, beside: Collection[str], book: Book, situation: Situation, view: FactsView, local: Local
) -> LimitRule | None:
    """The first shared limit that is full once the offers `beside` it, made in the same move, are counted as well."""
    for limit in rule.shared_limits:
        if limit.what in ("seen", "announced"):
            made = sum(limit.scope in book.scopes[offer] for offer in beside)
            if made and counted(limit, situation, view, local) + made >= limit.at_most:
                return limit
    return None


def counted(limit: LimitRule, situation: Situation, view: FactsView, local: Local) -> int:
    """Return how often it happened within a limit's visit or window."""
    scope, what, _, per_visit, within_s, every, _ = limit
    if per_visit:
        return count_happenings(view.happenings(scope), what, EVER, situation.visit)
    if every is not None:
        return count_happenings(view.happenings(scope), what, local.start_of(every))
    return count_happenings(view.happenings(scope), what, view.at_s - within_s)


def spent_gate(rule: Rule, situation: Situation, view: FactsView, local: Local) -> Gate | None:
    """EXHAUSTED or LIMIT when the voucher itself can no longer be given: where a fallback steps in."""
    if rule.id in situation.exhausted:
        return Gate.EXHAUSTED
    if rule.id not in view.happened:
        return None
    return Gate.LIMIT if reached(rule.voucher_limits, situation, view, local) is not None else None
