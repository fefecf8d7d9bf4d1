"""Who is in the shop: facts arrive, grow stale, and are dropped."""

from __future__ import annotations

from functools import partial

from gateway.shoppers import attention
from gateway.shoppers.presence import KnownFacts, Presence
from rules.format.document import Attention

NOW_S = 1_000_000.0
FACTS = KnownFacts(frozenset({"recognise"}), "nl", {"stage": "new"}, {"stage": NOW_S}, None)


def recalled(known: KnownFacts = FACTS) -> Presence:
    """Somebody whose facts are at hand."""
    presence = Presence(Attention())
    presence.await_facts("s-1")
    assert presence.arrive("s-1", known, NOW_S)
    return presence


def test_nothing_is_known_before_it_arrives() -> None:
    presence = Presence(Attention())
    presence.await_facts("s-1")
    assert not presence.knows("s-1", NOW_S)
    assert presence.shopper_now("s-1", NOW_S) is None
    presence.arrive("s-1", FACTS, NOW_S)
    now = presence.shopper_now("s-1", NOW_S)
    assert now is not None
    assert (now.language, now.facts["stage"], now.attention) == ("nl", "new", Attention().capacity)


def test_facts_during_whose_reading_something_was_written_are_read_again() -> None:
    presence = Presence(Attention())
    for write in (partial(presence.outdate, "s-1"), presence.outdate_all):
        presence.await_facts("s-1")
        write()
        assert not presence.arrive("s-1", FACTS, NOW_S)
        assert not presence.knows("s-1", NOW_S)


def test_stale_facts_are_as_none_until_they_are_read_again_and_attention_stays_ahead() -> None:
    presence = recalled()
    presence.spend("s-1", 2, NOW_S)
    presence.outdate("s-1")
    assert presence.shopper_now("s-1", NOW_S) is None
    presence.await_facts("s-1")
    presence.arrive("s-1", FACTS, NOW_S)
    now = presence.shopper_now("s-1", NOW_S)
    assert now is not None
    assert now.attention == Attention().capacity - 2


def test_facts_are_good_until_the_first_answer_among_them_ends() -> None:
    presence = recalled(KnownFacts(frozenset(), "nl", {}, {}, None, good_until_s=NOW_S + 60))
    assert presence.knows("s-1", NOW_S + 59)
    assert not presence.knows("s-1", NOW_S + 60)


def test_who_withdrew_is_gone_and_what_was_being_read_of_them_is_not_kept() -> None:
    presence = recalled()
    presence.await_facts("s-1")
    presence.forget("s-1")
    assert presence.arrive("s-1", FACTS, NOW_S)
    assert presence.here == frozenset()


def test_who_is_not_to_be_recognised_is_not_here() -> None:
    presence = recalled()
    presence.await_facts("s-1")
    assert presence.arrive("s-1", None, NOW_S)
    assert presence.here == frozenset()


def test_a_receipt_is_felt_at_once_by_who_is_here() -> None:
    presence = recalled()
    presence.received("s-1", attention.dismissed, frozenset({"wine"}), NOW_S)
    presence.received("s-2", attention.dismissed, frozenset({"wine"}), NOW_S)
    now = presence.shopper_now("s-1", NOW_S)
    assert now is not None
    assert now.facts["purchase"] == frozenset({"wine"})
    assert now.attention == Attention().capacity - Attention().dismissal_cost
    assert presence.here == {"s-1"}
