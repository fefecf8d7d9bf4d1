"""The example books carry their own proof, and reach every kind of thing a book can say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import rules
from rules import Book, BookError, load_book
from rules.format.schema_parts import Kind
from rules.workbench.cases import run_cases

BOOKS = Path(rules.__file__).parent / "books"
NAMES = ("supermarket", "fashion", "diy")


@pytest.fixture(params=NAMES)
def example(request: pytest.FixtureRequest) -> Book:
    """Each example book."""
    return load_book(BOOKS / f"{request.param}.yaml")


def test_every_case_passes_and_reaches_every_offer(example: Book) -> None:
    report = run_cases(example)
    assert [result for result in report.results if not result.passed] == []
    assert [one.offer for one in report.coverage if not one.reached] == []


def test_every_book_uses_every_kind_of_offer_proof_and_voucher(example: Book) -> None:
    offers = example.document.offers
    vouchers = [offer.voucher for offer in offers if offer.voucher]
    assert {offer.kind for offer in offers} == set(get_args(Kind))
    assert {offer.proof.type for offer in offers if offer.proof} == {"review", "expert", "crowd", "friend"}
    assert {offer.invitation.to for offer in offers if offer.invitation} == {"review", "share"}
    codes = {next(key for key in ("single", "pool", "generated") if getattr(voucher.codes, key)) for voucher in vouchers}
    invitations = [offer.invitation for offer in offers if offer.invitation and offer.invitation.codes]
    assert codes | {"generated" for invitation in invitations if invitation.codes} == {"single", "pool", "generated"}
    assert any(offer.fallback for offer in offers)


def test_the_three_books_together_give_every_worth() -> None:
    vouchers = [offer.voucher for name in NAMES for offer in load_book(BOOKS / f"{name}.yaml").document.offers if offer.voucher]
    assert {key for voucher in vouchers for key in ("percent", "amount", "gift") if getattr(voucher.worth, key)} == {
        "percent", "amount", "gift",
    }  # fmt: skip


def test_the_demos_book_has_something_after_a_short_stay_in_every_zone() -> None:
    book = load_book(BOOKS / "supermarket.yaml")
    zones = set(book.document.zones or {})
    assert len(zones) == 12
    for zone in zones - {"entrance"}:
        assert any(5 <= step <= 15 for step in book.dwell_steps_s(zone)), zone
    assert book.document.hours is None  # a demo at night is not sent home


@pytest.fixture
def with_case(book: Callable[..., Book], offer: Callable[..., dict[str, Any]]) -> Callable[..., Book]:
    """A book of two offers with one case."""

    def make(**case: Any) -> Book:
        given = {"event": "enter", "zone": "wine", "at": "2026-11-21T11:12"} | case.pop("given", {})
        return book(offer("a"), offer("b", tier=6, if_="visits > 3"), cases=[{"name": "one", "given": given} | case])

    return make


def test_a_case_that_comes_out_otherwise_fails_and_says_how(with_case: Callable[..., Book]) -> None:
    report = run_cases(with_case(chosen=["b"], because={"b": "unknown", "a": "rank"}))
    assert not report.passed
    assert report.results[0].expected == ("b",)
    assert report.results[0].chosen == ("a",)
    assert report.results[0].reasons == (("a", "rank", "chosen"),)


def test_coverage_names_the_offers_never_reached(with_case: Callable[..., Book]) -> None:
    coverage = run_cases(with_case(chosen=["a"])).coverage
    assert [(one.offer, one.reached, dict(one.gates)) for one in coverage] == [
        ("a", True, {"chosen": 1}),
        ("b", False, {"unknown": 1}),
    ]


def test_a_fact_that_does_not_fit_its_field_is_refused_with_its_path(with_case: Callable[..., Book]) -> None:
    with pytest.raises(BookError, match=r"cases\[0\]\.given\.facts\.visits: `many` is no number"):
        run_cases(with_case(given={"facts": {"visits": "many"}}))
    with pytest.raises(BookError, match="did you mean `fan`"):
        run_cases(with_case(given={"facts": {"stage": "fann"}}))
