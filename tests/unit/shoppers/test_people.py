"""Everything that comes in about shoppers, and what the line may know of who stands in front of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.messages import Event, OptInGiven, Outcome
from gateway.shoppers.identities import Identities
from gateway.shoppers.optins import read_optins
from gateway.shoppers.people import People
from gateway.storage import Store, Transaction, consents, journey, profiles
from gateway.storage import identities as identities_table
from rules.engine.book import Book
from tests.support.recall import shopper_now

NOON_S = 1_763_719_200.0
DAY_S = 86_400.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
BEACON = bytes.fromhex(UUID + "00010001")

Send = Callable[[Event[Any]], Outcome]
Make = Callable[..., Event[Any]]


def codes(outcome: Outcome) -> list[str]:
    return [refusal.code for refusal in outcome.refusals]


def held(store: Store, shopper: str = "s-1") -> dict[str, Any]:
    with store.read() as connection:
        return {row.field: row.value for row in profiles.values(connection, shopper)}


# ---- consent ---------------------------------------------------------------------------------------------------------------


def test_an_opted_in_shopper_is_recognised_and_known(send: Send, given: Make, identities: Identities, people: People) -> None:
    assert send(given(language="en")).taken
    assert identities.resolve(BEACON) == "s-1"
    person = shopper_now(people, "s-1", NOON_S)
    assert person is not None
    assert (person.language, person.attention) == ("en", 6)
    assert person.facts["stage"] == "new"
    assert person.facts["visits"] == 1


def test_a_withdrawn_shopper_resolves_to_nobody(
    send: Send, given: Make, withdrawn: Make, identities: Identities, people: People
) -> None:
    send(given())
    shopper_now(people, "s-1", NOON_S)
    send(withdrawn())
    assert identities.resolve(BEACON) is None
    assert shopper_now(people, "s-1", NOON_S) is None
    assert people.erasing


def test_a_grant_older_than_the_withdrawal_brings_nobody_back(
    send: Send, given: Make, withdrawn: Make, identities: Identities
) -> None:
    send(withdrawn(at_s=NOON_S))
    outcome = send(given(at_s=NOON_S - 3600))
    assert outcome.taken, "it was understood; it just changes nothing"
    assert identities.resolve(BEACON) is None


def test_a_later_yes_after_a_withdrawal_counts(send: Send, given: Make, withdrawn: Make, identities: Identities) -> None:
    send(given(at_s=NOON_S - 60))
    send(withdrawn(at_s=NOON_S))
    send(given(at_s=NOON_S + 60, version=10))
    assert identities.resolve(BEACON) == "s-1"


def test_a_withdrawal_older_than_the_standing_yes_erases_nothing(
    send: Send, given: Make, withdrawn: Make, identities: Identities
) -> None:
    send(given(at_s=NOON_S))
    send(withdrawn(at_s=NOON_S - 60))
    assert identities.resolve(BEACON) == "s-1"


def test_a_yes_without_recognise_is_recorded_and_recognises_nobody(
    send: Send, given: Make, identities: Identities, store: Store
) -> None:
    send(given(purposes=["offers"]))
    assert identities.resolve(BEACON) is None
    with store.read() as connection:
        assert consents.allows(connection, "s-1", "offers")
        assert not list(identities_table.all_rows(connection))


def test_a_purpose_that_is_taken_back_takes_its_data_along(
    send: Send, given: Make, profile: Make, promised: Callable[..., None], receipt: Make, store: Store
) -> None:
    send(given(at_s=NOON_S - 60))
    send(profile(segment="family", basket=["wine"]))
    promised()
    send(receipt("purchased", products=["wine"]))
    send(given(at_s=NOON_S, purposes=["recognise", "offers"]))
    assert held(store) == {"segment": "family"}
    with store.read() as connection:
        assert journey.counts(connection, "s-1", NOON_S + 60, journey.find(connection, "s-1")).events_90d == {}


def test_an_opt_in_from_the_future_is_refused_and_leaves_nothing(
    send: Send, given: Make, store: Store, identities: Identities
) -> None:
    outcome = send(given(at_s=NOON_S + 601))
    assert not outcome.taken
    assert codes(outcome) == ["from_the_future"]
    assert len(identities) == 0
    with store.read() as connection:
        assert consents.find(connection, "s-1") is None
        assert not consents.events(connection, "s-1")


@pytest.mark.parametrize("key", ["abcd", "zz" * 16, "9f" * 17, ""])
def test_a_key_that_isnt_one_doesnt_get_past_the_model_and_isnt_repeated(given: Make, key: str) -> None:
    with pytest.raises(ValidationError, match="32 hex digits") as refused:
        given(identity={"rotating": {"uuid": UUID, "key": key}})
    (fault,) = refused.value.errors(include_input=False)
    assert fault["type"] == "wrong_key"
    assert not key or key not in str(fault)


@pytest.mark.parametrize(
    "shopper",
    [
        *("jan@example.nl", "Jan Jansen", "+31612345678", "aa:bb:cc:dd:ee:ff", "", "x" * 65),
        *("0612345678", "06-12345678", "0031612345678", "31_6_1234_5678", "-020-1234567-", "4711081512345"),
    ],
)
def test_a_shopper_who_is_an_address_or_a_number_doesnt_get_past_the_model(given: Make, shopper: str) -> None:
    with pytest.raises(ValidationError):
        given(shopper=shopper)


@pytest.mark.parametrize("shopper", ["s-1", "47110815", "1234567890123456", "a0612345678", "0193f1d2-77aa", "jan_jansen"])
def test_other_pseudonyms_are_taken_since_no_program_can_tell_a_name(given: Make, shopper: str) -> None:
    assert given(shopper=shopper).data.shopper == shopper


def test_a_shopper_known_by_a_number_from_before_can_still_say_no(withdrawn: Make) -> None:
    assert withdrawn(shopper="0612345678").data.shopper == "0612345678"


def test_an_unknown_purpose_doesnt_get_past_the_model(given: Make) -> None:
    with pytest.raises(ValidationError):
        given(purposes=["recognise", "sell_my_data"])


def test_a_tag_that_two_shoppers_have_is_reported_and_recognises_nobody(send: Send, given: Make, identities: Identities) -> None:
    send(given("s-1"))
    outcome = send(given("s-2"))
    assert outcome.taken
    assert codes(outcome) == ["shared_id"]
    assert identities.resolve(BEACON) is None


def test_opt_ins_by_file_are_consents_to_everything_at_the_files_own_time(
    tmp_path: Path, people: People, identities: Identities, store: Store, send: Send, withdrawn: Make
) -> None:
    path = tmp_path / "optins.yaml"
    path.write_text(f"- {{shopper: s-1, beacon: {{uuid: {UUID}, major: 1, minor: 1}}}}\n", encoding="utf-8")
    people.take_file(read_optins(path), NOON_S - DAY_S)
    assert people.load(NOON_S) == 1
    assert identities.resolve(BEACON) == "s-1"
    with store.read() as connection:
        row = consents.find(connection, "s-1")
    assert row is not None
    assert (row.text, row.channel) == ("file", "file")
    assert row.purposes == {"recognise", "offers", "purchases", "aftercare", "measure"}
    send(withdrawn())
    people.take_file(read_optins(path), NOON_S - DAY_S)
    assert people.load(NOON_S) == 0, "who withdrew stays away, though the file still names them"


def test_everyone_is_recognised_again_after_a_restart(
    send: Send, given: Make, store: Store, people: People, identities: Identities
) -> None:
    send(given("s-1"))
    send(given("s-2", minor=2, identity={"rotating": {"uuid": UUID, "key": "07" * 16}}))
    for shopper in ("s-1", "s-2"):
        identities.forget(shopper)
    assert people.load(NOON_S) == 2
    assert identities.resolve(BEACON) == "s-1"


# ---- profiles --------------------------------------------------------------------------------------------------------------


def test_of_a_profile_only_what_a_live_rule_reads_is_kept_and_the_rest_is_counted(
    send: Send, given: Make, profile: Make, store: Store, people: People
) -> None:
    send(given())
    outcome = send(profile(segment="family", shoe_size=43, hobby="chess", affinities={"wine-tasting": 0.9}))
    assert outcome.taken
    assert sorted(codes(outcome)) == ["undeclared", "unread"]
    assert held(store) == {"segment": "family", "affinity.wine-tasting": 0.9}
    assert people.left_out == {"undeclared": 1, "unread": 1}


def test_one_bad_attribute_drops_itself_and_not_the_profile(send: Send, given: Make, profile: Make, store: Store) -> None:
    send(given())
    outcome = send(profile(segment="family", basket={"wine": [None]}, affinities={"wine-tasting": "lots", "ask-diet": 1.5}))
    assert (outcome.taken, sorted(codes(outcome))) == (True, ["wrong_value", "wrong_value"])
    assert held(store) == {"segment": "family", "affinity.ask-diet": 1.5}


def test_a_profile_of_a_stranger_is_refused_and_leaves_nothing(send: Send, profile: Make, store: Store) -> None:
    outcome = send(profile(segment="family"))
    assert not outcome.taken
    assert codes(outcome) == ["no_consent"]
    assert held(store) == {}


def test_the_latest_version_of_a_profile_stands_whatever_arrives_last(send: Send, given: Make, profile: Make, store: Store) -> None:
    send(given())
    send(profile(version=2, segment="single"))
    send(profile(version=1, segment="family", basket=["wine"]))
    assert held(store) == {"segment": "single"}


def test_facts_are_read_anew_when_a_profile_comes_during_a_visit(send: Send, given: Make, profile: Make, people: People) -> None:
    send(given())
    first = shopper_now(people, "s-1", NOON_S)
    send(profile(basket=["wine", "cheese"]))
    second = shopper_now(people, "s-1", NOON_S + 1)
    assert first is not None
    assert second is not None
    assert "basket" not in first.facts
    assert second.facts["basket"] == frozenset({"wine", "cheese"})
    assert second.fact_times["basket"] == NOON_S


def test_when_the_last_rule_that_reads_an_attribute_goes_its_values_are_deleted(
    send: Send, given: Make, profile: Make, store: Store, people: People, book: Book
) -> None:
    send(given())
    send(profile(segment="family"))
    assert people.use_books([book]).result() == 0
    assert people.use_books([]).result() == 1
    assert held(store) == {}


# ---- receipts: answers, attention, journey ---------------------------------------------------------------------------------


def test_an_answer_becomes_an_attribute_with_an_end(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, people: People
) -> None:
    send(given())
    promised(offer="ask-diet")
    send(receipt("tapped", answer="vegan", at_s=NOON_S))
    before, after = shopper_now(people, "s-1", NOON_S + 29 * DAY_S), shopper_now(people, "s-1", NOON_S + 31 * DAY_S)
    assert before is not None
    assert after is not None
    assert before.facts["diet"] == "vegan"
    assert "diet" not in after.facts


def test_an_answer_that_comes_late_doesnt_overrule_a_newer_one(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, store: Store
) -> None:
    send(given())
    promised(offer="ask-diet")
    send(receipt("tapped", answer="any", at_s=NOON_S + 100))
    send(receipt("tapped", answer="vegan", at_s=NOON_S + 50))
    assert held(store) == {"diet": "any"}


def test_an_answer_the_card_doesnt_have_is_reported(send: Send, given: Make, promised: Callable[..., None], receipt: Make) -> None:
    send(given())
    promised(offer="ask-diet")
    assert codes(send(receipt("tapped", answer="carnivore"))) == ["wrong_value"]


def test_a_receipt_counts_once_however_often_it_comes(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, store: Store
) -> None:
    send(given())
    promised()
    for _ in range(3):
        send(receipt("dismissed", id="same"))
    with store.read() as connection:
        assert journey.counts(connection, "s-1", NOON_S + 60, journey.find(connection, "s-1")).events_90d == {"dismissed": 1}
        assert journey.bucket(connection, "s-1") == (4, NOON_S + 10)


def test_spending_and_dismissing_are_felt_at_once_and_remembered(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, people: People, settled: Callable[[], None]
) -> None:
    send(given())
    promised()
    shopper_now(people, "s-1", NOON_S)
    people.spend("s-1", 2, NOON_S)
    now = shopper_now(people, "s-1", NOON_S)
    send(receipt("dismissed", at_s=NOON_S))
    after = shopper_now(people, "s-1", NOON_S)
    people.visited("s-1", "v-1", NOON_S, NOON_S, ["wine"])
    settled()
    remembered = shopper_now(people, "s-1", NOON_S)
    assert [person.attention for person in (now, after, remembered) if person is not None] == [4, 2, 2]


def test_a_receipt_for_nobodys_promise_changes_nothing(send: Send, receipt: Make) -> None:
    assert send(receipt("tapped", promise="unknown")) == Outcome()


def test_what_was_just_bought_is_known_for_the_rest_of_the_visit_only(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, people: People
) -> None:
    send(given())
    promised()
    shopper_now(people, "s-1", NOON_S)
    send(receipt("purchased", products=["wine", "cheese"]))
    during = shopper_now(people, "s-1", NOON_S + 20)
    people.visited("s-1", "v-1", NOON_S, NOON_S + 60, ["wine"])
    later = shopper_now(people, "s-1", NOON_S + DAY_S)
    assert during is not None
    assert later is not None
    assert during.facts["purchase"] == frozenset({"wine", "cheese"})
    assert "purchase" not in later.facts


def test_visits_make_a_returning_shopper_with_a_reason(
    send: Send, given: Make, people: People, store: Store, settled: Callable[[], None]
) -> None:
    send(given())
    for day in range(2):
        people.visited("s-1", f"v-{day}", NOON_S + day * DAY_S, NOON_S + day * DAY_S + 600, ["wine"])
    settled()
    person = shopper_now(people, "s-1", NOON_S + 3 * DAY_S)
    assert person is not None
    assert person.facts["stage"] == "returning"
    assert person.facts["visits"] == 3
    assert person.facts["days_since_visit"] == pytest.approx(2.0)
    with store.read() as connection:
        changes = journey.export(connection, "s-1")["stage_changes"]
    assert isinstance(changes, list)
    assert [change["stage"] for change in changes] == ["new", "returning"]
    assert changes[-1]["reason"]["signals"] == {"visits_90d": {"seen": 2, "needed": 2}}


def test_a_visit_of_somebody_who_withdrew_meanwhile_is_not_kept(
    send: Send, given: Make, withdrawn: Make, people: People, store: Store, settled: Callable[[], None]
) -> None:
    send(given())
    send(withdrawn())
    people.visited("s-1", "v-1", NOON_S, NOON_S + 600, ["wine"])
    settled()
    with store.read() as connection:
        assert journey.counts(connection, "s-1", NOON_S + 700, journey.find(connection, "s-1")).visits_90d == 0


def test_facts_are_in_memory_only_for_who_is_in_the_shop(send: Send, given: Make, people: People) -> None:
    for number in range(20):
        send(given(f"s-{number}", minor=number))
    assert len(people.here) == 0
    shopper_now(people, "s-3", NOON_S)
    assert people.here == {"s-3"}
    people.visited("s-3", "v-1", NOON_S, NOON_S + 60, ["wine"])
    assert len(people.here) == 0


def test_a_message_has_an_effect_in_memory_only_after_its_commit(
    store: Store, people: People, given: Make, identities: Identities
) -> None:
    event: Event[OptInGiven] = given()
    inside: list[str | None] = []

    def take(tx: Transaction) -> None:
        people.take_optin(tx, event)
        inside.append(identities.resolve(BEACON))

    store.writer.transact(take).result()
    assert inside == [None]
    assert identities.resolve(BEACON) == "s-1"


def test_a_purchase_is_not_taken_by_anyone_without_consent_to_purchases(
    send: Send, given: Make, promised: Callable[..., None], receipt: Make, store: Store, people: People
) -> None:
    promised()
    send(given(at_s=NOON_S - 60))
    with store.read() as connection:
        assert people.objection(connection, receipt("purchased")) is None
    send(given(at_s=NOON_S, purposes=["recognise", "offers"]))
    with store.read() as connection:
        refused = people.objection(connection, receipt("purchased"))
        assert people.objection(connection, receipt("tapped")) is None
        assert people.objection(connection, receipt("purchased", promise="unknown")) is None
    assert refused is not None
    assert refused.code == "no_consent"
