"""The decision: which offers pass their own gates, which of those win, and who is in which test group.

Order: moment, validity, hours, quiet hours, consent, condition, cool-down, limits, caps, attention; then among those left: giving
way, tier, rank (silence is a candidate too), group, places; last of all the test groups, so that both arms are decided alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.decision import Chosen, Decision, Gate, Group, Verdict
from rules.engine.assignment import in_control, in_trial
from rules.engine.book import Book
from rules.engine.composing import compose
from rules.engine.evaluate import FactsView
from rules.engine.gates import any_comes, crowded_out, own_gate, shop_gate
from rules.engine.ranking import Candidate, Ranked, Ranker, by_priority_and_affinity, ordered
from rules.engine.rule import Rule
from rules.format.fields import AFFINITY, affinity_field
from rules.local_time import Local
from rules.situation import Situation

HIGHEST_AFFINITY = 10.0
"""A factor above this is a mistake of the backend; it counts as this much."""
UNNAMED_AFFINITY = 0.8
"""The factor of an offer that the backend doesn't name for a shopper of whom it names others. A backend sends those that fit best,
so what it leaves out fits a little less than neutral (1)."""


_verdict = lru_cache(32_768)(Verdict)
"""There are few and they come again: making a named tuple takes longer than finding one."""


class Arbitration(NamedTuple):
    """Who won, in order, and the gate of every offer, in the book's order."""

    winners: list[tuple[Rule, Ranked]]
    gates: list[Gate]


def decide(book: Book, situation: Situation, ranker: Ranker = by_priority_and_affinity) -> Decision:
    """Decide for one shopper at one moment. Pure: the same book, situation and ranker give the same decision anywhere."""
    local = Local(situation.at_s, book.zone)
    view = book.view_of(situation, local)
    winners, gates = arbitrate(book, situation, view, local, ranker)
    group = group_of(book, situation)
    chosen: list[Chosen] = []
    ghosts: list[Chosen] = []
    for rule, ranked in winners:
        made = compose(rule, book, situation, view, local, ranked, propensity(book, rule, group, ranked))
        ghost = is_ghost(book, rule, group, situation.shopper)
        (ghosts if ghost else chosen).append(made)
        gates[rule.index] = Gate.GHOST if ghost else Gate.CHOSEN
    verdicts = tuple(map(_verdict, book.by_offer, gates))
    return Decision(tuple(chosen), tuple(ghosts), verdicts, book.hash, group)


def arbitrate(book: Book, situation: Situation, view: FactsView, local: Local, ranker: Ranker) -> Arbitration:
    """Gates and arbitration, before test groups. The winners' gates still say RANK: the caller knows better."""
    gates = [Gate.MOMENT] * len(book.rules)
    eligible: list[Rule] = []
    shop = shop_gate(book, view, local)
    dwell_s = situation.dwell_s
    for rule, least_dwell_s, triggers in book.offered_at(situation.event, situation.zone):
        if dwell_s < least_dwell_s or (triggers and not any_comes(triggers, situation, view)):
            continue
        gate = own_gate(rule, situation, view, local, shop)
        if gate is None:
            eligible.append(rule)
        else:
            gates[rule.index] = gate
    competing = _best_tier(book, eligible, gates) if eligible else []
    ranking = ranker(_candidates(competing, situation), situation) if competing else ()
    return Arbitration(_places(book, situation, view, local, ranking, gates), gates)


def _best_tier(book: Book, eligible: list[Rule], gates: list[Gate]) -> list[Rule]:
    """Those of the best tier that give way to nobody: RANK stops them, until they win or something else is known."""
    standing = eligible
    if book.has_yielding:
        names = {rule.id for rule in eligible}
        standing = [rule for rule in eligible if names.isdisjoint(rule.yields_to)]
        for rule in eligible:
            gates[rule.index] = Gate.YIELDED
    best = min([rule.tier for rule in standing])  # nobody gives way in a circle, so somebody stands
    rank, tier = Gate.RANK, Gate.TIER
    for rule in standing:
        gates[rule.index] = rank if rule.tier == best else tier
    return [rule for rule in standing if rule.tier == best]


