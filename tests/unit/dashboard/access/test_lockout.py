from __future__ import annotations

from gateway.dashboard.access.lockout import CALLERS_MAX, FAILURES_MAX, WINDOW_S, Lockout


def test_the_eighth_wrong_guess_within_five_minutes_locks_for_five() -> None:
    lockout = Lockout()
    left = [lockout.failed("192.168.1.7", float(number)) for number in range(FAILURES_MAX)]
    assert left == [7, 6, 5, 4, 3, 2, 1, 0]
    assert lockout.locked_s("192.168.1.7", 7.0) == WINDOW_S
    assert lockout.locked_s("192.168.1.7", 7.0 + WINDOW_S) == 0


def test_who_mistypes_now_and_then_is_never_locked() -> None:
    lockout = Lockout()
    for number in range(100):
        lockout.failed("192.168.1.7", number * WINDOW_S / 4)
        assert lockout.locked_s("192.168.1.7", number * WINDOW_S / 4) == 0


def test_one_caller_does_not_lock_another() -> None:
    lockout = Lockout()
    for _ in range(FAILURES_MAX):
        lockout.failed("192.168.1.7", 0.0)
    assert lockout.locked_s("192.168.1.8", 0.0) == 0


def test_a_right_guess_forgets_the_wrong_ones() -> None:
    lockout = Lockout()
    for _ in range(FAILURES_MAX - 1):
        lockout.failed("192.168.1.7", 0.0)
    lockout.succeeded("192.168.1.7")
    assert lockout.failed("192.168.1.7", 1.0) == FAILURES_MAX - 1


def test_memory_is_bounded_and_a_flood_of_addresses_does_not_free_who_is_still_guessing() -> None:
    lockout = Lockout()
    for number in range(3 * CALLERS_MAX):
        lockout.failed(f"10.0.{number // 250}.{number % 250}", 0.0)
        if number % 100 == 0:
            lockout.failed("192.168.1.7", 0.0)
    assert lockout.locked_s("192.168.1.7", 0.0) > 0
    assert len(lockout) <= CALLERS_MAX
