"""Writes the migration that brings the newest one's tables to what the code says now: `make migration WORDS="add a column"`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.storage.migrate import FOLDER
from gateway.storage.tables import metadata

FIRST = 4
"""The tables of 0001 to 0003 were never released: a database of theirs starts anew."""


def main(words: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["metadata"] = metadata
    number = int(ScriptDirectory.from_config(config).get_current_head() or FIRST - 1) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'now.db'}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, words, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "change the tables")
