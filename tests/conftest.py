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


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorageSettings]:
    """Settings of an empty database: a file, then PostgreSQL."""
    on_file = StorageSettings(path=tmp_path / "etalage.db")
    if request.param == "sqlite":
        yield on_file
        return
    server: Postgres = request.getfixturevalue("postgres")
    yield on_file.model_copy(update={"url": server.url("postgres")})
    server.clear("postgres", keep=VERSION_TABLE)
