"""Another scanner's clock, corrected by this box's: delays, steps, outliers and backlogs are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import USABLE_S
from gateway.radio.sender_clock import TOLERANCE_S, SenderClock

NOW_S = 1_795_000_000.0


def heard(clock: SenderClock, *messages: tuple[float, float]) -> list[float]:
    """The ages of messages, each of (claimed, received) seconds after NOW_S, as they come in."""
    ages = []
    for claimed_s, received_s in messages:
        clock.note(NOW_S + claimed_s, NOW_S + received_s)
        ages.append(round(clock.age_s(NOW_S + claimed_s, NOW_S + received_s), 3))
    return ages


def test_the_networks_delay_alone_is_left_as_it_is() -> None:
    clock = SenderClock()
    assert heard(clock, (0.0, 0.4), (1.0, 1.1), (2.0, 3.5)) == [0.4, 0.1, 1.5]
    assert clock.offset_s == 0.0


@pytest.mark.parametrize("off_s", [-86400.0, -10.0, 10.0, 3600.0])
def test_a_clock_that_is_off_is_believed_to_be_with_the_second_message(off_s: float) -> None:
    clock = SenderClock()
    first, second, third = heard(clock, (-off_s, 0.05), (1 - off_s, 1.15), (2 - off_s, 2.05))
    assert first == pytest.approx(off_s, abs=0.1)
    assert (second, third) == (0.1, 0.0)


def test_a_clock_that_was_never_set_is_corrected_at_once() -> None:
    clock = SenderClock()
    assert heard(clock, (-NOW_S + 30, 0.0), (-NOW_S + 31, 1.1)) == [0.0, 0.1]


def test_a_clock_that_is_set_right_is_followed_at_once() -> None:
    clock = SenderClock()
    heard(clock, (-3600, 0), (-3599, 1))
    assert clock.offset_s == 3600
    assert heard(clock, (2, 2.2)) == [0.2]
    assert clock.offset_s == 0.0


def test_one_stamp_that_is_a_day_off_changes_nothing() -> None:
    clock = SenderClock()
    ages = heard(clock, (0, 0.1), (86401, 1.1), (2, 2.1), (-86397, 3.1), (4, 4.1))
    assert ages[::2] == [0.1, 0.1, 0.1]
    assert clock.offset_s == 0.0


def test_a_clock_that_goes_wrong_by_little_more_each_time_is_followed_too() -> None:
    clock = SenderClock()
    ages = heard(clock, *((second * 0.99, second + 0.1) for second in range(3600)))
    assert max(ages) <= TOLERANCE_S + 0.2
    assert min(ages) >= -TOLERANCE_S


def test_this_boxs_own_step_by_a_day_costs_a_second() -> None:
    clock = SenderClock()
    ages = heard(clock, *((second, second + 0.1 + (86400 if second >= 100 else 0)) for second in range(200)))
    assert [second for second, age in enumerate(ages) if not -TOLERANCE_S <= age <= USABLE_S] == [100]


@given(
    backlog_s=st.floats(USABLE_S + TOLERANCE_S, 86400),
    messages=st.integers(2, 1000),
    pace=st.floats(0.0, 0.3),
    every_s=st.floats(0.1, 5),
)
def test_a_backlog_is_never_taken_for_a_clock(backlog_s: float, messages: int, pace: float, every_s: float) -> None:
    """However long a link was down, what waited comes faster than it was made, and grows younger as it comes."""
    clock = SenderClock()
    for number in range(messages):
        claimed_s = -backlog_s + number * every_s
        received_s = number * every_s * pace
        if received_s - claimed_s < TOLERANCE_S:
            break
        clock.note(NOW_S + claimed_s, NOW_S + received_s)
        assert clock.age_s(NOW_S + claimed_s, NOW_S + received_s) > 0
        if pace < 0.2:
            assert clock.offset_s == 0.0


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 10)), max_size=60))
def test_a_clock_that_comes_right_is_right_whatever_it_said_before(story: list[tuple[float, float]]) -> None:
    clock, received_s = SenderClock(), 0.0
    for off_s, passed_s in story:
        received_s += passed_s
        clock.note(NOW_S + received_s + off_s, NOW_S + received_s)
    for second in range(1, 4):
        at_s = NOW_S + received_s + second
        clock.note(at_s, at_s)
    assert abs(clock.age_s(at_s, at_s)) <= TOLERANCE_S
