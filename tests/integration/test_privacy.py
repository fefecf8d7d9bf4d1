"""The commands and papers that people's rights rest on, end to end on files."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.__main__ import build
from gateway.books import lifecycle
from gateway.commands import CommandError
from gateway.privacy.dossier import consent_receipt, dossier
from gateway.privacy.papers import impact_assessment, privacy_statement
from gateway.privacy.report import privacy_report
from gateway.settings import Settings, StorageSettings, load_settings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.housekeeping import Housekeeping
from gateway.shoppers.identities import Identities, Rotating, Static
from gateway.shoppers.people import People
from gateway.shoppers.registry import still_consented
from gateway.storage import Reader, Store, Transaction, consents, decisions, journey, open_store, profiles, promises
from gateway.storage.decisions import DecisionRecord, OfferSummary, OutcomeRecord
from gateway.storage.journey import VisitRecord
from gateway.storage.keys import KEYS_COPY, Keys
from rules import Situation
from rules.texts import Language
from tests.support.clock import FakeClock

NOON_S = 1_763_719_200.0
TAG = Static(bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e000010001"))
KEY = bytes.fromhex("c4a41e11" * 4)
EVERYTHING = frozenset({"recognise", "offers", "purchases", "aftercare", "measure"})
DOCS = Path(__file__).parents[2] / "docs"

BOOK = """
book: tests
salt: tests
attributes:
  segment: {type: choice, values: [family, single], label: {nl: Segment, en: Segment}, supplier: backend}
  shoe_size: {type: number, label: {nl: Schoenmaat, en: Shoe size}, supplier: backend}
offers:
  - id: wine-tasting
    kind: content
    at: {event: enter, zone: wine}
    if: segment == "family" and stage in [regular, fan]
    content: {nl: {title: Proef}, en: {title: Taste}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    (tmp_path / "plan.yaml").write_text(
        "store: demo\nzones:\n  - {id: wine}\nscanners:\n  - {id: pi-1, zone: wine}\n", encoding="utf-8"
    )
    path = tmp_path / "etalage.toml"
    path.write_text(
        '[store]\nplan = "plan.yaml"\n[storage]\npath = "etalage.db"\nbusy_timeout_s = 0.5\n'
        '[shoppers]\ncontroller = "Kruidenier De Vries"\ncontact = "privacy@example.nl"\nbackups = "backups"\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def settings(config: Path) -> Settings:
    return load_settings(config)


@pytest.fixture
def lived(settings: Settings) -> Settings:
    """A database in which s-1 and s-2 live, and a book is live."""
    store = open_store(settings.storage)
    people = People(store, Identities("demo"), Keys(settings.storage.keys_path), lambda: NOON_S)

    def work(tx: Transaction) -> None:
        connection = tx.connection
        lifecycle.first(connection, BOOK, NOON_S, {"wine"})
        for shopper, identity in (("s-1", TAG), ("s-2", Rotating(bytes(16), KEY))):
            people.record(tx, shopper, ConsentDecision(NOON_S, 1, EVERYTHING, text="2026-03"), identity)
            profiles.replace(connection, shopper, 1, NOON_S, {"segment": "family"})
            visit = VisitRecord(f"v-{shopper}", shopper, NOON_S, NOON_S + 60, ["wine"])
            journey.add_visit(connection, visit)
            decisions.log(connection, _decision(shopper))

    store.writer.transact(work).result()
    store.close()
    return settings


def _decision(shopper: str) -> DecisionRecord:
    chosen = OfferSummary(offer="wine-tasting", kind="voucher", score=50.0, propensity=1.0)
    outcome = OutcomeRecord(chosen=[chosen], ghosts=[], stopped={"cooldown": ["cheese-board"]}, promises={}, refused={})
    inputs = {"facts": {"segment": "family"}}
    return DecisionRecord(f"d-{shopper}", NOON_S, shopper, "enter", "wine", f"v-{shopper}", "h", "h", inputs, "treated", outcome)


def run(*words: str) -> Result:
    """`etalage …`, which must succeed."""
    result = CliRunner().invoke(build(words[0]), words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def opened(settings: Settings, look: Callable[[Store], Any]) -> Any:
    store = open_store(settings.storage)
    try:
        return look(store)
    finally:
        store.close()


# ---- export ----------------------------------------------------------------------------------------------------------------


def test_an_export_holds_everything_as_json_and_no_key(lived: Settings, config: Path) -> None:
    held = json.loads(run("export", "s-2", "--config", str(config)).stdout)
    assert held["shopper"] == "s-2"
    assert held["identity"] == {"rotating": {"uuid": "00" * 16, "key": "held, not shown"}}
    assert [row["value"] for row in held["profile"]] == ["family"]
    assert [row["zones"] for row in held["visits"]] == [["wine"]]
    assert held["decisions"][0]["inputs"] == {"facts": {"segment": "family"}}
    assert held["decisions"][0]["outcome"]["stopped"] == {"cooldown": ["cheese-board"]}
    assert KEY.hex() not in json.dumps(held)
    assert "s-1" not in json.dumps(held)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ["# Alles wat deze winkel over u bewaart", "mij herkennen in de winkel: **gegeven**", "De afkoeltijd loopt nog."]),
        ("en", ["# Everything this shop keeps about you", "recognise me in the shop: **given**", "The cool-down has not passed."]),
    ],
)
def test_an_export_can_be_read_by_a_person_in_their_language(
    lived: Settings, config: Path, language: str, words: list[str]
) -> None:
    text = run("export", "s-1", "--document", "--language", language, "--config", str(config)).stdout
    for word in [*words, "Kruidenier De Vries", "privacy@example.nl", "wine-tasting"]:
        assert word in text


