"""What may be sent next, and who is to blame for a lost connection."""

from __future__ import annotations

from gateway.mqtt.in_flight import BREAKS_MAX, DROPS_MAX, SUSPECTS_MAX, WAIT_MAX_S, InFlight
from gateway.storage.sending import Waiting


def row(name: str, shopper: str | None = None) -> Waiting:
    return Waiting(name, "offers", shopper, "{}", None)


def send(in_flight: InFlight, mid: int, message: Waiting, now_s: float = 0.0) -> None:
    in_flight.sent(mid, message, now_s)


def drop_alone(in_flight: InFlight, mid: int, message: Waiting, now_s: float) -> None:
    send(in_flight, mid, message, now_s)
    in_flight.lost("lost", now_s)


def test_the_window_is_the_smaller_of_ours_and_the_brokers() -> None:
    in_flight = InFlight(16)
    assert in_flight.plan(0).room == 16
    in_flight.connected(4)
    assert in_flight.plan(0).room == 4
    in_flight.connected(65535)
    assert in_flight.plan(0).room == 16


def test_the_window_is_filled_again_when_half_of_it_is_free() -> None:
    in_flight = InFlight(16)
    for mid in range(9):
        send(in_flight, mid, row(f"m{mid}"))
    assert in_flight.plan(0).room == 0
    in_flight.acknowledged(0)
    assert in_flight.plan(0).room == 8


def test_a_broker_that_takes_one_at_a_time_gets_one_at_a_time() -> None:
    in_flight = InFlight(16)
    in_flight.connected(1)
    send(in_flight, 1, row("a"))
    assert in_flight.plan(0).room == 0
    assert in_flight.acknowledged(1) == row("a")
    assert in_flight.plan(0).room == 1


def test_a_shopper_with_a_message_under_way_waits_for_its_answer() -> None:
    in_flight = InFlight(16)
    send(in_flight, 1, row("a", "s-1"))
    plan = in_flight.plan(0)
    assert plan.busy == {"a"}
    assert plan.busy_shoppers == {"s-1"}


def test_a_notice_takes_room_but_is_never_suspect() -> None:
    in_flight = InFlight(16)
    in_flight.sent(1, None, 0)
    assert in_flight.plan(0).room == 15
    in_flight.lost("lost", 1)
    assert in_flight.suspects == 0


def test_all_that_was_under_way_is_suspect_and_goes_one_at_a_time() -> None:
    in_flight = InFlight(16)
    for mid, name in enumerate("abc"):
        send(in_flight, mid, row(name))
    in_flight.lost("lost", 1)
    in_flight.nothing_waits(in_flight.plan(1))
    tried = set()
    for mid in range(10, 13):
        plan = in_flight.plan(1)
        assert plan.room == 1
        assert plan.only is not None
        send(in_flight, mid, row(plan.only), 1)
        assert in_flight.plan(1).room == 0
        tried.add(in_flight.acknowledged(mid))
    assert tried == {row("a"), row("b"), row("c")}
    assert in_flight.plan(1).only is None


def test_a_message_that_breaks_every_connection_is_poison_once_others_got_through() -> None:
    in_flight, now_s = InFlight(16), 0.0
    for drop in range(DROPS_MAX):
        drop_alone(in_flight, drop, row("bad"), now_s)
        send(in_flight, 100 + drop, row(f"good-{drop}"), now_s)
        in_flight.acknowledged(100 + drop)
        now_s += WAIT_MAX_S
    [(event_id, reason)] = in_flight.poison()
    assert event_id == "bad"
    assert "3 times" in reason


def test_the_innocent_head_of_the_queue_is_not_blamed_for_an_outage() -> None:
    in_flight = InFlight(16)
    for drop in range(50):
        drop_alone(in_flight, drop, row("head"), drop * WAIT_MAX_S)
        in_flight.nothing_waits(in_flight.plan(drop * WAIT_MAX_S))
    assert in_flight.poison() == []
    assert in_flight.plan(51 * WAIT_MAX_S).only == "head"


def test_a_message_that_waits_all_alone_is_poison_after_three_connections_that_took_our_notices() -> None:
    in_flight, now_s = InFlight(16), 0.0
    for drop in range(BREAKS_MAX):
        assert in_flight.poison() == []
        in_flight.sent(1000 + drop, None, now_s)
        in_flight.acknowledged(1000 + drop)
        drop_alone(in_flight, drop, row("bad"), now_s)
        now_s += WAIT_MAX_S
    assert [event_id for event_id, _ in in_flight.poison()] == ["bad"]


