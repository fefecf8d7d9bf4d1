"""Write the privacy papers in docs/, as they are with the default settings and no rule book: `make contract`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.privacy.papers import impact_assessment, privacy_statement
from gateway.privacy.report import Report, privacy_report
from gateway.settings import Settings, StorageSettings
from gateway.storage import open_store
from rules.texts import Language

DOCS = Path(__file__).parents[1] / "docs"
PAPERS = {"privacy-statement.md": privacy_statement, "dpia-template.md": impact_assessment}


def reports() -> list[Report]:
    """Return the report of an empty database, in Dutch and in English."""
    with TemporaryDirectory() as folder:
        store = open_store(StorageSettings(path=Path(folder) / "empty.db"))
        try:
            with store.read() as connection:
                return [privacy_report(connection, [], Settings(), 0.0, language) for language in Language]
        finally:
            store.close()


def pages() -> dict[str, str]:
    """Return what each page in docs/ says: Dutch, then English."""
    made = reports()
    return {name: "\n".join(paper(one, Settings()) for one in made) for name, paper in PAPERS.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
