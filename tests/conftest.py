"""The two databases that the tables can lie in, for tests that hold on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.postgres import Postgres
from gateway.settings import StorageSettings
from gateway.storage.migrate import VERSION_TABLE


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with Postgres() as server:
        yield server


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path) -> Iterator[StorageSettings]:
    """Settings of an empty database on it."""
    yield StorageSettings(path=tmp_path / "etalage.db", url=postgres.url("postgres"))
    postgres.clear("postgres", keep=VERSION_TABLE)


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageSettings:
    """Settings of an empty database: a file, then PostgreSQL."""
    if request.param == "sqlite":
        return StorageSettings(path=tmp_path / "etalage.db")
    settings: StorageSettings = request.getfixturevalue("on_postgres")
    return settings