def _places(
    book: Book, situation: Situation, view: FactsView, local: Local, ranking: Sequence[Ranked], gates: list[Gate]
) -> list[tuple[Rule, Ranked]]:
    """The best few; whoever they leave no room for gets the gate that says why."""
    silence = book.document.silence
    heard = [ranked for ranked in ranking if ranked.score > silence]
    if len(heard) < len(ranking):
        for ranked in ranking:
            if ranked.score <= silence:
                gates[book.by_offer[ranked.offer].index] = Gate.SILENCE
    winners: list[tuple[Rule, Ranked]] = []
    for ranked in ordered(heard, book.document.salt, situation):  # lazily: whoever comes after the last place needs no order
        rule = book.by_offer[ranked.offer]
        gate = _no_room(rule, [winner for winner, _ in winners], book, situation, view, local) if winners else None
        if gate is not None:
            gates[rule.index] = gate
            continue
        winners.append((rule, ranked))
        if len(winners) == book.document.offers_per_move:
            break
    return winners


def _no_room(rule: Rule, winners: list[Rule], book: Book, situation: Situation, view: FactsView, local: Local) -> Gate | None:
    """The gate that stops an offer beside those already chosen in this move: their group, limits and attention count too."""
    group = rule.offer.group
    if group is not None and sum(winner.offer.group == group for winner in winners) >= book.document.groups[group].at_most:
        return Gate.GROUP
    full = crowded_out(rule, [winner.id for winner in winners], book, situation, view, local)
    if full is not None:
        return Gate.GROUP if full.scope.startswith("group/") else Gate.LIMIT
    left = situation.attention - sum(winner.attention for winner in winners)
    return Gate.ATTENTION if rule.attention > left else None


def _candidates(rules: Sequence[Rule], situation: Situation) -> list[Candidate]:
    if not any(name.startswith(AFFINITY) for name in situation.facts):
        return [rule.candidate for rule in rules]
    unnamed = unnamed_affinity(situation)
    return [candidate(rule, situation, unnamed) for rule in rules]


def unnamed_affinity(situation: Situation) -> float:
    """Return the factor of offers for which the backend gives this shopper none."""
    anybody = affinity_field("")
    names_some = any(name.startswith(AFFINITY) and anybody.admits(value) for name, value in situation.facts.items())
    return UNNAMED_AFFINITY if names_some and anybody.purpose in situation.purposes else 1.0


def candidate(rule: Rule, situation: Situation, unnamed: float) -> Candidate:
    """Return an offer with the backend's factor for this shopper, or with `unnamed` where it gives none that can be used."""
    value = situation.facts.get(rule.affinity.name)
    if value is None or rule.affinity.purpose not in situation.purposes or not rule.affinity.admits(value):
        return rule.candidate._replace(affinity=unnamed)
    return rule.candidate._replace(affinity=min(float(value), HIGHEST_AFFINITY))  # type: ignore[arg-type]  # it admits numbers


def group_of(book: Book, situation: Situation) -> Group:
    """The arm of the universal control group; nobody is measured who did not agree to it."""
    if "measure" not in situation.purposes:
        return Group.UNMEASURED
    control = in_control(book.document.salt, book.document.control_share, situation.shopper)
    return Group.CONTROL if control else Group.TREATED


def is_ghost(book: Book, rule: Rule, group: Group, shopper: str) -> bool:
    """True when a winner is recorded as if and not made: universal control, or the offer's own test.

    A call for staff is never withheld, nor what the book marks so: who asks for help isn't left alone to measure something.
    """
    if rule.always_made:
        return False
    if group is not Group.TREATED:
        return group is Group.CONTROL
    trial = rule.offer.test
    return trial is not None and not in_trial(book.document.salt, trial.id, trial.share, shopper)


def propensity(book: Book, rule: Rule, group: Group, ranked: Ranked) -> float:
    """The exact probability that the offer is made here, over both test groups and the ranker."""
    if group is Group.UNMEASURED or rule.always_made:
        return ranked.propensity
    trial = rule.offer.test
    return (1.0 - book.document.control_share) * (trial.share if trial is not None else 1.0) * ranked.propensity