def test_a_message_refused_by_name_is_never_poison_on_the_word_of_notices() -> None:
    """A wrong access list refuses all offers and takes all notices: the offers wait until it is mended."""
    in_flight = InFlight(16)
    for drop in range(50):
        in_flight.sent(1000 + drop, None, 0)
        in_flight.acknowledged(1000 + drop)
        send(in_flight, drop, row("a"))
        in_flight.refused(drop, "refused: Not authorized", 0)
    assert in_flight.poison() == []


def test_a_message_that_got_through_is_no_longer_suspect() -> None:
    in_flight = InFlight(16)
    drop_alone(in_flight, 1, row("a"), 0)
    send(in_flight, 2, row("a"), 5)
    assert in_flight.acknowledged(2) == row("a")
    assert in_flight.suspects == 0
    assert in_flight.plan(5).busy == frozenset()


def test_a_suspect_waits_longer_each_time_and_the_others_go_on() -> None:
    in_flight = InFlight(16)
    drop_alone(in_flight, 1, row("bad", "s-1"), 0)
    plan = in_flight.plan(0.5)
    assert (plan.room, plan.only) == (16, None)
    assert "bad" in plan.busy
    assert "s-1" in plan.busy_shoppers
    in_flight.nothing_waits(plan)
    assert in_flight.plan(1.0).only == "bad"
    drop_alone(in_flight, 2, row("bad", "s-1"), 1.0)
    in_flight.nothing_waits(in_flight.plan(1.0))
    assert in_flight.plan(2.5).only is None
    assert in_flight.plan(3.0).only == "bad"


def test_a_refusal_by_name_counts_against_that_message_alone() -> None:
    in_flight = InFlight(16)
    send(in_flight, 1, row("a"))
    send(in_flight, 2, row("b"))
    in_flight.refused(1, "refused: Quota exceeded", 0)
    assert in_flight.suspects == 1
    assert in_flight.acknowledged(2) == row("b")
    assert in_flight.plan(1).only == "a"


def test_a_broker_that_refuses_everything_is_not_shown_the_whole_queue() -> None:
    in_flight = InFlight(16)
    for number in range(SUSPECTS_MAX):
        send(in_flight, number, row(f"m{number}"))
        in_flight.refused(number, "refused: Not authorized", 0)
    assert in_flight.plan(0.5).room == 0
    assert in_flight.poison() == []


def test_a_message_that_left_the_outbox_is_forgotten() -> None:
    in_flight = InFlight(16)
    drop_alone(in_flight, 1, row("a"), 0)
    in_flight.gone("a")
    assert in_flight.plan(9).only is None


def test_a_silent_broker_is_noticed() -> None:
    in_flight = InFlight(16)
    send(in_flight, 1, row("a"), 10)
    assert not in_flight.overdue(29, 20)
    assert in_flight.overdue(31, 20)


def test_a_late_answer_to_nothing_we_know_changes_nothing() -> None:
    in_flight = InFlight(16)
    assert in_flight.acknowledged(7) is None
    in_flight.refused(7, "refused", 0)
    assert in_flight.suspects == 0


def test_after_each_loss_the_others_go_before_the_next_suspect() -> None:
    in_flight, now_s = InFlight(16), 0.0
    for mid in range(20):
        send(in_flight, mid, row(f"bad-{mid}"), now_s)
    in_flight.lost("lost", now_s)
    plan = in_flight.plan(now_s)
    assert (plan.room, plan.only) == (16, None)
    send(in_flight, 100, row("good"), now_s)
    in_flight.acknowledged(100)
    assert in_flight.plan(now_s).only is not None


def test_each_of_many_poisonous_messages_is_recognised_within_three_disconnects_while_others_go_on() -> None:
    """One till's account sent eighty answers to where none may go: a broker that closes the connection at each."""
    in_flight, now_s, mid, good, aside, losses = InFlight(16), 0.0, 0, 0, set[str](), 0
    bad = [f"bad-{number}" for number in range(80)]
    while len(aside) < len(bad):
        now_s += 1.0
        mid += 1
        in_flight.sent(mid, None, now_s)  # the birth on this connection
        in_flight.acknowledged(mid)
        plan = in_flight.plan(now_s)
        if plan.only is None:  # a window of good ones gets through, and one more bad one is met
            for _ in range(plan.room - 1):
                mid, good = mid + 1, good + 1
                send(in_flight, mid, row(f"good-{good}"), now_s)
                in_flight.acknowledged(mid)
            fresh = [name for name in bad if name not in aside and name not in plan.busy][: 1 if plan.room else 0]
        if (plan := in_flight.plan(now_s)).only is not None:
            fresh = [plan.only]
        for name in fresh:
            mid += 1
            send(in_flight, mid, row(name), now_s)
        if fresh:
            in_flight.lost("lost", now_s)
            losses += 1
        for event_id, _ in in_flight.poison():
            aside.add(event_id)
            in_flight.gone(event_id)
    assert losses <= 3 * len(bad)
    assert good >= losses
