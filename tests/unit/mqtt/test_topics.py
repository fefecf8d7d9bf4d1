"""Who we are on the wire."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.topics import answer_topic, identity_of, may_write
from gateway.settings import StoreSettings

BOX = identity_of(StoreSettings(chain="demo-chain", store="demo", gateway="gw-1"))


def test_topics_begin_with_version_chain_and_store() -> None:
    assert BOX.prefix == "etalage/v1/demo-chain/demo/"
    assert BOX.status_topic == "etalage/v1/demo-chain/demo/gateways/gw-1/status"


def test_client_ids_hold_no_dot_and_no_space_and_differ_by_way() -> None:
    ids = {BOX.client_id("out"), BOX.client_id("in"), BOX.client_id("consents"), BOX.client_id("sightings")}
    assert len(ids) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in ids)


@pytest.mark.parametrize(
    ("asked_on", "wanted", "answered_on"),
    [
        ("redemptions/till-1", "", "replies/till-1"),
        ("redemptions/till-1", "replies/till-1", "replies/till-1"),
        ("redemptions/till-1", "replies/till-1/lane-3", "replies/till-1"),
        ("redemptions/till-1", "replies/till-2", "replies/till-1"),
        ("redemptions/till-1", "replies", "replies/till-1"),
        ("redemptions/till-1", "replies/" + "/" * 200, "replies/till-1"),
        ("redemptions/till-1", "replies/till-1/" + "x" * 200, "replies/till-1"),
        ("redemptions/till-1", "replies/till-1/+", "replies/till-1"),
        ("redemptions/till-1", "offers", "replies/till-1"),
        ("purchases/till-1", "replies/till-2", "replies/till-1"),
        ("purchases/app", "", "replies"),
        ("receipts", "replies/app-7", "replies/app-7"),
        ("receipts", "replies/app-7/deeper", "replies"),
        ("receipts", "optins", "replies"),
    ],
)
def test_an_answer_goes_where_who_asked_may_read_and_nowhere_else(asked_on: str, wanted: str, answered_on: str) -> None:
    assert answer_topic(asked_on, wanted) == answered_on


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_asked_the_answer_is_one_that_the_gateway_may_write(asked_on: str, wanted: str) -> None:
    assert may_write(answer_topic(asked_on, wanted))
    assert may_write(answer_topic(f"redemptions/{asked_on}", f"replies/{wanted}"))


@pytest.mark.parametrize("topic", ["offers", "offers/withdrawn", "staff", "sync/request", "zones/wine/occupancy", "replies/till-1"])
def test_the_gateway_may_write_what_the_contract_says_it_does(topic: str) -> None:
    assert may_write(topic)


@pytest.mark.parametrize(
    "topic", ["", "optins", "receipts", "replies/", "replies//", "zones/+/occupancy", "offers/", "replies/a/b"]
)
def test_the_gateway_may_write_nothing_else(topic: str) -> None:
    assert not may_write(topic)
