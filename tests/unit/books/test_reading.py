"""Books are read, compiled and tried before the writer has to; large ones in a process with limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.books import lifecycle, reading
from gateway.books.lifecycle import StepRefused
from gateway.storage import Store
from rules import Book, BookError, load_book
from rules.workbench.lifecycle import BookAction

ZONES = ("wine",)
BOOK = """
book: demo
salt: demo-2026
offers:
- {id: tip, kind: content, at: {event: enter, zone: wine}, content: {nl: {title: Wijn}, en: {title: Wine}}}
cases:
- name: somebody in the wine zone
  given: {event: enter, zone: wine, at: "2026-11-21T12:00", facts: {open: true}}
  chosen: [tip]
"""


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    reading._load.cache_clear()
    reading._failing_cases.cache_clear()


def test_the_writer_compiles_no_book_and_runs_no_case(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_in: list[str] = []

    def noted(text: str, zones: Any = None) -> Book:
        compiled_in.append(threading.current_thread().name)
        return load_book(text, zones)

    monkeypatch.setattr(reading, "load_book", noted)

    def do(first: Callable[[], None], step: Callable[..., Any], *given: Any) -> Any:
        first()
        return store.writer.write_blocking(lambda connection: step(connection, *given))

    book = do(lambda: lifecycle.admit(BOOK, ZONES), lifecycle.add, BOOK, "anna", 1.0, ZONES)
    do(lambda: lifecycle.make_ready(BOOK, BookAction.CHECK, ZONES), lifecycle.check, book, "anna", 2.0, ZONES)
    do(lambda: lifecycle.make_ready(BOOK, BookAction.APPROVE, ZONES), lifecycle.approve, book, "bert", 3.0)
    do(lambda: lifecycle.make_ready(BOOK, BookAction.GO_LIVE, ZONES), lifecycle.go_live, book, "bert", 4.0)
    assert compiled_in
    assert "writer" not in compiled_in


def test_a_document_that_takes_too_long_or_too_much_is_refused_where_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL_BYTES", 10)
    monkeypatch.setattr(reading, "APART_WITHIN_S", 0.001)
    with pytest.raises(StepRefused, match=r"takes more than 20 s or 512 MB"):
        lifecycle.admit(BOOK, ZONES)


def test_a_large_document_is_read_apart_and_one_with_faults_is_told_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL_BYTES", 10)
    lifecycle.admit(BOOK, ZONES)
    with pytest.raises(BookError, match="wine"):
        lifecycle.admit(BOOK, ("bread",))


def test_a_document_that_takes_more_memory_than_it_may_ends_the_reading_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MEMORY_MAX_BYTES", 1 << 20)
    assert not reading.is_affordable("book: demo\noffers: [" + "{}, " * 9_000 + "{}]\n", ZONES)
