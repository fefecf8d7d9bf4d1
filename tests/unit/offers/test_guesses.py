"""A till that guesses codes is locked, longer each time."""

from __future__ import annotations

from gateway.offers.guesses import FIRST_LOCK_S, LOCK_MAX_S, UNKNOWN_MAX, WITHIN_S, TillGuesses


def guess(guesses: TillGuesses, now_s: float, times: int = UNKNOWN_MAX) -> list[bool]:
    return [guesses.note("till-1", "unknown", now_s) for _ in range(times)]


def test_a_till_that_guesses_is_locked_and_another_is_not() -> None:
    guesses = TillGuesses()
    assert guess(guesses, 0.0) == [False] * (UNKNOWN_MAX - 1) + [True]
    assert guesses.locked_for_s("till-1", 1.0) == FIRST_LOCK_S - 1.0
    assert guesses.locked_for_s("till-2", 1.0) == 0.0
    assert guesses.locked_for_s("till-1", FIRST_LOCK_S) == 0.0


def test_who_goes_on_is_locked_twice_as_long_and_who_stops_begins_anew() -> None:
    guesses, now_s = TillGuesses(), 0.0
    for lasts_s in (60.0, 120.0, 240.0):
        guess(guesses, now_s)
        assert guesses.locked_for_s("till-1", now_s) == lasts_s
        now_s += lasts_s
    guess(guesses, now_s + LOCK_MAX_S)
    assert guesses.locked_for_s("till-1", now_s + LOCK_MAX_S) == FIRST_LOCK_S


def test_honest_slips_and_known_codes_lock_nobody() -> None:
    guesses = TillGuesses()
    for number in range(10 * UNKNOWN_MAX):
        assert not guesses.note("till-1", "unknown", number * WITHIN_S / (UNKNOWN_MAX - 2))
        assert not guesses.note("till-1", "already_used", float(number))
