"""Promising: one transaction, caps, codes, fallbacks, ghosts, and what the ledger remembers meanwhile."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import Event, OfferPromised, StaffCall
from gateway.offers.issuing import Allotment
from gateway.offers.ledger import Ledger
from gateway.settings import OffersSettings, StorageSettings
from gateway.storage import Store, caps, decisions, open_store, outbox, promises, sending, subject, vouchers
from rules import (
    Cap,
    CapKind,
    CodeKind,
    Codes,
    Content,
    Decision,
    Gate,
    Group,
    Happening,
    PlannedVoucher,
    Verdict,
    Worth,
    situation_of,
)
from rules.format.kinds.invitation import Invitation
from rules.format.kinds.question import Question
from tests.support.recall import history

Build = Callable[..., Any]


def _waiting(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(outbox.outbox.select().order_by(outbox.outbox.c.seq)).all())


def _hand_to_the_network(store: Store) -> None:
    events = [row.event_id for row in _waiting(store)]
    store.writer.submit(lambda connection: sending.claim(connection, events, 0.0)).result()


def _rows(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(promises.page(connection, limit=10_000))


def test_a_promise_and_its_announcement_are_written_together(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    promised = ledger.promise(decided(chosen()), situation()).result()
    (made,) = promised.made
    (waiting,) = _waiting(store)
    event = Event[OfferPromised].model_validate_json(waiting.body)
    assert (waiting.topic, waiting.event_id, event.data.promise) == ("offers", made.promise, made.promise)
    assert event.source == "etalage/demo-chain/demo/gw-1"
    assert event.data.decision == promised.decision
    assert event.data.voucher is not None
    assert event.data.voucher.code == made.code
    assert event.data.voucher.value == {"percent": 10}
    assert event.data.content == {"title": "Proef de nieuwe Rioja", "body": "Vandaag 10 % op alle rode wijn."}
    (row,) = _rows(store)
    assert (row.state, row.code, row.ends_at_s) == ("reserved", made.code, event.data.voucher.ends_at.timestamp())


def test_the_next_move_a_moment_later_is_decided_with_the_promise(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    gate = threading.Event()
    held = store.writer.submit(lambda connection: gate.wait(10))  # the writer is busy: nothing is on disk yet
    future = ledger.promise(decided(chosen()), situation())
    assert history(ledger, "s-1") == (Happening("wine-tasting", "announced", now_s, "visit-of-s-1"),)
    assert not future.done()
    gate.set()
    held.result()
    assert future.result().made


def test_a_cap_is_never_passed_and_the_refused_promise_is_forgotten(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    futures = [ledger.promise(decided(chosen(issues=3)), situation(f"s-{number}")) for number in range(5)]
    made = [bool(future.result().made) for future in futures]
    assert made == [True, True, True, False, False]
    assert history(ledger, "s-4") == ()
    assert len(history(ledger, "s-2")) == 1
    assert len(_rows(store)) == len(_waiting(store)) == 3


def test_a_reached_cap_is_known_for_a_while_and_then_tried_again(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    for number in range(2):
        ledger.promise(decided(chosen(issues=1)), situation(f"s-{number}")).result()
    assert ledger.exhausted(now_s + 1, "s-9") == {"wine-tasting"}
    assert ledger.exhausted(now_s + 61, "s-9") == frozenset()


def test_why_a_promise_was_refused_stands_in_the_log(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    ledger.promise(decided(chosen(issues=1)), situation("s-1")).result()
    refused = ledger.promise(decided(chosen(issues=1)), situation("s-2")).result()
    with store.read() as connection:
        row = decisions.find(connection, refused.decision)
    assert row is not None
    assert row.outcome["refused"] == {"wine-tasting": "issues"}
    assert row.outcome["promises"] == {}


def test_when_the_last_of_several_caps_is_reached_the_others_keep_their_share(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    held = (Cap("offer/a/issues", CapKind.ISSUES, 100), Cap("shop/budget_cents", CapKind.BUDGET, 600, 250))
    for number in range(4):
        ledger.promise(decided(chosen(caps=held)), situation(f"s-{number}")).result()
    with store.read() as connection:
        assert caps.used(connection, "offer/a/issues") == 2
        assert caps.used(connection, "shop/budget_cents") == 500


def test_a_cap_per_shopper_counts_each_shopper_apart(ledger: Ledger, chosen: Build, decided: Build, situation: Build) -> None:
    caps = (Cap("offer/a/issues/shopper", CapKind.ISSUES, 1, per_shopper=True),)
    shoppers = ["s-1", "s-2", "s-1"]
    outcomes = [bool(ledger.promise(decided(chosen(caps=caps)), situation(shopper)).result().made) for shopper in shoppers]
    assert outcomes == [True, True, False]


def test_one_shoppers_own_cap_is_reached_for_nobody_else(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    caps = (Cap("offer/a/issues/shopper", CapKind.ISSUES, 1, per_shopper=True),)
    refused = [ledger.promise(decided(chosen(caps=caps)), situation("s-1")).result().refused for _ in range(2)]
    assert refused[1][0].reason == "per_shopper"
    assert ledger.exhausted(now_s + 1, "s-1") == {"wine-tasting"}
    assert ledger.exhausted(now_s + 1, "s-2") == frozenset()
    ledger.forget("s-1")
    assert ledger.exhausted(now_s + 1, "s-1") == frozenset()


def test_two_caps_on_one_counter_take_one_share(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    held = (Cap("offer/a/issues@hour", CapKind.ISSUES, 9), Cap("offer/a/issues@hour", CapKind.ISSUES, 2))
    made = [bool(ledger.promise(decided(chosen(caps=held)), situation(f"s-{n}")).result().made) for n in range(3)]
    assert made == [True, True, False]
    with store.read() as connection:
        assert caps.used(connection, "offer/a/issues@hour") == 2


def test_the_offers_content_is_given_when_its_cap_is_reached_at_the_last_moment(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    offer = chosen(issues=1, fallback=Content("Welke wijn bij stamppot?", "Drie tips."))
    ledger.promise(decided(offer), situation("s-1")).result()
    promised = ledger.promise(decided(offer), situation("s-2")).result()
    assert [(one.fell_back, one.code) for one in promised.made] == [(True, None)]
    event = Event[OfferPromised].model_validate_json(_waiting(store)[-1].body)
    assert event.data.voucher is None
    assert event.data.kind == "content"
    assert event.data.content["title"] == "Welke wijn bij stamppot?"
    assert len(history(ledger, "s-2")) == 1


def test_a_pool_gives_each_code_once_and_then_no_more(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    pool = ("RED-1", "RED-2", "RED-3")
    store.writer.submit(lambda connection: vouchers.fill_pool(connection, "wine-tasting", pool, exact=True)).result()
    voucher = PlannedVoucher(Worth(gift="Glas"), Codes(CodeKind.POOL, pool=pool), 0, now_s + 3600)
    outcomes = [ledger.promise(decided(chosen(voucher=voucher)), situation(f"s-{n}")).result() for n in range(4)]
    assert [one.code for outcome in outcomes for one in outcome.made] == ["RED-1", "RED-2", "RED-3"]
    assert outcomes[3].refused[0].reason == "pool"


def test_a_generated_code_that_exists_already_is_not_given_out_twice(
    store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    ledger = Ledger(store, "etalage/c/s/g", new_code=lambda length: "AAAA-AAAA")
    assert ledger.promise(decided(chosen()), situation("s-1")).result().made
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledger.promise(decided(chosen()), situation("s-2")).result()
    assert history(ledger, "s-2") == ()
    assert ledger.counts["failed"] == 1
    assert len(_rows(store)) == len(_waiting(store)) == 1


def test_everybody_may_have_the_same_single_code(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    voucher = PlannedVoucher(Worth(amount_cents=250), Codes(CodeKind.SINGLE, code="WIJN25"), 250, now_s + 3600)
    codes = [ledger.promise(decided(chosen(voucher=voucher)), situation(f"s-{n}")).result().made[0].code for n in range(3)]
    assert codes == ["WIJN25"] * 3


def test_a_ghost_is_logged_and_remembered_but_promises_nothing(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    promised = ledger.promise(decided(ghosts=(chosen(),)), situation()).result()
    ledger.forget("s-1")
    assert history(ledger, "s-1") == (Happening("wine-tasting", "announced", now_s, "visit-of-s-1"),)
    assert (_rows(store), _waiting(store)) == ([], [])
    with store.read() as connection:
        row = decisions.find(connection, promised.decision)
    assert row is not None
    assert row.test_group == "control"
    assert [one["offer"] for one in row.outcome["ghosts"]] == ["wine-tasting"]
    assert ledger.counts["ghosts"] == 1


def test_a_call_for_staff_goes_to_staff_without_saying_whose(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    call = chosen("help", kind="staff_call", voucher=None, content=Content("Hulp gevraagd", "Bij de wijn."))
    ledger.promise(decided(call), situation("s-secret")).result()
    (waiting,) = _waiting(store)
    event = Event[StaffCall].model_validate_json(waiting.body)
    assert (waiting.topic, event.data.zone) == ("staff", "wine")
    assert "s-secret" not in waiting.body


def test_questions_and_invitations_say_what_their_cards_need(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    asked = Question("diet", (("vegan", "Veganistisch"), ("none", "Geen")), 86_400.0)
    invited = Invitation("share", Worth(amount_cents=500), Worth(percent=10))
    ledger.promise(
        decided(chosen("diet", kind="question", voucher=None, part=asked), chosen("friend", kind="invitation", part=invited)),
        situation(),
    ).result()
    cards = {row["offer"]: row for row in (json.loads(promised.body)["data"] for promised in _waiting(store))}
    assert cards["diet"]["question"]["answers"] == {"vegan": "Veganistisch", "none": "Geen"}
    assert cards["friend"]["invitation"] == {"to": "share", "reward": {"amount": 5.0}, "friend": {"percent": 10}}


def test_a_decision_without_any_offers_moment_is_not_logged(ledger: Ledger, store: Store, situation: Build) -> None:
    passed_by = Decision((), (), (Verdict("bread", Gate.MOMENT),), "b" * 64, Group.TREATED)
    assert ledger.promise(passed_by, situation()).result().made == ()
    with store.read() as connection:
        assert decisions.page(connection) == []


def test_silence_where_an_offer_waited_is_logged_with_its_inputs(
    ledger: Ledger, store: Store, decided: Build, situation: Build
) -> None:
    promised = ledger.promise(decided(), situation(history=(Happening("bread", "shown", 5.0, "v"),))).result()
    with store.read() as connection:
        row = decisions.find(connection, promised.decision)
    assert row is not None
    assert row.outcome["stopped"] == {"condition": ["cheese"]}
    assert situation_of(row.inputs) == situation(history=(Happening("bread", "shown", 5.0, "v"),))


def test_two_promises_of_one_offer_at_one_moment_are_two_in_memory_as_on_disk(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build
) -> None:
    for _ in range(2):
        ledger.promise(decided(chosen()), situation()).result()
    known = history(ledger, "s-1")
    ledger.forget("s-1")
    assert len(known) == 2
    assert history(ledger, "s-1") == known


def test_history_is_read_once_and_again_after_the_visit(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    ledger.promise(decided(chosen()), situation()).result()
    known = history(ledger, "s-1")
    ledger.forget("s-1")
    assert history(ledger, "s-1") == known == (Happening("wine-tasting", "announced", now_s, "visit-of-s-1"),)


def test_an_announcement_that_ended_unsent_gives_everything_back(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    pool = ("RED-1",)
    store.writer.submit(lambda connection: vouchers.fill_pool(connection, "wine-tasting", pool, exact=True)).result()
    offer = chosen(issues=1, voucher=PlannedVoucher(Worth(percent=10), Codes(CodeKind.POOL, pool=pool), 0, now_s + 9000))
    (made,) = ledger.promise(decided(offer), situation("s-1")).result().made
    store.writer.submit(lambda connection: sending.sweep(connection, now_s + 7201, ledger.release_unsent)).result()
    (again,) = ledger.promise(decided(offer), situation("s-2")).result().made
    assert (made.code, again.code) == ("RED-1", "RED-1")
    rows = {row.id: row.state for row in _rows(store)}
    assert rows == {made.promise: "withdrawn", again.promise: "reserved"}
    assert [row.topic for row in _waiting(store)] == ["offers/withdrawn", "offers"]
    ledger.forget("s-1")
    assert history(ledger, "s-1") == ()


def test_a_promise_that_may_have_been_seen_is_never_released(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    ledger.promise(decided(chosen(issues=1)), situation("s-1")).result()
    _hand_to_the_network(store)  # handed to the network, and nobody knows what became of it
    store.writer.submit(lambda connection: sending.sweep(connection, now_s + 7201, ledger.release_unsent)).result()
    assert [row.state for row in _rows(store)] == ["reserved"]
    assert not ledger.promise(decided(chosen(issues=1)), situation("s-2")).result().made


def test_a_shopper_who_is_erased_leaves_a_nameless_voucher_that_is_still_honoured(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(chosen()), situation("s-1")).result().made
    _hand_to_the_network(store)
    store.writer.submit(lambda connection: promises.erase(connection, "s-1")).result()
    (row,) = _rows(store)
    assert (row.shopper, row.visit, row.zone, row.decision) == (None, None, None, None)
    assert row.content["title"] == "Proef de nieuwe Rioja"
    assert ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1").answer == "valid"
    ledger.forget("s-1")
    assert history(ledger, "s-1") == ()


def test_erasing_cancels_what_was_never_sent_and_gives_its_share_back(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    ledger.promise(decided(chosen(issues=1)), situation("s-1")).result()
    store.writer.submit(lambda connection: promises.erase(connection, "s-1")).result()
    assert (_rows(store), _waiting(store)) == ([], [])
    assert ledger.promise(decided(chosen(issues=1)), situation("s-2")).result().made


def test_nothing_of_an_erased_shopper_is_left_in_the_log(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build
) -> None:
    ledger.promise(decided(chosen()), situation("s-1")).result()
    ledger.promise(decided(chosen()), situation("s-2")).result()
    with store.read() as connection:
        assert len(decisions.export(connection, "s-1")["decisions"]) == 1  # type: ignore[arg-type]  # a list of rows
    assert store.writer.submit(lambda connection: decisions.erase(connection, "s-1")).result() == 1
    with store.read() as connection:
        assert [row.shopper for row in decisions.page(connection)] == ["s-2"]


def test_export_tells_all_that_is_kept(ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build) -> None:
    ledger.promise(decided(chosen(), ghosts=(chosen("bread"),)), situation("s-1")).result()
    with store.read() as connection:
        held = subject.export_all(connection, "s-1")
    assert [row["offer"] for row in held["promises"]] == ["wine-tasting"]  # type: ignore[attr-defined]  # a list of rows
    assert [row["offer"] for row in held["happenings"]] == ["bread"]  # type: ignore[attr-defined]  # a list of rows


@pytest.mark.parametrize(("at_most", "of"), [(100, 3), (1, 4), (7, 7), (10**9, 11)])
def test_the_parts_of_a_cap_are_together_the_cap(at_most: int, of: int) -> None:
    assert sum(Allotment(part, of).cut(at_most) for part in range(of)) == at_most


def test_gateways_with_a_database_each_promise_together_exactly_to_the_cap(
    tmp_path: Path, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    pool = tuple(f"RED-{number}" for number in range(10))
    offer = chosen(issues=10, voucher=PlannedVoucher(Worth(percent=10), Codes(CodeKind.POOL, pool=pool), 0, now_s + 3600))
    codes: list[str | None] = []
    for number in (1, 2, 3):
        store = open_store(StorageSettings(path=tmp_path / f"{number}.db"))
        store.writer.submit(lambda connection: vouchers.fill_pool(connection, "wine-tasting", pool, exact=True)).result()
        ledger = Ledger(store, f"etalage/c/s/gw-{number}", OffersSettings(gateways=3, gateway_number=number))
        outcomes = [ledger.promise(decided(offer), situation(f"s-{n}")).result() for n in range(6)]
        codes.extend(one.code for outcome in outcomes for one in outcome.made)
        store.close()
    assert sorted(map(str, codes)) == sorted(set(map(str, codes)))
    assert 9 <= len(codes) <= 10


def test_a_gateway_that_is_none_of_them_stops_the_start() -> None:
    with pytest.raises(ValueError, match="count from 1"):
        OffersSettings(gateways=2, gateway_number=3)
