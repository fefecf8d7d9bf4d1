"""Bytes in, an event or reasons out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.messages import Event, OptInGiven
from gateway.mqtt.intake import DEPTH_MAX, EVENTS, REASONS_MAX, Refused, read, said_by, types_of
from rules.texts import Language

OPT_IN: dict[str, Any] = {
    "specversion": "1.0",
    "id": "oi-81",
    "source": "backend",
    "type": "etalage.optin.given",
    "time": "2026-11-21T10:00:00Z",
    "data": {
        "shopper": "s-1",
        "version": 3,
        "purposes": ["recognise", "offers"],
        "language": "nl",
        "identity": {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}},
        "consent": {"text": "2026-03", "channel": "app"},
    },
}
OPT_INS = types_of("optins")


def refusal_of(document: object) -> Refused:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = read(body, OPT_INS, 65_536)
    assert isinstance(found, Refused)
    return found


def changed(**data: Any) -> dict[str, Any]:
    return {**OPT_IN, "data": {**OPT_IN["data"], **data}}


def test_an_opt_in_as_the_contract_shows_it_is_read() -> None:
    found = read(json.dumps(OPT_IN).encode(), OPT_INS, 65_536)
    assert isinstance(found, Event)
    assert isinstance(found.data, OptInGiven)
    assert found.data.identity.beacon is not None
    assert found.data.identity.beacon.minor == 1


def test_fields_that_are_not_known_are_passed_over() -> None:
    found = read(json.dumps({**changed(shoe_size=43), "datacontenttype": "application/json"}).encode(), OPT_INS, 65_536)
    assert isinstance(found, Event)


@pytest.mark.parametrize(
    ("topic", "type_"),
    [
        ("optins", "etalage.optin.withdrawn"),
        ("profiles", "etalage.profile"),
        ("receipts", "etalage.receipt"),
        ("sync/pages/gw-1", "etalage.sync.page"),
    ],
)
def test_each_topic_carries_its_own_types(topic: str, type_: str) -> None:
    assert type_ in types_of(topic)
    assert type_ in EVENTS


@pytest.mark.parametrize(
    "topic", ["offers", "replies", "sync/pages/", "sync/pages/a/b", "sync/pages/A", "optins/x", "sightings/a", ""]
)
def test_other_topics_carry_nothing_for_the_inbox(topic: str) -> None:
    assert types_of(topic) == frozenset()


def test_a_type_on_the_wrong_topic_is_refused() -> None:
    found = read(json.dumps(OPT_IN).encode(), types_of("receipts"), 65_536)
    assert isinstance(found, Refused)
    assert (found.event_id, found.reasons[0].code, found.reasons[0].path) == ("oi-81", "unknown_type", "type")


def test_an_unknown_purpose_is_named_by_its_place() -> None:
    found = refusal_of(changed(purposes=["recognise", "offers", "sell_my_data"]))
    assert [(reason.path, reason.code) for reason in found.reasons] == [("data.purposes[2]", "unknown_purpose")]


@pytest.mark.parametrize("shopper", ["jan@example.nl", "Jan Jansen", "", "x" * 65])
def test_a_shopper_must_be_a_pseudonym_and_the_refusal_does_not_repeat_it(shopper: str) -> None:
    found = refusal_of(changed(shopper=shopper))
    assert found.reasons[0].path == "data.shopper"
    assert not shopper or shopper not in found.reasons[0].said(Language.EN)


def test_a_key_that_was_sent_wrong_is_not_repeated() -> None:
    found = refusal_of(changed(identity={"rotating": {"uuid": "zz", "key": "0123456789abcdef"}, "beacon": None}))
    assert all("0123456789abcdef" not in reason.said(Language.EN) for reason in found.reasons)


def test_a_message_that_is_too_large_is_refused_unread() -> None:
    found = read(b"[" * 70_000, OPT_INS, 65_536)
    assert isinstance(found, Refused)
    assert found.reasons[0].code == "too_large"


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"{", b"null x", b"[" * 60_000, b'{"a": NaN}', b'{"id": "\\ud800"}', b"\0", b'"\xc3\x28"']
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refusal_of(body).reasons[0].code == "not_json"


@pytest.mark.parametrize("document", [None, 1, "x", [], [OPT_IN]])
def test_json_that_is_no_event_is_refused(document: object) -> None:
    assert refusal_of(document).reasons[0].code == "not_an_event"


def test_deep_nesting_is_refused_with_the_messages_id() -> None:
    deep: Any = "end"
    for _ in range(DEPTH_MAX + 1):
        deep = {"a": deep}
    found = refusal_of(changed(extra=deep))
    assert (found.event_id, found.reasons[0].code) == ("oi-81", "too_deep")


def test_a_message_wrong_in_a_thousand_places_is_told_twenty() -> None:
    found = refusal_of(changed(purposes=["x"] * 1000, consent={str(n): n for n in range(1000)}))
    assert 0 < len(found.reasons) <= REASONS_MAX


def test_a_till_speaks_on_its_own_topic_only() -> None:
    asked = {**OPT_IN, "type": "etalage.redemption.asked", "data": {"till": "till-1", "code": "7KQ2-MX4P"}}
    found = read(json.dumps(asked).encode(), types_of("redemptions/till-1"), 65_536)
    assert said_by(found, "redemptions/till-1") is found
    elsewhere = said_by(found, "redemptions/till-2")
    assert isinstance(elsewhere, Refused)
    assert [(reason.path, reason.code) for reason in elsewhere.reasons] == [("data.till", "wrong_till")]


@pytest.mark.parametrize("event_id", [None, 7, "", "x" * 129, ["a"]])
def test_an_id_that_is_none_is_not_echoed(event_id: object) -> None:
    assert refusal_of({**OPT_IN, "id": event_id}).event_id is None


@pytest.mark.parametrize("version", [0, -1, 1 << 63, 10**30])
def test_a_version_that_no_database_has_room_for_is_refused_by_its_bounds(version: int) -> None:
    [reason] = refusal_of(changed(version=version)).reasons
    assert reason.path == "data.version"
    assert reason.code in {"greater_than_equal", "less_than"}


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"specversion": None}, "specversion", "unknown_word"),
        ({"time": 1795255200}, "time", "not_rfc_3339"),
        ({"time": "2026-11-21"}, "time", "not_rfc_3339"),
        ({"time": "2026-11-21T10:00:00"}, "time", "not_rfc_3339"),
        (changed(version="3"), "data.version", "int_type"),
        (changed(version=True), "data.version", "int_type"),
        (changed(version=1 << 63), "data.version", "less_than"),
        (changed(shopper="0612345678"), "data.shopper", "looks_like_a_number"),
        (changed(identity={"rotating": {"uuid": "9f" * 16, "key": "abcd"}}), "data.identity.rotating.key", "wrong_key"),
    ],
)
def test_what_pydantic_would_have_made_fit_is_refused_as_the_schema_has_it(change: dict[str, Any], place: str, code: str) -> None:
    refused = refusal_of({**OPT_IN, **change})
    assert [(reason.path, reason.code) for reason in refused.reasons] == [(place, code)]


def test_a_whole_number_may_have_a_point_as_in_json() -> None:
    found = read(json.dumps(changed(version=3.0)).encode(), OPT_INS, 65_536)
    assert isinstance(found, Event)
    assert found.data.version == 3


def test_a_till_s_id_has_at_most_64_characters() -> None:
    asked = {**OPT_IN, "type": "etalage.redemption.asked", "data": {"till": "till-1", "code": "7KQ2-MX4P"}}
    for length, fits in ((64, True), (65, False)):
        found = read(json.dumps({**asked, "id": "k" * length}).encode(), types_of("redemptions/till-1"), 65_536)
        reasons = found.reasons if isinstance(found, Refused) else ()
        assert [(one.path, one.code) for one in reasons] == ([] if fits else [("id", "too_long")])
