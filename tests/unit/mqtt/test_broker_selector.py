"""Which broker is tried next, and after what pause."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.broker_selector import FIRST_PAUSE_S, BrokerSelector, Endpoint

TWO = ("mqtts://first.example", "mqtt://127.0.0.1:1884")


def test_a_broker_is_addressed_with_the_port_of_its_scheme() -> None:
    selector = BrokerSelector(TWO, "5", 60, Random(1))
    assert selector.endpoint == Endpoint("first.example", 8883, True, "5")
    selector.unreachable()
    assert selector.endpoint == Endpoint("127.0.0.1", 1884, False, "5")


def test_a_broker_that_refuses_is_tried_with_the_older_protocol_at_once() -> None:
    selector = BrokerSelector(TWO, "auto", 60, Random(1))
    selector.refused()
    assert (selector.endpoint.host, selector.endpoint.protocol) == ("first.example", "3.1.1")
    assert selector.pause_s() == 0.0


def test_an_unreachable_broker_says_nothing_about_its_protocol() -> None:
    selector = BrokerSelector(TWO, "auto", 60, Random(1))
    selector.unreachable()
    assert (selector.endpoint.host, selector.endpoint.protocol) == ("127.0.0.1", "5")
    selector.unreachable()
    assert (selector.endpoint.host, selector.endpoint.protocol) == ("first.example", "5")


def test_a_lost_connection_is_made_again_through_the_same_endpoint() -> None:
    selector = BrokerSelector(TWO, "auto", 60, Random(1))
    selector.refused()
    before = selector.endpoint
    selector.lost()
    assert selector.endpoint == before


def test_a_connection_that_is_lost_again_and_again_is_not_made_again_at_once() -> None:
    selector = BrokerSelector(TWO, "auto", 60, Random(1))
    selector.refused()
    selector.lost()
    assert selector.endpoint.protocol == "3.1.1"
    assert selector.pause_s() > 0


def test_the_pause_starts_over_once_a_connection_has_held() -> None:
    selector = BrokerSelector(TWO[1:], "5", 60, Random(1))
    for _ in range(8):
        selector.lost()
    assert selector.pause_s() > 10
    selector.held()
    assert selector.pause_s() == 0.0
    selector.lost()
    assert selector.pause_s() <= FIRST_PAUSE_S


@given(st.integers(1, 200), st.floats(1, 300), st.integers())
def test_the_pause_grows_with_jitter_and_never_beyond_its_limit(failures: int, pause_max_s: float, seed: int) -> None:
    selector = BrokerSelector(TWO[1:], "5", pause_max_s, Random(seed))
    for _ in range(failures):
        selector.lost()
    whole = min(FIRST_PAUSE_S * 2 ** (failures - 1), pause_max_s) if failures < 40 else pause_max_s
    assert whole / 2 <= selector.pause_s() <= whole


def test_a_hundred_shops_do_not_come_back_in_the_same_moment() -> None:
    pauses = set()
    for shop in range(100):
        selector = BrokerSelector(TWO[1:], "5", 60, Random(shop))
        selector.lost()
        pauses.add(round(selector.pause_s(), 3))
    assert len(pauses) > 60
