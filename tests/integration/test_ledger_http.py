"""The till's, the staff's and the marketeer's calls, over the real application and database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.books.live import LiveBooks
from gateway.dashboard.api import books, decisions, promises, redemptions, trials
from gateway.dashboard.app import create_app
from gateway.messages import Event, Receipt
from gateway.offers.ledger import Ledger
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from rules import Situation, Value, decide
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

NOON_S = 1_795_258_800.0
BOOK = """
book: demo
salt: demo-2026
offers:
- id: wine
  kind: voucher
  at: {event: enter, zone: wine}
  if: stage in [regular, fan]
  caps: {issues: 2}
  voucher: {worth: {percent: 10}, cost: 2.5, codes: {generated: 8}}
  content: {nl: {title: "10 % op wijn"}, en: {title: "10 % off wine"}}
"""
Call = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh database."""
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """A ledger on it."""
    return Ledger(store, "etalage/demo-chain/demo/gw-1")


@pytest.fixture
def call(store: Store, ledger: Ledger) -> Call:
    """Call the API in a role: (status, body)."""
    plan = load_plan(PLAN_FILE)
    routers = [
        redemptions.router(ledger, store, lambda: NOON_S + 60),
        promises.router(store, ledger, lambda: NOON_S + 60),
        decisions.router(store),
        books.router(store, plan.zone_ids, lambda: NOON_S + 60),
        trials.router(store, plan.zone_ids, lambda: NOON_S + 60),
    ]
    app = create_app(PretendView(plan), settings=DashboardSettings(hosts=("testserver",)), store=store, routers=routers)
    tokens: dict[tuple[Role, str], str] = {}
    for role, name in [(role, role.value) for role in Role if role is not Role.OWNER] + [(Role.MARKETEER, "second")]:
        tokens[role, name] = store.writer.submit(partial(create_token, name=name, role=role, at_s=0.0)).result()

    def called(method: str, path: str, role: Role = Role.ADMIN, name: str = "", language: str = "nl", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[role, name or role.value]}", "Accept-Language": language}

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
                return await client.request(method, f"/api/v1{path}", headers=headers, json=body or None)

        answer = asyncio.run(ask())
        return answer.status_code, answer.json()

    return called


@pytest.fixture
def live(call: Call) -> str:
    """The book, brought to life over the API by two marketeers."""
    _, added = call("POST", "/books", Role.MARKETEER, document=BOOK)
    book = str(added["book"]["hash"])
    for step, who in (("check", "marketeer"), ("approve", "second"), ("live", "second")):
        status, _ = call("POST", f"/books/{book}/steps", Role.MARKETEER, name=who, step=step)
        assert status == 200
    return book


@pytest.fixture
def code(live: str, store: Store, ledger: Ledger) -> str:
    """The code of a promise that the live book made."""
    live_books = LiveBooks(store, ("wine",))
    live_books.refresh()
    book = live_books.snapshot.at("wine")
    assert book is not None
    facts: dict[str, Value] = {"stage": "fan", "open": True}
    purposes = frozenset({"recognise", "offers"})
    situation = Situation("s-1", NOON_S, "enter", "wine", 0, "v", purposes, "nl", facts, {}, (), 6, frozenset())
    return str(ledger.promise(decide(book, situation), situation).result().made[0].code)


def test_a_till_redeems_once_and_gets_the_same_answer_to_the_same_key(call: Call, code: str) -> None:
    status, told = call("POST", "/redemptions", Role.TILL, code=code.lower(), key="k-1")
    assert status == 200
    assert (told["answer"], told["title"], told["value"]) == ("valid", "10 % op wijn", {"percent": 10})
    assert call("POST", "/redemptions", Role.TILL, code=code.lower(), key="k-1") == (200, told)
    assert call("POST", "/redemptions", Role.TILL, code=code, key="k-2")[1]["answer"] == "already_used"
    assert call("POST", "/redemptions/reversals", Role.TILL, code=code, key="k-3")[1]["answer"] == "reversed"
    _, asked = call("GET", "/redemptions", Role.STAFF)
    assert sorted((one["till"], one["answer"]) for one in asked) == [
        ("till", "already_used"),
        ("till", "reversed"),
        ("till", "valid"),
    ]


