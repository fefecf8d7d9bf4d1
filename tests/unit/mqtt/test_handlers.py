"""One message, one transaction: handling, the mark that it was seen, the reply, and everything again after a loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from gateway.messages import (
    Event,
    OptInWithdrawn,
    Outcome,
    Profile,
    Receipt,
    RedemptionAnswer,
    RedemptionAsked,
    SyncPage,
)
from gateway.mqtt.handlers import SYNC_PATIENCE_S, InboundHandlers
from gateway.mqtt.intake import EVENTS, read
from gateway.mqtt.topics import GatewayIdentity
from gateway.objections import Objection
from gateway.offers.guesses import UNKNOWN_MAX
from gateway.settings import StorageSettings
from gateway.storage import Connection, Transaction, inbox, open_store, outbox, sending
from rules.texts import Language

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
NOT_NOW = Objection("", "not_now", "send it again")


def nothing(_tx: Transaction, _event: Event[Any]) -> Outcome:
    return Outcome()


@pytest.fixture
def connection(storage: StorageSettings) -> Iterator[Connection]:
    store = open_store(storage)
    with store.engine.begin() as opened:
        yield opened
    store.close()


def said(connection: Connection, topic: str) -> list[dict[str, Any]]:
    rows = connection.execute(select(outbox.outbox).where(outbox.outbox.c.topic == topic).order_by(outbox.outbox.c.seq))
    return [json.loads(row.body)["data"] for row in rows]


def event(type_: str, event_id: str = "e-1", **data: Any) -> Event[Any]:
    body = {"specversion": "1.0", "id": event_id, "source": "backend", "type": type_, "time": "2026-11-21T10:00:00Z", "data": data}
    found = read(json.dumps(body).encode(), EVENTS, 65_536)
    assert isinstance(found, Event)
    return found


def test_a_handler_for_a_type_that_is_not_in_the_contract_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"etalage\.horoscope"):
        InboundHandlers(BOX, {"etalage.horoscope": nothing})


def test_a_type_that_nobody_handles_is_refused(connection: Connection) -> None:
    tx = Transaction(connection)
    done = InboundHandlers(BOX, {}).work(event(Receipt.TYPE, promise="p-1", what="shown"), "replies", 1.0)(tx)
    assert done.what == "refused"
    assert said(connection, "replies")[0]["reasons"][0]["code"] == "not_handled"


def test_what_is_taken_in_part_is_accepted_with_reasons(connection: Connection) -> None:
    tx = Transaction(connection)
    part = Objection("data.products[1]", "unknown_product", "not sold here")
    handlers = InboundHandlers(BOX, {Receipt.TYPE: lambda _connection, _event: Outcome((part,))})
    assert handlers.work(event(Receipt.TYPE, promise="p-1", what="shown"), "replies", 1.0)(tx).what == "accepted"
    [reply] = said(connection, "replies")
    assert reply["accepted"] == "e-1"
    assert reply["reasons"][0]["path"] == "data.products[1]"


def test_a_reply_says_why_in_the_shop_s_language_and_its_code_stays(connection: Connection) -> None:
    tx = Transaction(connection)
    found = read(b"[]", {Receipt.TYPE}, 1000)
    for language in (Language.EN, Language.NL):
        InboundHandlers(BOX, {Receipt.TYPE: nothing}, language=language).work(found, f"replies/{language}", 1.0)(tx)
    [english], [dutch] = (said(connection, f"replies/{language}")[0]["reasons"] for language in (Language.EN, Language.NL))
    assert english == {"path": "", "code": "not_an_event", "text": "the message must be a CloudEvents object"}
    assert dutch == {"path": "", "code": "not_an_event", "text": "het bericht moet een CloudEvents-object zijn"}


def test_a_receipt_proves_that_its_announcement_arrived(connection: Connection) -> None:
    tx = Transaction(connection)
    row: dict[str, Any] = {"topic": "offers", "shopper": "s-1", "body": "{}", "at_s": 1.0, "expires_at_s": None}
    outbox.put(connection, event_id="p-1", **row)
    outbox.put(connection, event_id="p-2", **row)
    sending.claim(connection, ["p-1", "p-2"], 1.0)
    sending.acknowledge(connection, ["p-1", "p-2"])
    InboundHandlers(BOX, {Receipt.TYPE: nothing}).work(event(Receipt.TYPE, promise="p-1", what="delivered"), "replies", 2.0)(tx)
    assert sending.resend(connection, 2.0) == 1
    assert [one.event_id for one in sending.look(connection, room=9, at_s=3.0)[0] if one.topic == "offers"] == ["p-2"]


def test_what_a_failed_handler_wrote_is_taken_back(connection: Connection) -> None:
    tx = Transaction(connection)

    def half(tx: Transaction, _event: Event[Any]) -> Outcome:
        outbox.put(tx.connection, event_id="half", topic="staff", shopper=None, body="{}", at_s=1.0, expires_at_s=None)
        raise KeyError("gone")

    done = InboundHandlers(BOX, {Receipt.TYPE: half}).work(event(Receipt.TYPE, promise="p", what="shown"), "replies", 1.0)(tx)
    assert done.what == "failed"
    assert said(connection, "staff") == []
    assert said(connection, "replies")[0]["reasons"][0]["code"] == "failed"


def test_the_log_says_where_a_handler_failed_and_not_with_what(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    tx = Transaction(connection)

    def fail(_tx: Transaction, taken: Event[Any]) -> Outcome:
        raise KeyError(taken.data.promise)

    InboundHandlers(BOX, {Receipt.TYPE: fail}).work(event(Receipt.TYPE, promise="canary", what="shown"), "replies", 1.0)(tx)
    logged = "".join(capsys.readouterr())
    assert "KeyError at test_handlers.py" in logged
    assert "canary" not in logged


def test_a_new_database_asks_once_and_again_when_the_answer_stops_coming(connection: Connection) -> None:
    handlers = InboundHandlers(BOX, {})
    for at_s in (1000.0, 1001.0, 1000.0 + SYNC_PATIENCE_S):
        handlers.tidy(connection, at_s, 3600.0)
    assert said(connection, "sync/request") == [{"gateway": "gw-1", "cursor": None}] * 2


def test_a_synchronisation_that_is_done_is_not_asked_for_again(connection: Connection) -> None:
    tx = Transaction(connection)
    handlers = InboundHandlers(BOX, {})
    handlers.tidy(connection, 1000.0, 3600.0)
    handlers.work(event(SyncPage.TYPE, events=[], next=None), "replies", 1001.0)(tx)
    handlers.tidy(connection, 1000.0 + 10 * SYNC_PATIENCE_S, 3600.0)
    assert len(said(connection, "sync/request")) == 1


def test_everything_is_asked_for_again_only_once_for_a_reason(connection: Connection) -> None:
    handlers = InboundHandlers(BOX, {})
    handlers.ask_unless_since(connection, 1000.0, since_s=990.0)
    assert said(connection, "sync/request") == [], "a new database asks anyway"
    handlers.tidy(connection, 1000.0, 3600.0)
    handlers.ask_unless_since(connection, 1001.0, since_s=990.0)
    assert len(said(connection, "sync/request")) == 1
    handlers.ask_unless_since(connection, 1002.0, since_s=1001.5)
    handlers.ask_unless_since(connection, 1003.0, since_s=1001.5)
    assert len(said(connection, "sync/request")) == 2


def test_a_page_brings_a_profile_again_and_of_all_else_only_what_is_new(connection: Connection) -> None:
    tx = Transaction(connection)
    taken: list[str] = []

    def take(_tx: Transaction, given: Event[Any]) -> Outcome:
        taken.append(given.type)
        return Outcome()

    handlers = InboundHandlers(BOX, {Profile.TYPE: take, OptInWithdrawn.TYPE: take})
    sent = [
        document("pr-1", Profile.TYPE, shopper="s-1", version=1, attributes={}, affinities={}),
        document("oi-1", OptInWithdrawn.TYPE, shopper="s-2", version=2),
    ]
    for page in ("page-1", "page-2"):
        found = Event[SyncPage].model_validate(document(page, SyncPage.TYPE, events=sent, next=None))
        assert handlers.work(found, "replies", 1.0)(tx).what == "accepted"
    assert taken == [Profile.TYPE, OptInWithdrawn.TYPE, Profile.TYPE]


def document(event_id: str, type_: str, **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": event_id, "source": "backend", "type": type_, "time": "2026-11-21T10:00:00Z", "data": data}


def test_seen_messages_are_forgotten_after_their_time(connection: Connection) -> None:
    key = inbox.key_of("gw-1", "backend", "e-1")
    inbox.mark_seen(connection, key, 1000.0)
    InboundHandlers(BOX, {}).tidy(connection, 1000.0 + 100, 3600.0)
    assert inbox.is_seen(connection, key)
    InboundHandlers(BOX, {}).tidy(connection, 1000.0 + 3601, 3600.0)
    assert not inbox.is_seen(connection, key)


def test_what_is_remembered_of_a_message_tells_nothing_of_it() -> None:
    assert len(inbox.key_of("gw-1", "backend", "oi-s-1")) == 16
    assert inbox.key_of("g", "a", "bc") != inbox.key_of("g", "ab", "c")


def test_who_asks_again_and_again_finds_one_reply_the_last(connection: Connection) -> None:
    tx = Transaction(connection)
    refusing = InboundHandlers(BOX, {Receipt.TYPE: lambda _connection, _event: Outcome((NOT_NOW,), taken=False)})
    taking = InboundHandlers(BOX, {Receipt.TYPE: nothing})
    asked = event(Receipt.TYPE, promise="p-1", what="shown")
    for at_s in range(50):
        refusing.work(asked, "replies", float(at_s))(tx)
    taking.work(asked, "replies", 60.0)(tx)
    taking.work(event(Receipt.TYPE, "e-2", promise="p-1", what="tapped"), "replies", 61.0)(tx)
    assert [reply.get("accepted") for reply in said(connection, "replies")] == ["e-1", "e-2"]


def test_a_reply_that_is_on_its_way_gives_its_place_to_the_next(connection: Connection) -> None:
    tx = Transaction(connection)
    handlers = InboundHandlers(BOX, {Receipt.TYPE: nothing})
    asked = event(Receipt.TYPE, promise="p-1", what="shown")
    handlers.work(asked, "replies", 1.0)(tx)
    sending.claim_first(connection, 10, 1.5)
    handlers.work(asked, "replies", 2.0)(tx)
    assert len(said(connection, "replies")) == 1
    assert outbox.count(connection) == 1


def test_what_cannot_be_read_twenty_thousand_times_is_answered_once(connection: Connection) -> None:
    tx = Transaction(connection)
    handlers = InboundHandlers(BOX, {})
    for _ in range(30):
        handlers.work(read(b"{", EVENTS, 65_536), "replies/till-1", 1.0)(tx)
    assert [reply["reasons"][0]["code"] for reply in said(connection, "replies/till-1")] == ["not_json"]


def test_replies_let_announcements_and_withdrawals_go_first(connection: Connection) -> None:
    tx = Transaction(connection)
    handlers = InboundHandlers(BOX, {Receipt.TYPE: nothing})
    for number in range(20):
        handlers.work(event(Receipt.TYPE, f"e-{number}", promise="p-1", what="shown"), "replies", 1.0)(tx)
    row: dict[str, Any] = {"body": "{}", "at_s": 2.0, "expires_at_s": None}
    outbox.put(connection, event_id="p-1", topic="offers", shopper="s-1", **row)
    outbox.put(connection, event_id="w-1", topic="offers/withdrawn", shopper="s-2", urgent=True, **row)
    ready, _expired = sending.look(connection, room=3, at_s=3.0)
    assert [message.topic for message in ready] == ["offers/withdrawn", "offers", "replies"]


def test_a_message_that_no_database_can_store_is_refused_for_good(connection: Connection) -> None:
    tx = Transaction(connection)

    def overflow(_tx: Transaction, _event: Event[Any]) -> Outcome:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")

    done = InboundHandlers(BOX, {Receipt.TYPE: overflow}).work(event(Receipt.TYPE, promise="p", what="shown"), "replies", 1.0)(tx)
    assert done.what == "refused"
    assert said(connection, "replies")[0]["reasons"][0]["code"] == "not_storable"


def test_a_till_that_guesses_codes_over_mqtt_is_locked_and_leaves_no_rows(connection: Connection) -> None:
    tx = Transaction(connection)
    asked: list[str] = []

    def unknown(_tx: Transaction, taken: Event[Any]) -> Outcome:
        asked.append(taken.data.code)
        return Outcome(redemption=RedemptionAnswer(answer="unknown", code=taken.data.code))

    handlers = InboundHandlers(BOX, {RedemptionAsked.TYPE: unknown})
    for number in range(200):
        guess = event(RedemptionAsked.TYPE, f"g-{number}", till="till-1", code=f"AAAA-{number:04}")
        handlers.work(guess, "replies/till-1", 10.0 + number / 100)(tx)
    assert len(asked) == UNKNOWN_MAX
    other = event(RedemptionAsked.TYPE, "h-1", till="till-2", code="AAAA-0000")
    handlers.work(other, "replies/till-2", 12.0)(tx)
    assert len(asked) == UNKNOWN_MAX + 1
