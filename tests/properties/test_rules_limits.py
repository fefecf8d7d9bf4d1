"""Cool-downs and limits against a plain count of the history: what is passed over for speed would have counted nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Gate, Happening, Situation, decide, load_data

HERE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 3, 31, 12, tzinfo=HERE)  # two days after the clocks changed
NOW_S = NOW.timestamp()
DAY_S = 86_400.0
DAYS = ("1d", "3d", "30d")
WHAT = ("announced", "shown", "dismissed", "redeemed")

cooldowns = st.dictionaries(st.sampled_from(["shown", "dismissed", "redeemed"]), st.sampled_from(DAYS))
windows = st.sampled_from([{"within": length} for length in DAYS] + [{"every": every} for every in ("day", "week", "month")] + [{}])
limits = st.lists(
    st.builds(
        lambda most, of, window: {"at_most": most, "of": of, **window}, st.integers(1, 2), st.sampled_from(["seen", *WHAT]), windows
    ),
    max_size=2,
)
histories = st.lists(
    st.builds(
        lambda offer, what, days, visit: Happening(offer, what, NOW_S - days * DAY_S, visit),
        st.sampled_from(["a", "a", "b"]),
        st.sampled_from(WHAT),
        st.sampled_from([0.1, 0.6, 1.0, 1.4, 2.9, 3.1, 16.0, 29.9, 30.4, 31.0, 33.0, 200.0]),
        st.sampled_from(["now", "then"]),
    ),
    max_size=5,
)


def counted(history: list[Happening], what: str, since_s: float, visit: str | None = None) -> int:
    """As plainly as it can be said."""
    if what == "seen":
        return max(counted(history, "announced", since_s, visit), counted(history, "shown", since_s, visit))
    return sum(one.offer == "a" and one.what == what and one.at_s >= since_s and visit in (None, one.visit) for one in history)


def since(window: dict[str, str]) -> float:
    midnight = NOW.replace(hour=0)
    if "within" in window:
        return NOW_S - int(window["within"][:-1]) * DAY_S
    days_back = {"day": 0, "week": midnight.weekday(), "month": midnight.day - 1}
    if "every" in window:
        return datetime.fromordinal(midnight.toordinal() - days_back[window["every"]]).replace(tzinfo=HERE).timestamp()
    return float("-inf")


def expected(cooldown: dict[str, str], written: list[dict[str, Any]], history: list[Happening]) -> Gate:
    for what, length in cooldown.items():
        if counted(history, "seen" if what == "shown" else what, since({"within": length})):
            return Gate.COOLDOWN
    if counted(history, "seen", float("-inf"), "now"):
        return Gate.LIMIT
    reached = [counted(history, limit["of"], since(limit)) >= limit["at_most"] for limit in written]
    return Gate.LIMIT if any(reached) else Gate.CHOSEN


@settings(max_examples=500)
@given(cooldowns, limits, histories)
def test_cooldowns_and_limits_count_what_is_in_their_window(
    cooldown: dict[str, str], written: list[dict[str, Any]], history: list[Happening]
) -> None:
    words = {"nl": {"title": "x"}, "en": {"title": "x"}}
    offers: list[dict[str, Any]] = [
        {"id": name, "kind": "content", "at": {"event": "enter"}, "content": words} for name in ("a", "b")
    ]
    offers[0] |= {"cooldown": cooldown, "limits": written, "priority": 90}
    book = load_data({"book": "x", "salt": "x", "offers": offers})
    situation = Situation(
        "s", NOW_S, "enter", None, 0.0, "now", frozenset({"offers"}), "nl", {}, {}, tuple(history), 6.0, frozenset()
    )
    assert decide(book, situation).verdicts[0].gate is expected(cooldown, written, history)
