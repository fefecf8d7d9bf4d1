"""`etalage rules`: what a marketeer sees on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import rules as engine
from gateway.commands import CommandError
from gateway.commands.rules import rules

BOOKS = Path(engine.__file__).parent / "books"
SUPERMARKET = str(BOOKS / "supermarket.yaml")
FISH = ("explain", SUPERMARKET, "--event", "dwell", "--zone", "fish", "--dwell", "10s", "--at", "2026-11-21T11:12")
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `etalage rules …` wide enough that nothing is folded."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(rules, [str(word) for word in words])


def refusal(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, CommandError)
    return str(result.exception)


@pytest.mark.parametrize("name", ["supermarket", "fashion", "diy"])
def test_check_passes_the_example_books(run: Run, name: str) -> None:
    result = run("check", BOOKS / f"{name}.yaml")
    assert result.exit_code == 0, result.output
    assert "cases pass" in result.output
    assert "never reached" not in result.output


def test_check_tells_every_fault_with_its_place_and_in_dutch_if_asked(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        Path(SUPERMARKET)
        .read_text(encoding="utf-8")
        .replace("zone: fish,", "zone: fisch,")
        .replace("stage in [fan,", "stage in [fen,")
    )
    told = refusal(run("check", bad))
    assert f"{bad}:" in told
    assert "did you mean `fish`" in told
    assert "did you mean `fan`" in told
    assert "bedoelde u `fish`" in refusal(run("check", bad, "--language", "nl"))


def test_check_fails_on_a_case_that_comes_out_otherwise(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(Path(SUPERMARKET).read_text(encoding="utf-8").replace("chosen: [wine-tasting]", "chosen: [fresh-bread]"))
    result = run("check", bad)
    assert "1 of 31 cases" in refusal(result)
    assert "chosen wine-tasting, expected fresh-bread" in result.output


def test_check_holds_a_book_against_the_store_plan(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "store: s\nzones: [{id: wine, polygon: [[0, 0], [6, 0], [6, 4], [0, 4]]}]\nscanners: [{id: a, zone: wine, at: [3, 2]}]\n"
    )
    assert "unknown zone `bread`" in refusal(run("check", SUPERMARKET, "--plan", plan))


def test_explain_says_why_and_why_not_for_any_facts_and_any_now(run: Run) -> None:
    result = run(*FISH, "--fact", "salmon_in_stock=4", "--comparisons")
    assert result.exit_code == 0, result.output
    assert "✓ salmon-recipe: Chosen." in result.output
    assert "salmon-today: A condition is not true. if.all[0]: salmon_in_stock >= 10 ← 4" in result.output
    stocked = run(*FISH, "--fact", "salmon_in_stock=25", "--language", "nl")
    assert "✓ salmon-today: Gekozen." in stocked.output
    dismissed = run(*FISH, "--happened", "salmon-recipe:announced:1m", "--purpose", "recognise")
    assert "salmon-recipe: The shopper gave no consent" in dismissed.output


def test_explain_reads_sets_and_choices_as_their_field_has_them(run: Run) -> None:
    wine = ("explain", SUPERMARKET, "--event", "enter", "--zone", "wine", "--at", "2026-11-21T11:12")
    assert "✓ wine-with-fish" in run(*wine, "--fact", "path=entrance,fish").output
    assert "✓ back-at-the-wine" in run(*wine, "--fact", "entries=2", "--fact", "stage=fan", "--fact", "intent=browsing").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fact", "stage=fann"], "did you mean `fan`"),
        (["--fact", "stagge=fan"], "--fact stagge: unknown field `stagge`; did you mean `stage`?"),
        (["--fact", "stage"], "write name=value"),
        (["--happened", "wine"], "write offer:what:ago"),
        (["--happened", "salmon-tody:shown:3d"], "--happened: unknown offer `salmon-tody`; did you mean `salmon-today`?"),
        (["--happened", "salmon-today:shwn:3d"], "--happened: `shwn` is not allowed here"),
        (["--exhausted", "salmon-tody"], "--exhausted: unknown offer"),
        (
            ["--event", "dwel"],
            "visit_start, enter, dwell, exit, purchase; did you mean `dwell`?",
        ),
        (["--zone", "fisch", "--language", "nl"], "--zone: onbekende zone `fisch`; bedoelde u `fish`?"),
        (["--dwell", "10"], "--dwell: `10` is no duration"),
        (["--purpose", "offer"], "--purpose: `offer` is not allowed here"),
    ],
)
def test_a_slip_on_the_command_line_is_told_in_one_line(run: Run, words: list[str], told: str) -> None:
    text = refusal(run(*FISH, *words))
    assert told in text
    assert "Traceback" not in text


def test_a_language_that_is_not_spoken_is_refused_with_those_that_are(run: Run) -> None:
    refused = run(*FISH, "--language", "fr")
    assert refused.exit_code == 2
    assert "'nl', 'en'" in refused.output


def test_a_wrong_now_is_told(run: Run) -> None:
    assert "no date or time" in refusal(run(*FISH[:-1], "noon"))


def test_a_missing_book_is_told(run: Run) -> None:
    assert "can't read the file" in refusal(run("check", "nowhere.yaml"))


def test_check_shows_each_card_in_each_language_and_counts_in_the_right_number(run: Run, tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    texts = "{nl: {title: 'Nu {percent}'}, en: {title: 'Now {percent}'}}"
    voucher = "{worth: {percent: 12.5}, cost: 2, codes: {generated: 8}, valid_for: 2h}"
    offer = f"{{id: o, kind: voucher, at: {{event: enter, zone: wine}}, caps: {{issues: 3}}, voucher: {voucher}, content: {texts}}}"
    book.write_text(f"book: b\nsalt: s\noffers:\n- {offer}\n", encoding="utf-8")
    shown = run("check", book).output
    assert "Nu 12,5%" in shown
    assert "Now 12.5%" in shown
    assert "1 offer, gives away at most €6.00 in a year" in shown
    assert "Zones that nothing was checked against: wine." in shown
    assert "The book carries no cases." in shown


def test_a_dry_run_shows_what_it_brings_as_it_is_read(run: Run) -> None:
    there = ("--event", "dwell", "--zone", "wine", "--dwell", "20s", "--at", "2026-11-21T11:12")
    shown = run("explain", BOOKS / "supermarket.yaml", *there, "--fact", "stage=fan", "--fact", "open=ja").output
    assert "Vandaag 10% op alle rode wijn, tot 15:12." in shown
    assert "10% off all red wine today, until 15:12." in shown