def test_an_exported_file_can_be_read_by_its_owner_only(lived: Settings, config: Path, tmp_path: Path) -> None:
    run("export", "s-1", "--out", str(tmp_path / "s-1.json"), "--config", str(config))
    assert stat.S_IMODE((tmp_path / "s-1.json").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "s-1.json").read_text(encoding="utf-8"))["shopper"] == "s-1"


def test_an_export_of_nobody_says_so(lived: Settings, config: Path) -> None:
    with pytest.raises(CommandError, match="nothing is held about 's-9'"):
        run("export", "s-9", "--config", str(config))


def test_record_and_receipt_have_the_fields_of_the_standard(lived: Settings) -> None:
    def look(store: Store) -> Any:
        with store.read() as connection:
            return consent_receipt(connection, "s-1", lived, NOON_S + 5, Language.EN), dossier(
                connection, "s-9", lived, NOON_S, Language.EN
            )

    receipt, nobody = opened(lived, look)
    assert nobody is None
    record = receipt["consent_record"]
    assert set(receipt) == {"schema_version", "receipt_id", "issued", "consent_record"}
    assert set(record) == {"schema_version", "record_id", "pii_principal_id", "pii_processing", "party_identification", "event"}
    assert record["pii_processing"]["privacy_notice"] == "2026-03"
    assert [purpose["state"] for purpose in record["pii_processing"]["purposes"]] == ["given"] * 5
    assert record["party_identification"][0]["party_name"] == "Kruidenier De Vries"
    assert record["event"][0]["event_time"] == "2025-11-21T10:00:00Z"
    assert record["event"][0]["method"] == "app"


# ---- erase -----------------------------------------------------------------------------------------------------------------


def test_erase_asks_first_and_does_nothing_at_a_no(lived: Settings, config: Path) -> None:
    result = CliRunner().invoke(build("erase"), ["erase", "s-1", "--config", str(config)], input="n\n")
    assert "Erase all data of shopper s-1?" in result.output
    assert result.exit_code == 1
    assert opened(lived, lambda store: _consented(store, "s-1"))


def test_erase_leaves_no_byte_of_the_shopper_and_all_of_the_others(lived: Settings, config: Path, tmp_path: Path) -> None:
    run("backup", "--config", str(config))
    run("erase", "s-2", "--yes", "--config", str(config))
    for path in (tmp_path / "etalage.db", tmp_path / "etalage.db-wal"):
        content = path.read_bytes() if path.exists() else b""
        assert b"v-s-2" not in content
        assert KEY not in content
    assert opened(lived, lambda store: (_consented(store, "s-1"), _consented(store, "s-2"))) == (True, False)
    copy = Keys(tmp_path / "backups" / KEYS_COPY)
    assert len(copy.by_id()) == 1, "the copy beside the backups followed"


def _consented(store: Store, shopper: str) -> bool:
    with store.read() as connection:
        return consents.find(connection, shopper) is not None


class AtOnce(Executor):
    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        return future


def test_a_running_gateway_forgets_whom_a_command_erased(lived: Settings, config: Path) -> None:
    store, keys, identities = open_store(lived.storage), Keys(lived.storage.keys_path), Identities("demo")
    people = People(store, identities, keys, lambda: NOON_S)
    people.load(NOON_S)
    reader = Reader(store.read)
    reader.start()
    housekeeping = Housekeeping(store, reader, keys, people, lived, AtOnce(), FakeClock(NOON_S))
    asyncio.run(housekeeping.find_erased())
    assert identities.resolve(TAG.beacon_id) == "s-1"
    run("erase", "s-1", "--yes", "--config", str(config))
    asyncio.run(housekeeping.find_erased())
    assert identities.resolve(TAG.beacon_id) is None
    assert len(identities) == 1
    reader.close()
    store.close()


# ---- backup and restore ----------------------------------------------------------------------------------------------------


def test_restore_brings_everyone_back_but_the_erased(lived: Settings, config: Path, tmp_path: Path) -> None:
    run("backup", "--config", str(config))
    (made,) = (tmp_path / "backups").glob("*.backup.gz")
    run("erase", "s-2", "--yes", "--config", str(config))
    with pytest.raises(CommandError, match="--replace"):
        run("restore", str(made), "--config", str(config))
    told = run("restore", str(made), "--replace", "--config", str(config)).stdout
    assert "stay shut" in told
    assert opened(lived, lambda store: (_consented(store, "s-1"), _consented(store, "s-2"))) == (True, False)
    assert opened(lived, _proofs) == 1, "the proof of the erasure came along"


