"""The life of a book: every step there is, and no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rules import Book
from rules.texts import Language
from rules.workbench.lifecycle import (
    STEPS,
    BookAction,
    BookState,
    LifecycleError,
    Version,
    is_same_person,
    needs_four_eyes,
    put_live,
    step,
    value_cents,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
DRAFT = Version("h1", "anna")


def lived(hash_: str, author: str = "anna") -> Version:
    return replace(Version(hash_, author), state=BookState.APPROVED)


@pytest.mark.parametrize("state", BookState)
@pytest.mark.parametrize("action", BookAction)
def test_only_the_drawn_steps_are_possible(state: BookState, action: BookAction) -> None:
    version = replace(DRAFT, state=state, was_live=True)
    expected = STEPS.get((state, action))
    if expected is None:
        with pytest.raises(LifecycleError) as caught:
            step(version, action, "bob", 1.0)
        assert caught.value.code == "step"
        assert state.value in caught.value.words[Language.EN]
    else:
        assert step(version, action, "bob", 1.0).state is expected


def test_a_book_goes_from_draft_to_live() -> None:
    version = step(DRAFT, BookAction.CHECK, "bob", 2.0)
    version = step(version, BookAction.APPROVE, "anna", 3.0)
    assert version.approved_by == "anna"
    version = step(version, BookAction.GO_LIVE, "anna", 4.0)
    assert (version.state, version.was_live, version.changed_at_s) == (BookState.LIVE, True, 4.0)


def test_a_step_that_cant_be_is_told_with_those_that_can() -> None:
    with pytest.raises(LifecycleError) as caught:
        step(replace(DRAFT, state=BookState.CHECKED), BookAction.GO_LIVE, "anna", 1.0)
    assert caught.value.words == {
        "nl": "een boek in de staat gecontroleerd kan niet worden live gezet; wel goedgekeurd, gearchiveerd",
        "en": "a book in the state checked can't be put live; it can be approved, archived",
    }


def test_four_eyes_count_every_window_until_the_end_a_year_at_most(
    book: Callable[..., Book], voucher: Callable[..., dict[str, Any]]
) -> None:
    daily = {"budget": 100, "every": "day"}
    week = book(voucher(caps=daily, until="2026-12-01"), four_eyes_above=1000)
    assert 700_00 <= (value_cents(week, NOW) or 0) <= 900_00
    assert not needs_four_eyes(week, NOW)
    endless = book(voucher(caps=daily), four_eyes_above=1000)
    assert 36_500_00 <= (value_cents(endless, NOW) or 0) <= 39_000_00
    assert needs_four_eyes(endless, NOW)


@pytest.mark.parametrize("other", ["Anna", " anna ", "ＡＮＮＡ", "an\u200bna", "ANNA\u00a0"])
def test_an_author_under_another_spelling_is_still_the_author(other: str) -> None:
    checked = replace(DRAFT, state=BookState.CHECKED)
    with pytest.raises(LifecycleError):
        step(checked, BookAction.APPROVE, other, 1.0, four_eyes=True)
    assert not is_same_person("anna", "annie")


def test_four_eyes_are_two_people() -> None:
    checked = replace(DRAFT, state=BookState.CHECKED)
    with pytest.raises(LifecycleError) as caught:
        step(checked, BookAction.APPROVE, "anna", 1.0, four_eyes=True)
    assert caught.value.code == "author"
    assert step(checked, BookAction.APPROVE, "bob", 1.0, four_eyes=True).state is BookState.APPROVED
    assert step(checked, BookAction.APPROVE, "anna", 1.0).state is BookState.APPROVED


def test_going_live_archives_the_one_before_and_rolling_back_is_one_step() -> None:
    versions = put_live([lived("h1"), lived("h2")], "h1", "anna", 1.0)
    versions = put_live(versions, "h2", "anna", 2.0)
    assert [version.state for version in versions] == [BookState.ARCHIVED, BookState.LIVE]
    back = put_live(versions, "h1", "anna", 3.0)
    assert [version.state for version in back] == [BookState.LIVE, BookState.ARCHIVED]
    never = put_live([replace(DRAFT, state=BookState.ARCHIVED, was_live=True)], "h1", "anna", 1.0)
    assert never[0].state is BookState.LIVE
    with pytest.raises(LifecycleError) as caught:
        put_live([replace(DRAFT, state=BookState.ARCHIVED)], "h1", "anna", 1.0)
    assert caught.value.code == "never_live"
    with pytest.raises(KeyError):
        put_live([], "h1", "anna", 1.0)


def test_a_book_may_go_live_in_some_zones_first() -> None:
    versions = put_live([lived("h1"), lived("h2"), lived("h3")], "h1", "anna", 1.0)
    staged = put_live(versions, "h2", "anna", 2.0, frozenset({"wine"}))
    assert [(version.state, set(version.zones)) for version in staged[:2]] == [
        (BookState.LIVE, set()),
        (BookState.LIVE, frozenset({"wine"})),
    ]
    other = put_live(staged, "h3", "anna", 3.0, frozenset({"bread"}))
    assert [version.state for version in other] == [BookState.LIVE, BookState.ARCHIVED, BookState.LIVE]
    everywhere = put_live(staged, "h2", "anna", 3.0)
    assert [version.state for version in everywhere][:2] == [BookState.ARCHIVED, BookState.LIVE]
    assert everywhere[1].zones == frozenset()


def test_a_paused_book_is_not_live_until_it_is_resumed_where_it_was() -> None:
    live = put_live([lived("h1")], "h1", "anna", 1.0, frozenset({"wine"}))[0]
    paused = step(live, BookAction.PAUSE, "anna", 2.0)
    assert paused.state is BookState.PAUSED
    resumed = step(paused, BookAction.RESUME, "anna", 3.0)
    assert (resumed.state, resumed.zones) == (BookState.LIVE, frozenset({"wine"}))


def test_four_eyes_are_needed_above_the_books_value_or_where_nothing_bounds_it(
    book: Callable[..., Book], offer: Callable[..., dict[str, Any]], voucher: Callable[..., dict[str, Any]]
) -> None:
    ten = voucher(caps={"issues": 4})
    assert value_cents(book(offer(), ten), NOW) == 1000
    assert not needs_four_eyes(book(ten, four_eyes_above=10), NOW)
    assert needs_four_eyes(book(ten, four_eyes_above=9.99), NOW)
    assert not needs_four_eyes(book(voucher()), NOW)
    assert needs_four_eyes(book(voucher(), four_eyes_above=9999), NOW)
    assert value_cents(book(voucher(caps={"budget": 50, "issues": 100})), NOW) == 5000
    assert value_cents(book(voucher("a"), voucher("b"), caps={"budget": 7}), NOW) == 700  # they share it
    assert value_cents(book(ten, voucher("b"), caps={"budget": 70}), NOW) == 8000
