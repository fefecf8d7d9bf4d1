"""What holds for all tests: in CI hypothesis takes no dice, so that a run says the same twice; and the two databases that the
tables can lie in, for tests that hold on both."""

from __future__ import annotations

import gateway  # noqa: F401 # isort: skip  # before numpy, as it sets one BLAS thread

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from firmware_sim.postgres import Postgres
from gateway.settings import StorageSettings
from gateway.storage.migrate import VERSION_TABLE

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _log_as_it_comes() -> None:
    """A command that a test ran in this process may have set the log up for itself."""
    structlog.reset_defaults()


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
    on_server: StorageSettings = request.getfixturevalue("on_postgres")
    return on_server
