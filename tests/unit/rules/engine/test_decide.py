"""Every gate stops what it should; arbitration, silence and test groups come out as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import (
    Book,
    Candidate,
    CapKind,
    CodeKind,
    Gate,
    Group,
    Happening,
    Ranked,
    Situation,
    Worth,
    decide,
    inputs_hash,
    load_data,
)
from rules.format.kinds.invitation import Invitation
from rules.format.kinds.question import Question

Make = Callable[..., dict[str, Any]]
Load = Callable[..., Book]
Situate = Callable[..., Situation]
DAY = 86_400.0


def gates(book: Book, situation: Situation) -> dict[str, Gate]:
    decision = decide(book, situation)
    assert [verdict.offer for verdict in decision.verdicts] == [rule.id for rule in book.rules]
    return dict(decision.verdicts)


def test_an_offer_whose_moment_has_come_is_made(book: Load, offer: Make, situation: Situate) -> None:
    decision = decide(book(offer()), situation())
    assert [(chosen.offer, chosen.content.title, chosen.zone) for chosen in decision.chosen] == [("hello", "Hallo", "wine")]
    assert decision.verdicts == (("hello", Gate.CHOSEN),)
    assert decision.group is Group.TREATED


@pytest.mark.parametrize(
    ("moment", "changes", "matches"),
    [
        ({"event": "enter", "zone": "wine"}, {"zone": "bread"}, False),
        ({"event": "enter", "zone": ["wine", "bread"]}, {"zone": "bread"}, True),
        ({"event": "enter"}, {"zone": "anywhere"}, True),
        ({"event": "enter"}, {"zone": None}, True),
        ({"event": "enter", "zone": "wine"}, {"zone": None}, False),
        ({"event": "exit", "zone": "wine"}, {"event": "exit"}, True),
        ({"event": "exit", "zone": "wine"}, {}, False),
        ({"event": "visit_start"}, {"event": "visit_start", "zone": None}, True),
        ({"event": "dwell", "zone": "wine", "for": "15s"}, {"event": "dwell", "dwell_s": 14.9}, False),
        ({"event": "dwell", "zone": "wine", "for": "15s"}, {"event": "dwell", "dwell_s": 15.0}, True),
        ({"event": "returns", "zone": "wine"}, {"facts": {"entries": 1}}, False),
        ({"event": "returns", "zone": "wine"}, {"facts": {"entries": 2}}, True),
        ({"event": "returns", "zone": "wine"}, {}, False),
        ({"event": "purchase", "of": ["wine"]}, {"event": "purchase", "facts": {"purchase": frozenset({"wine"})}}, True),
        ({"event": "purchase", "of": ["wine"]}, {"event": "purchase", "facts": {"purchase": frozenset({"bread"})}}, False),
        ({"event": "purchase", "of": ["wine"]}, {"event": "purchase"}, False),
        ({"event": "purchase"}, {"event": "purchase"}, True),
        ([{"event": "exit"}, {"event": "enter", "zone": "wine"}], {}, True),
    ],
)
def test_moments(book: Load, offer: Make, situation: Situate, moment: Any, changes: dict[str, Any], matches: bool) -> None:
    expected = Gate.CHOSEN if matches else Gate.MOMENT
    assert gates(book(offer(at=moment)), situation(**changes)) == {"hello": expected}


def test_consent_comes_before_conditions(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(purpose="aftercare", if_="visits > 3"))
    without = frozenset({"recognise", "offers"})
    assert gates(made, situation(purposes=without)) == {"hello": Gate.CONSENT}
    assert gates(made, situation()) == {"hello": Gate.UNKNOWN}
    assert gates(made, situation(facts={"visits": 3})) == {"hello": Gate.CONDITION}
    assert gates(made, situation(facts={"visits": 4})) == {"hello": Gate.CHOSEN}


LABEL = {"nl": "x", "en": "x"}
DECLARED = {
    "bought": {"type": "set", "label": LABEL, "purpose": "purchases", "fresh_for": "2d", "supplier": "backend"},
    "diet": {"type": "choice", "values": ["vegan", "all"], "label": LABEL, "supplier": "shopper"},
}


def test_a_fact_without_consent_stale_mistyped_or_outside_its_domain_is_unknown(
    book: Load, offer: Make, situation: Situate
) -> None:
    made = book(offer(if_="not wine in bought"), attributes=DECLARED)
    now = situation().at_s
    bread = {"bought": frozenset({"bread"})}
    fresh = {"bought": now - DAY}
    assert gates(made, situation(facts=bread, fact_times=fresh))["hello"] is Gate.CHOSEN
    assert gates(made, situation(facts=bread, fact_times={"bought": now - 3 * DAY}))["hello"] is Gate.UNKNOWN
    assert gates(made, situation(facts=bread))["hello"] is Gate.UNKNOWN  # nobody knows how old it is
    assert gates(made, situation(facts=bread, fact_times=fresh, purposes=frozenset({"offers"})))["hello"] is Gate.UNKNOWN
    assert gates(made, situation(facts={"bought": "bread"}, fact_times=fresh))["hello"] is Gate.UNKNOWN
    diet = book(offer(if_="diet != vegan"), attributes=DECLARED)
    assert gates(diet, situation(facts={"diet": "al"}))["hello"] is Gate.UNKNOWN
    visits = book(offer(if_="visits < 3"))
    for unusable in (float("nan"), True, "2"):
        assert gates(visits, situation(facts={"visits": unusable}))["hello"] is Gate.UNKNOWN


def test_validity_hours_and_quiet_hours_abort(book: Load, offer: Make, situation: Situate, at: Callable[[str], float]) -> None:
    made = book(
        offer(from_="2026-11-01", until="2026-12-01"), hours={"sat": "09:00-18:00", "2026-11-28": "closed"}, quiet="09:00-09:30"
    )
    expected = {
        "2026-10-31T12:00": Gate.VALIDITY,
        "2026-11-21T08:59": Gate.HOURS,
        "2026-11-21T09:15": Gate.QUIET,
        "2026-11-21T09:30": Gate.CHOSEN,
        "2026-11-21T18:00": Gate.HOURS,
        "2026-11-22T12:00": Gate.HOURS,  # no Sunday in the hours: closed
        "2026-11-28T12:00": Gate.HOURS,  # a date of its own
        "2026-12-01T23:59": Gate.HOURS,  # the last day is one of its days
        "2026-12-02T00:00": Gate.VALIDITY,
    }
    assert {moment: gates(made, situation(at_s=at(moment)))["hello"] for moment in expected} == expected


def test_the_shop_says_it_is_closed(book: Load, offer: Make, situation: Situate) -> None:
    assert gates(book(offer()), situation(facts={"open": False}))["hello"] is Gate.HOURS
    assert gates(book(offer()), situation(facts={"open": True}))["hello"] is Gate.CHOSEN


def test_an_answered_question_is_not_asked_again(book: Load, offer: Make, situation: Situate) -> None:
    question = {"attribute": "diet", "valid_for": "52w", "answers": {"vegan": LABEL, "all": LABEL}}
    ask = offer("ask", kind="question", question=question)
    made = book(ask, offer("read", if_="diet == vegan", tier=6), attributes=DECLARED)
    assert gates(made, situation()) == {"ask": Gate.CHOSEN, "read": Gate.UNKNOWN}
    assert gates(made, situation(facts={"diet": "vegan"})) == {"ask": Gate.ANSWERED, "read": Gate.CHOSEN}
    (chosen,) = decide(made, situation()).chosen
    assert chosen.part == Question("diet", (("vegan", "x"), ("all", "x")), 52 * 7 * 86_400.0)


def happened(situation: Situation, offer: str, what: str, days_ago: float, visit: str = "old") -> Happening:
    return Happening(offer, what, situation.at_s - days_ago * DAY, visit)


@pytest.mark.parametrize(
    ("what", "days_ago", "gate"),
    [
        ("announced", 0.9, Gate.COOLDOWN),
        ("shown", 0.9, Gate.COOLDOWN),
        ("announced", 1.1, Gate.CHOSEN),
        ("dismissed", 6.9, Gate.COOLDOWN),
        ("dismissed", 7.1, Gate.CHOSEN),
        ("redeemed", 13.9, Gate.COOLDOWN),
        ("redeemed", 14.1, Gate.CHOSEN),
        ("tapped", 0.1, Gate.CHOSEN),
    ],
)
def test_cool_downs(book: Load, offer: Make, situation: Situate, what: str, days_ago: float, gate: Gate) -> None:
    made = book(offer(cooldown={"shown": "1d", "dismissed": "7d", "redeemed": "14d"}))
    now = situation()
    assert gates(made, situation(history=(happened(now, "hello", what, days_ago),)))["hello"] is gate


def test_an_offer_is_made_once_a_visit_unless_the_book_says_more(book: Load, offer: Make, situation: Situate) -> None:
    here = happened(situation(), "hello", "announced", 0.01, "v-1")
    assert gates(book(offer()), situation(history=(here,)))["hello"] is Gate.LIMIT
    assert gates(book(offer(per_visit=2)), situation(history=(here,)))["hello"] is Gate.CHOSEN
    assert gates(book(offer(per_visit=2)), situation(history=(here, here)))["hello"] is Gate.LIMIT


def test_rolling_windows_roll_and_calendar_windows_begin_at_local_midnight(
    book: Load, offer: Make, situation: Situate, at: Callable[[str], float]
) -> None:
    rolling, daily = book(offer(limits=[{"at_most": 1, "within": "1d"}])), book(offer(limits=[{"at_most": 1, "every": "day"}]))
    last_night = (Happening("hello", "announced", at("2026-11-20T23:30"), "old"),)
    assert gates(rolling, situation(history=last_night))["hello"] is Gate.LIMIT
    assert gates(daily, situation(history=last_night))["hello"] is Gate.CHOSEN
    this_morning = (Happening("hello", "announced", at("2026-11-21T00:30"), "old"),)
    assert gates(daily, situation(history=this_morning))["hello"] is Gate.LIMIT


def test_limits_of_a_category_and_of_the_shop_count_what_others_used(book: Load, offer: Make, situation: Situate) -> None:
    category = {"c": {"label": LABEL, "limits": [{"at_most": 1, "within": "7d"}]}}
    made = book(offer("a", category="c"), offer("b", category="c"), offer("d"), categories=category)
    history = (happened(situation(), "a", "announced", 1),)
    assert gates(made, situation(history=history)) == {"a": Gate.LIMIT, "b": Gate.LIMIT, "d": Gate.CHOSEN}
    shop = book(offer("a"), offer("d"), limits=[{"at_most": 1, "every": "week"}])
    assert gates(shop, situation(history=history)) == {"a": Gate.LIMIT, "d": Gate.LIMIT}


def test_two_offers_of_one_move_respect_their_limits_groups_and_attention_together(
    book: Load, offer: Make, situation: Situate
) -> None:
    both = (offer("a", priority=90), offer("b"))
    assert gates(book(*both, offers_per_move=2), situation()) == {"a": Gate.CHOSEN, "b": Gate.CHOSEN}
    limited = book(*both, offers_per_move=2, limits=[{"at_most": 1, "per": "visit"}])
    assert gates(limited, situation()) == {"a": Gate.CHOSEN, "b": Gate.LIMIT}
    assert gates(book(*both, offers_per_move=2), situation(attention=1.5)) == {"a": Gate.CHOSEN, "b": Gate.ATTENTION}
    grouped = (offer("a", priority=90, group="g"), offer("b", group="g"))
    assert gates(book(*grouped, offers_per_move=2, groups={"g": {}}), situation())["b"] is Gate.GROUP
    two = book(*grouped, offers_per_move=2, groups={"g": {"at_most": 2}})
    assert gates(two, situation())["b"] is Gate.CHOSEN


def test_a_group_per_visit_remembers_the_visit(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("a", group="g"), offer("b", group="g"), groups={"g": {"per": "visit"}})
    here = happened(situation(), "a", "announced", 0.01, "v-1")
    earlier = happened(situation(), "a", "announced", 0.01, "v-0")
    assert gates(made, situation(history=(here,))) == {"a": Gate.LIMIT, "b": Gate.GROUP}
    assert Gate.CHOSEN in gates(made, situation(history=(earlier,))).values()


def test_too_little_attention_and_free_offers(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("costs", attention=2), offer("free", attention=0, tier=6))
    assert gates(made, situation(attention=1.9)) == {"costs": Gate.ATTENTION, "free": Gate.CHOSEN}
    assert gates(made, situation(attention=2.0)) == {"costs": Gate.CHOSEN, "free": Gate.TIER}


def test_an_exhausted_voucher_falls_back_to_content_when_it_has_some(
    book: Load, voucher: Make, offer: Make, situation: Situate
) -> None:
    plain = voucher(caps={"issues": 10})
    assert gates(book(plain), situation(exhausted=frozenset({"deal"})))["deal"] is Gate.EXHAUSTED
    instead = plain | {"fallback": {"nl": {"title": "Recept"}, "en": {"title": "Recipe"}}}
    chosen = decide(book(instead), situation(exhausted=frozenset({"deal"}))).chosen[0]
    assert (chosen.kind, chosen.content.title, chosen.voucher, chosen.caps, chosen.fell_back) == (
        "content",
        "Recept",
        None,
        (),
        True,
    )
    whole = decide(book(instead), situation()).chosen[0]
    assert whole.voucher is not None
    assert whole.fallback is not None
    assert (whole.fell_back, whole.fallback.title) == (False, "Recept")


def test_a_voucher_over_its_own_window_falls_back_too_but_never_twice_a_visit(
    book: Load, voucher: Make, situation: Situate
) -> None:
    deal = voucher(limits=[{"at_most": 1, "of": "redeemed", "within": "30d"}])
    redeemed = (happened(situation(), "deal", "redeemed", 3),)
    assert gates(book(deal), situation(history=redeemed))["deal"] is Gate.LIMIT
    deal["fallback"] = {"nl": {"title": "Recept"}, "en": {"title": "Recipe"}}
    assert decide(book(deal), situation(history=redeemed)).chosen[0].fell_back
    again = (*redeemed, happened(situation(), "deal", "announced", 0.01, "v-1"))
    assert gates(book(deal), situation(history=again))["deal"] is Gate.LIMIT


def test_arbitration_goes_giving_way_then_tier_then_rank(book: Load, offer: Make, situation: Situate) -> None:
    made = book(
        offer("urgent", tier=2, priority=10),
        offer("polite", tier=2, priority=99, yields_to=["urgent"]),
        offer("later", tier=3, priority=99),
        offer("lower", tier=2, priority=9),
    )
    assert gates(made, situation()) == {
        "urgent": Gate.CHOSEN, "polite": Gate.YIELDED, "later": Gate.TIER, "lower": Gate.RANK,
    }  # fmt: skip
    gone = situation(history=(happened(situation(), "urgent", "announced", 0, "v-1"),))
    assert gates(made, gone)["polite"] is Gate.CHOSEN


def test_rank_is_priority_times_affinity(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("a", priority=60), offer("b", priority=50))
    assert gates(made, situation())["a"] is Gate.CHOSEN
    assert gates(made, situation(facts={"affinity.b": 1.5}))["b"] is Gate.CHOSEN
    assert gates(made, situation(facts={"affinity.b": "much"}))["a"] is Gate.CHOSEN
    assert decide(made, situation(facts={"affinity.b": 1.5})).chosen[0].score == 75.0


def test_silence_is_a_candidate(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(priority=20), silence=20)
    decision = decide(made, situation())
    assert (decision.chosen, decision.verdicts[0].gate) == ((), Gate.SILENCE)
    assert gates(made, situation(facts={"affinity.hello": 1.1}))["hello"] is Gate.CHOSEN


def test_equals_are_ordered_by_hash_stable_for_a_visit_and_fair_over_shoppers(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("a"), offer("b"))

    def first(shopper: str) -> str:
        return decide(made, situation(shopper=shopper)).chosen[0].offer

    firsts = [first(f"s-{number}") for number in range(400)]
    assert firsts == [first(f"s-{number}") for number in range(400)]
    assert 160 < firsts.count("a") < 240


def test_a_ranker_can_be_plugged_in_and_its_propensity_is_logged(book: Load, offer: Make, situation: Situate) -> None:
    def backwards(candidates: Any, situation: Situation) -> list[Ranked]:
        assert all(isinstance(candidate, Candidate) for candidate in candidates)
        return [Ranked(candidate.offer, 100 - candidate.priority, 0.25) for candidate in candidates]

    made = book(offer("a", priority=60), offer("b", priority=50), control_share=0.2)
    purposes = frozenset({"offers"})
    measured = next(
        decision
        for number in range(50)
        if (decision := decide(made, situation(shopper=f"s-{number}"), backwards)).group is Group.TREATED
    )
    assert measured.chosen[0].offer == "b"
    assert measured.chosen[0].propensity == pytest.approx(0.8 * 0.25)
    assert decide(made, situation(purposes=purposes), backwards).chosen[0].propensity == 0.25


def test_control_decides_as_if_and_leaves_ghosts(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(), control_share=0.5)
    decisions = [decide(made, situation(shopper=f"s-{number}")) for number in range(200)]
    control = [decision for decision in decisions if decision.group is Group.CONTROL]
    treated = [decision for decision in decisions if decision.group is Group.TREATED]
    assert 70 < len(control) < 130
    assert all(not decision.chosen and decision.verdicts == (("hello", Gate.GHOST),) for decision in control)
    assert (
        {decision.ghosts[0].propensity for decision in control} == {decision.chosen[0].propensity for decision in treated} == {0.5}
    )


def test_who_did_not_agree_to_be_measured_is_in_no_group(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(test={"id": "t", "share": 0.0}), control_share=0.5)
    for number in range(20):
        decision = decide(made, situation(shopper=f"s-{number}", purposes=frozenset({"recognise", "offers"})))
        assert (decision.group, len(decision.chosen)) == (Group.UNMEASURED, 1)


def test_an_offers_own_test_makes_ghosts_of_that_offer_alone(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(test={"id": "t", "share": 0.3}))
    decisions = [decide(made, situation(shopper=f"s-{number}")) for number in range(400)]
    assert 85 < sum(bool(decision.chosen) for decision in decisions) < 155
    assert all(len(decision.chosen) + len(decision.ghosts) == 1 for decision in decisions)
    assert {made.propensity for decision in decisions for made in (*decision.chosen, *decision.ghosts)} == {0.3}


def test_a_voucher_comes_out_with_all_that_the_ledger_must_hold(
    book: Load, voucher: Make, situation: Situate, at: Callable[[str], float]
) -> None:
    part = {"worth": {"percent": 20}, "cost": 1.25, "codes": {"generated": 8}, "valid_until": "end_of_day"}
    caps = {"issues": 100, "per_shopper": 1, "redemptions": 80, "budget": 50, "every": "day", "per_hour": 20}
    categories = {"c": {"label": LABEL, "caps": {"budget": 200, "every": "month"}}}
    made = book(voucher(voucher=part, caps=caps, category="c"), categories=categories, caps={"budget": 1000})
    chosen = decide(made, situation(language="en")).chosen[0]
    assert chosen.voucher is not None
    assert chosen.voucher.worth.as_message() == {"percent": 20.0}
    assert chosen.voucher.codes.kind is CodeKind.GENERATED
    assert chosen.voucher.ends_at == at("2026-11-22T00:00")
    assert chosen.expires_at == situation().at_s + 7200
    assert chosen.language == "en"
    hour = int(situation().at_s // 3600)
    assert {cap.key: (cap.kind, cap.at_most, cap.amount, cap.per_shopper) for cap in chosen.caps} == {
        "offer/deal/issues@2026-11-21": (CapKind.ISSUES, 100, 1, False),
        "offer/deal/redemptions@2026-11-21": (CapKind.REDEMPTIONS, 80, 1, False),
        "offer/deal/budget_cents@2026-11-21": (CapKind.BUDGET, 5000, 125, False),
        "offer/deal/issues/shopper": (CapKind.ISSUES, 1, 1, True),
        f"offer/deal/issues@hour-{hour}": (CapKind.ISSUES, 20, 1, False),
        "category/c/budget_cents@2026-11": (CapKind.BUDGET, 20_000, 125, False),
        "shop/budget_cents": (CapKind.BUDGET, 100_000, 125, False),
    }


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("nl", "€ 2,50 korting tot 13:12 in Wijn"),
        ("en", "€2.50 off until 13:12 at Wine"),
        ("fr", "€ 2,50 korting tot 13:12 in Wijn"),
    ],
)
def test_words_are_filled_in_the_shoppers_language(
    book: Load, voucher: Make, situation: Situate, language: str, title: str
) -> None:
    content = {"nl": {"title": "{amount} korting tot {ends} in {zone}"}, "en": {"title": "{amount} off until {ends} at {zone}"}}
    made = book(voucher(content=content), zones={"wine": {"nl": "Wijn", "en": "Wine"}})
    assert decide(made, situation(language=language)).chosen[0].content.title == title


def test_a_text_whose_fact_is_missing_is_not_shown_with_a_hole(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(content={"nl": {"title": "Uw {visits}e bezoek"}, "en": {"title": "Visit {visits}"}}))
    assert gates(made, situation())["hello"] is Gate.UNKNOWN
    assert decide(made, situation(facts={"visits": 7})).chosen[0].content.title == "Uw 7e bezoek"


def test_staff_read_their_own_language_and_a_friend_gets_a_personal_code(book: Load, offer: Make, situation: Situate) -> None:
    call = book(offer(kind="staff_call"), staff_language="nl")
    assert decide(call, situation(language="en")).chosen[0].content.title == "Hallo"
    invitation = {"to": "share", "reward": {"amount": 5}, "friend": {"percent": 10}, "codes": {"generated": 10}, "valid_for": "4w"}
    chosen = decide(book(offer(kind="invitation", invitation=invitation)), situation()).chosen[0]
    assert chosen.part == Invitation("share", Worth(amount_cents=500), Worth(percent=10), 14 * 86_400.0)
    assert chosen.voucher is not None
    assert chosen.voucher.worth.percent == 10.0
    assert chosen.voucher.codes.length == 10


def test_a_voucher_with_a_written_end_keeps_it_and_is_not_promised_after_it(
    book: Load, voucher: Make, situation: Situate, at: Callable[[str], float]
) -> None:
    part = {"worth": {"amount": 1}, "codes": {"single": "X"}, "valid_until": "2026-11-30T18:00"}
    made = book(voucher(voucher=part, until="2026-11-25"))
    chosen = decide(made, situation()).chosen[0]
    assert chosen.voucher is not None
    assert chosen.voucher.ends_at == at("2026-11-30T18:00")  # the offer ends earlier; the promise does not
    assert gates(book(voucher(voucher=part)), situation(at_s=at("2026-11-30T18:00")))["deal"] is Gate.VALIDITY
    closing = part | {"valid_until": "closing"}
    until_closing = decide(book(voucher(voucher=closing), hours={"sat": "09:00-18:00"}), situation()).chosen[0]
    assert until_closing.voucher is not None
    assert until_closing.voucher.ends_at == at("2026-11-21T18:00")


def test_the_inputs_hash_tells_situations_apart_and_nothing_else(situation: Situate) -> None:
    one = inputs_hash(situation(facts={"visits": 3, "stage": "fan", "path": frozenset({"a", "b"})}))
    same = inputs_hash(situation(facts={"path": frozenset({"b", "a"}), "stage": "fan", "visits": 3}))
    other = inputs_hash(situation(facts={"visits": 4, "stage": "fan", "path": frozenset({"a", "b"})}))
    assert one == same != other


def test_a_decision_names_its_book(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer())
    assert decide(made, situation()).book_hash == made.hash


def test_a_book_of_one_offer_in_plain_data_decides_like_its_text(document: Make, offer: Make, situation: Situate) -> None:
    assert decide(load_data(document(offer())), situation()) == decide(load_data(document(offer())), situation())