def _proofs(store: Store) -> int:
    with store.read() as connection:
        return len(consents.proven(connection))


def test_a_box_that_burnt_down_is_restored_from_the_backups_folder(lived: Settings, config: Path, tmp_path: Path) -> None:
    told = run("backup", "--config", str(config)).stdout
    (made,) = (tmp_path / "backups").glob("*.backup.gz")
    for lost in ("etalage.db", "etalage.keys"):
        (tmp_path / lost).unlink()
    with pytest.raises(CommandError, match="look in the safe"):
        run("restore", str(made), "--config", str(config))
    signer = re.search("signed by ([0-9a-f]{64})", told)
    assert signer is not None
    run("restore", str(made), "--signed-by", signer[1], "--config", str(config))
    assert opened(lived, lambda store: (_consented(store, "s-1"), _consented(store, "s-2"))) == (True, True)
    assert Keys(lived.storage.keys_path).digest("s-1") == Keys(tmp_path / "backups" / KEYS_COPY).digest("s-1")


def test_a_damaged_backup_leaves_the_database_as_it_was(lived: Settings, config: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.backup.gz"
    broken.write_bytes(b"nothing of use")
    with pytest.raises(CommandError, match="damaged"):
        run("restore", str(broken), "--replace", "--config", str(config))
    assert opened(lived, lambda store: _consented(store, "s-1"))
    assert not list(tmp_path.glob("*.restoring*"))


# ---- report and papers -----------------------------------------------------------------------------------------------------


def test_the_report_says_what_is_collected_why_and_by_whom_it_is_read(lived: Settings, config: Path) -> None:
    made = json.loads(run("privacy", "report", "--json", "--language", "en", "--config", str(config)).stdout)
    lines = {line["field"]: line for line in made["collected"]}
    assert made["shoppers"] == 2
    assert made["by_purpose"]["offers"] == 2
    assert (lines["segment"]["read_by"], lines["segment"]["shoppers"]) == (["wine-tasting"], 2)
    assert lines["segment"]["why"] == "personal offers"
    assert lines["stage"]["read_by"] == ["wine-tasting"]
    assert lines["shoe_size"]["read_by"] == ["nobody: not kept"]
    assert {"table": "visits", "holds": "finished visits", "how_long": "400 days"} in made["kept"]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("paper", ["statement", "dpia"])
def test_the_papers_are_filled_from_the_settings_and_the_live_rules(
    lived: Settings, config: Path, paper: str, language: str
) -> None:
    text = run("privacy", paper, "--language", language, "--config", str(config)).stdout
    for word in (
        "Kruidenier De Vries",
        "privacy@example.nl",
        "Segment",
        "wine-tasting",
        "`visits`",
        "730" if paper == "statement" else "400",
    ):
        assert word in text
    assert not re.search(r"{{|}}|\$[a-z]", text)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_report_for_a_person_prints_in_both_languages(lived: Settings, config: Path, language: str) -> None:
    text = run("privacy", "report", "--language", language, "--config", str(config)).stdout
    assert {"nl": "gelezen door", "en": "read by"}[language] in text


def test_a_command_without_a_database_says_what_to_do(config: Path) -> None:
    with pytest.raises(CommandError, match="there is no database yet"):
        run("privacy", "report", "--config", str(config))


@pytest.mark.parametrize(("name", "paper"), [("privacy-statement.md", privacy_statement), ("dpia-template.md", impact_assessment)])
def test_the_papers_in_docs_are_those_of_the_default_settings(tmp_path: Path, name: str, paper: Any) -> None:
    store = open_store(StorageSettings(path=tmp_path / "empty.db"))
    try:
        with store.read() as connection:
            made = [privacy_report(connection, [], Settings(), 0.0, language) for language in Language]
    finally:
        store.close()
    expected = "\n".join(paper(one, Settings()) for one in made)
    assert (DOCS / name).read_text(encoding="utf-8") == expected, "run `make contract`"


def test_a_promise_is_not_made_when_consent_went_since_the_decision(lived: Settings) -> None:
    def look(store: Store) -> tuple[bool, bool, bool]:
        def situation(purposes: frozenset[str]) -> Situation:
            return Situation("s-1", NOON_S, "enter", "wine", 0.0, "v", purposes, "nl", {}, {}, (), 6.0, frozenset())

        people = People(store, Identities("demo"), Keys(lived.storage.keys_path), lambda: NOON_S)
        few = frozenset({"recognise", "offers"})
        before = store.writer.submit(lambda connection: still_consented(connection, situation(EVERYTHING))).result()
        store.writer.transact(lambda tx: people.record(tx, "s-1", ConsentDecision(NOON_S + 1, 2, few), TAG)).result()
        narrowed = store.writer.submit(lambda connection: still_consented(connection, situation(EVERYTHING))).result()
        store.writer.transact(lambda tx: people.withdraw(tx, "s-1")).result()
        gone = store.writer.submit(lambda connection: still_consented(connection, situation(few))).result()
        with store.read() as connection:
            assert promises.history(connection, "s-1", 0.0) == []
        return before, narrowed, gone

    assert opened(lived, look) == (True, False, False)
