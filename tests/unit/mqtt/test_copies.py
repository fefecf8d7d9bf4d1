from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.copies import REMEMBERED_MAX, Copies


def nothing() -> None:
    pass


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 6))
def test_of_a_message_sent_n_times_n_copies_are_taken_however_the_two_sessions_bring_them(order: list[bool], times: int) -> None:
    """Each sending makes a copy in each session; `order` says which session comes next while both have some left."""
    left = {True: times, False: times}
    copies, taken = Copies(), 0
    for express in [*order, *[True] * times, *[False] * times]:
        if left[express]:
            left[express] -= 1
            taken += copies.take_first(b"oi-1", nothing, express=express)
    assert left == {True: 0, False: 0}
    assert taken == times


def test_a_copy_is_another_message_s_business_never() -> None:
    copies = Copies()
    assert copies.take_first(b"oi-1", nothing, express=True)
    assert copies.take_first(b"oi-2", nothing, express=False)
    assert not copies.take_first(b"oi-1", nothing, express=False)


def test_what_one_session_is_ahead_is_remembered_within_bounds() -> None:
    copies = Copies()
    for number in range(REMEMBERED_MAX + 10):
        copies.take_first(b"%d" % number, nothing, express=True)
    assert len(copies._lead) == REMEMBERED_MAX
    assert copies.take_first(b"3", nothing, express=False), "forgotten, so taken again"
    assert not copies.take_first(b"%d" % REMEMBERED_MAX, nothing, express=False)
