"""The courier's flight over a broker that loses connections, refuses and forgets: all gets through, poison alone is set aside."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt.in_flight import InFlight
from gateway.storage.sending import Waiting


def deliver(messages: list[Waiting], poison: set[str], seed: int, loss: float, receive_max: int) -> tuple[list[str], set[str]]:
    """Send `messages` through a simulated broker until nothing is left; what arrived in order, and what was set aside."""
    rng, in_flight, now_s, mid = Random(seed), InFlight(16), 0.0, 0
    in_flight.connected(receive_max)
    waiting = {message.event_id: message for message in messages}
    arrived: list[str] = []
    aside: set[str] = set()
    for _ in range(5_000):
        if not waiting:
            break
        now_s += 2.0
        plan = in_flight.plan(now_s)
        assert plan.room <= receive_max
        free = [m for m in waiting.values() if m.event_id not in plan.busy and m.shopper not in plan.busy_shoppers]
        first = {m.shopper or m.event_id: m for m in reversed(free)}
        chosen = [waiting[plan.only]] if plan.only else list(reversed(first.values()))[: plan.room]
        if not chosen:
            in_flight.nothing_waits(plan)
        sent = []
        for message in chosen[: plan.room]:
            mid += 1
            in_flight.sent(mid, message, now_s)
            sent.append((mid, message))
        assert in_flight.under_way <= receive_max
        shoppers = [message.shopper for _, message in sent if message.shopper]
        assert len(shoppers) == len(set(shoppers))
        for number, message in sent:
            got_in = message.event_id not in poison and rng.random() >= loss
            if got_in:
                arrived.append(message.event_id)
            if not got_in or rng.random() < loss:  # lost before it arrived, or before the answer did
                in_flight.lost("lost", now_s)
                mid += 1
                in_flight.sent(mid, None, now_s)  # the birth on the next connection
                in_flight.acknowledged(mid)
                break
            assert in_flight.acknowledged(number) == message
            del waiting[message.event_id]
        for event_id, _ in in_flight.poison():
            aside.add(event_id)
            del waiting[event_id]
            in_flight.gone(event_id)
    return arrived, aside


@settings(deadline=None)
@given(
    count=st.integers(1, 40),
    shoppers=st.integers(1, 6),
    poisonous=st.sets(st.integers(0, 39), max_size=3),
    seed=st.integers(0, 10_000),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    receive_max=st.integers(1, 20),
)
def test_everything_but_poison_gets_through_in_order_per_shopper(
    count: int, shoppers: int, poisonous: set[int], seed: int, loss: float, receive_max: int
) -> None:
    messages = [Waiting(f"m-{n:03}", "offers", f"s-{n % shoppers}", "{}", None) for n in range(count)]
    poison = {f"m-{n:03}" for n in poisonous if n < count}
    arrived, aside = deliver(messages, poison, seed, loss, receive_max)
    assert poison <= aside
    assert loss > 0 or aside == poison
    assert {message.event_id for message in messages} == set(arrived) | aside
    for shopper in range(shoppers):
        lane = [key for key in arrived if int(key[2:]) % shoppers == shopper]
        firsts = list(dict.fromkeys(lane))
        assert firsts == sorted(firsts)