def test_a_key_used_for_something_else_is_a_conflict_said_in_the_callers_language(call: Call, code: str) -> None:
    call("POST", "/redemptions", Role.TILL, code=code, key="k-1")
    status, problem = call("POST", "/redemptions", Role.TILL, language="en", code="OTHER", key="k-1")
    assert (status, problem["type"]) == (409, "urn:etalage:problem:key_reused")
    assert "k-1" in problem["title"]


def test_a_redemption_told_from_the_future_counts_as_now(call: Call, code: str) -> None:
    _, told = call("POST", "/redemptions", Role.TILL, code=code, key="k-1", at_s=NOON_S + 10 * 86_400)
    assert (told["answer"], told["redeemed_at_s"]) == ("valid", NOON_S + 60)
    assert datetime.fromisoformat(told["redeemed_at"]).timestamp() == NOON_S + 60


def test_a_till_may_redeem_and_nothing_else(call: Call, live: str) -> None:
    assert call("GET", "/promises", Role.TILL)[0] == 403
    assert call("GET", "/books", Role.TILL)[0] == 403
    assert call("GET", "/decisions", Role.STAFF)[0] == 403
    assert call("POST", "/redemptions", Role.VIEWER, code="X", key="k")[0] == 403
    assert call("POST", f"/books/{live}/steps", Role.STAFF, step="pause")[0] == 403


def test_staff_see_what_was_promised_and_never_to_whom(call: Call, code: str) -> None:
    _, (promise,) = call("GET", "/promises?state=reserved&offer=wine", Role.STAFF)
    assert (promise["code"], promise["content"]["title"]) == (code, "10 % op wijn")
    assert "shopper" not in promise
    assert call("GET", f"/promises/{promise['id']}", Role.STAFF) == (200, promise)
    assert call("GET", "/promises/none", Role.STAFF)[0] == 404
    _, standing = call("GET", "/promises/tally", Role.VIEWER)
    assert standing == {"offers": {"wine": {"reserved": 1}}, "caps": {"offer/wine/issues": 1}}


def test_a_receipt_that_fits_no_promise_is_kept_for_the_report(call: Call, store: Store, ledger: Ledger) -> None:
    sent = {"specversion": "1.0", "id": "r-1", "source": "backend", "type": Receipt.TYPE, "time": "2026-11-21T12:00:00Z"}
    event = Event[Receipt].model_validate(sent | {"data": {"promise": "never-made", "what": "shown"}})
    store.writer.transact(partial(ledger.take_receipt, event=event)).result()
    _, (unmatched,) = call("GET", "/promises/unmatched", Role.STAFF)
    assert (unmatched["promise"], unmatched["what"], unmatched["reason"]) == ("never-made", "shown", "unknown_promise")


def test_a_marketeer_reads_why_in_both_languages(call: Call, code: str) -> None:
    _, (decision,) = call("GET", "/decisions?shopper=s-1", Role.MARKETEER)
    assert decision["chosen"][0]["offer"] == "wine"
    _, explained = call("GET", f"/decisions/{decision['id']}", Role.MARKETEER)
    (why,) = explained["why"]
    assert (why["offer"], why["gate"]) == ("wine", "chosen")
    assert why["text"]["nl"] != why["text"]["en"]
    assert call("GET", "/decisions/none", Role.MARKETEER)[0] == 404


def test_a_books_life_is_told_and_a_wrong_step_refused(call: Call, live: str) -> None:
    _, whole = call("GET", f"/books/{live[:8]}", Role.MARKETEER)
    assert [(step["state"], step["person"]) for step in whole["life"]] == [
        ("draft", "marketeer"),
        ("checked", "marketeer"),
        ("approved", "second"),
        ("live", "second"),
    ]
    status, problem = call("POST", f"/books/{live}/steps", Role.MARKETEER, language="nl", step="approve")
    assert (status, problem["type"]) == (409, "urn:etalage:problem:step_refused")
    assert "boek" in problem["title"]
    assert call("POST", "/books/rollback", Role.MARKETEER)[0] == 409
    assert call("POST", f"/books/{live}/steps", Role.MARKETEER, step="pause", note="queue")[1]["book"]["state"] == "paused"
    assert call("GET", "/books/abcdef", Role.MARKETEER)[0] == 404


