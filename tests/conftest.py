"""What holds for all tests: hypothesis derandomised in CI, so that a run says the same twice; the log as it comes; and the two
databases that the tables can lie in. Nothing heavy is imported before a test asks for it: a pure test alone starts at once."""

from __future__ import annotations

import gateway  # noqa: F401 # isort: skip  # before numpy, as it sets one BLAS thread

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from gateway.settings import StorageSettings
    from tests.support.postgres import Postgres

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("here", deadline=None)
settings.register_profile("mutants", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _log_as_it_comes() -> None:
    """A command that a test ran in this process may have set the log up for itself."""
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    from tests.support.postgres import Postgres

    with Postgres() as server:
        yield server


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path) -> Iterator[StorageSettings]:
    """Settings of an empty database on it."""
    from gateway.settings import StorageSettings
    from gateway.storage.migrate import VERSION_TABLE

    yield StorageSettings(path=tmp_path / "etalage.db", url=postgres.url("postgres"))
    postgres.clear("postgres", keep=VERSION_TABLE)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageSettings:
    """Settings of an empty database: a file, then PostgreSQL."""
    from gateway.settings import StorageSettings

    if request.param == "sqlite":
        return StorageSettings(path=tmp_path / "etalage.db")
    on_server: StorageSettings = request.getfixturevalue("on_postgres")
    return on_server
