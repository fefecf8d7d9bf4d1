"""The feed keeps the newest, of both sorts, and no more."""

from __future__ import annotations

from gateway.dashboard.feed import MOVES_MAX, ROWS_MAX, FeedRing
from gateway.dashboard.view import FeedItem


def test_an_empty_feed_has_nothing_after_anything() -> None:
    feed = FeedRing()
    assert (feed.last, list(feed.after(0)), list(feed.after(7))) == (0, [], [])


def test_rows_come_oldest_first_and_only_after_the_given_one() -> None:
    feed = FeedRing()
    for at_s in range(5):
        feed.tell(FeedItem(at_s, "enter" if at_s % 2 else "promised", 1))
    assert [sequence for sequence, _ in feed.after(2)] == [3, 4, 5]
    assert [row.at_s for _, row in feed.after(0)] == [0, 1, 2, 3, 4]


def test_a_crowd_that_walks_about_doesn_t_push_the_offers_out() -> None:
    feed = FeedRing()
    feed.tell(FeedItem(0, "promised", 1, offer="Kaas"))
    for at_s in range(10_000):
        feed.tell(FeedItem(at_s, "enter", 1, "wine"))
    rows = feed.after(0)
    assert len(rows) == MOVES_MAX + 1
    assert rows[0][1].offer == "Kaas"


def test_who_passes_through_a_zone_is_no_news_and_who_lingers_is() -> None:
    feed = FeedRing()
    for dwell_s in (5, 30, 59.9, 60, 300):
        feed.tell(FeedItem(0, "dwell", 1, "wine", dwell_s))
    assert [row.dwell_s for _, row in feed.after(0)] == [60, 300]


def test_the_feed_never_holds_more_than_a_person_reads() -> None:
    feed = FeedRing()
    for at_s in range(1000):
        feed.tell(FeedItem(at_s, "shown", 1))
        feed.tell(FeedItem(at_s, "dwell", 1, "wine", 300))
    assert len(feed.after(0)) == ROWS_MAX
    assert feed.last == 2000