def test_a_faulty_document_is_refused_with_the_nearest_right_word(call: Call) -> None:
    status, problem = call("POST", "/books", Role.MARKETEER, language="en", document=BOOK.replace("stage in", "stagee in"))
    assert (status, problem["type"]) == (422, "urn:etalage:problem:faulty_book")
    assert "stage" in problem["title"]


def test_a_book_goes_ahead_only_in_zones_that_exist(call: Call, live: str) -> None:
    assert call("POST", f"/books/{live}/steps", Role.MARKETEER, step="live", zones=["atlantis"])[0] == 422


def test_a_draft_is_compared_with_the_past(call: Call, code: str) -> None:
    _, added = call("POST", "/books", Role.MARKETEER, document=BOOK.replace("[regular, fan]", "[new]"))
    _, compared = call("GET", f"/books/{added['book']['hash']}/replay?days=1", Role.MARKETEER)
    assert (compared["decisions"], compared["changed"], compared["lost"]) == (1, 1, {"wine": 1})


def test_a_draft_is_tried_with_its_own_cases(call: Call) -> None:
    case = "cases: [{name: A stranger, given: {event: enter, zone: wine, at: 2026-11-21T12:00}, because: {wine: condition}}]"
    _, added = call("POST", "/books", Role.MARKETEER, document=f"{BOOK}{case}\n")
    status, tried = call("GET", f"/books/{added['book']['hash']}/cases", Role.MARKETEER)
    assert (status, tried["passed"]) == (200, False)
    (run,) = tried["cases"]
    assert run["differs"] == [{"offer": "wine", "expected": "condition", "actual": "unknown"}]
    assert tried["offers"] == [{"offer": "wine", "chosen": 0, "stopped": {"unknown": 1}}]


def test_a_book_says_what_it_would_do_in_any_situation(call: Call, live: str) -> None:
    given = {"event": "enter", "zone": "wine", "facts": {"stage": "fan"}, "at": "2027-02-03T17:30"}
    status, decided = call("POST", f"/books/{live}/dry-run", Role.MARKETEER, given=given)
    assert (status, decided["chosen"]) == (200, ["wine"])
    _, decided = call("POST", f"/books/{live}/dry-run", Role.MARKETEER, given={"event": "enter", "zone": "wine"})
    assert decided["chosen"] == []
    assert decided["why"][0]["text"]["nl"].startswith("wine: ")


@pytest.mark.parametrize(
    ("given", "path", "told"),
    [
        ({"event": "entr"}, "body.given.event", "bedoelde u `enter`?"),
        ({"event": "enter", "facts": {"stagee": "fan"}}, "body.given.facts.stagee", "bedoelde u `stage`?"),
        ({"event": "enter", "facts": {"stage": "fann"}}, "body.given.facts.stage", "bedoelde u `fan`?"),
        ({"event": "enter", "zone": "wien"}, "body.given.zone", "bedoelde u `wine`?"),
        ({"event": "enter", "exhausted": ["whine"]}, "body.given.exhausted", "bedoelde u `wine`?"),
        ({"event": "enter", "at": "0001-01-01"}, "body.given.at", "geen datum"),
        ({}, "body.given.event", "event"),
    ],
)
def test_a_situation_that_cant_be_is_refused_with_the_nearest_right_word(
    call: Call, live: str, given: dict[str, Any], path: str, told: str
) -> None:
    status, problem = call("POST", f"/books/{live}/dry-run", Role.MARKETEER, given=given)
    assert (status, problem["type"]) == (422, "urn:etalage:problem:invalid")
    (fault,) = problem["errors"]
    assert fault["path"] == path
    assert told in fault["text"]
