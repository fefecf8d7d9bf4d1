"""The settings, the database, the keys and the shop's plan and books, opened for the length of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.books.live import LiveBooks
from gateway.clock import SystemClock
from gateway.commands import CommandError
from gateway.commands.config import settings_of
from gateway.settings import Settings
from gateway.storage import DatabaseError, NotInTime, StorageError, Store, open_store
from gateway.storage.engines import trouble
from gateway.storage.keys import Keys, KeysError
from gateway.zones.plan import PlanError, StorePlan
from gateway.zones.plan_in_force import plan_in_force
from rules import Book, BookError
from rules.texts import Language

InLanguage = Annotated[Language, typer.Option(help="Language of what is written.")]


WAIT = "other work is in front of it; try again in a minute"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with. What it doesn't ask for is neither read nor made."""

    settings: Settings
    store: Store

    def keys(self) -> Keys:
        """Open the keys file beside the database."""
        return Keys(self.settings.storage.keys_path)

    def now_s(self) -> float:
        """Return the time as the gateway trusts it: what its latest run wrote down is carried on from there."""
        return SystemClock(self.settings.storage.clock_path).now_s()

    def plan(self) -> StorePlan:
        """Read the store plan: the file's, or the one drawn in the dashboard."""
        return plan_in_force(self.settings).plan

    def zones(self) -> tuple[str, ...]:
        """Read the ids of the store plan's zones."""
        return tuple(self.plan().zone_ids)

    def live_books(self) -> tuple[Book, ...]:
        """Load the rule books that are live, the whole shop's first."""
        books = LiveBooks(self.store, self.zones())
        books.refresh()
        return books.snapshot.all()


@contextmanager
def opened(config: Path | None, *, create: bool = False) -> Iterator[Opened]:
    """Open the gateway's database, also while it runs; only with `create` one that isn't there is made. Raises CommandError.

    What its parts raise inside (plan, keys, books, storage) becomes a CommandError too.
    """
    settings = settings_of(config)
    if not create and settings.storage.url is None and not settings.storage.path.exists():
        raise CommandError(
            f"{settings.storage.path}: there is no database yet; start the gateway once, or name others with --config"
        )
    try:
        store = open_store(settings.storage)
    except StorageError as error:
        raise CommandError(str(error)) from error
    try:
        yield Opened(settings, store)
    except (BookError, KeysError, PlanError, StorageError) as error:
        raise CommandError(str(error)) from error
    except NotInTime as error:
        raise CommandError(f"the database doesn't take this now ({error.orig}): {store.writer.last_failure or WAIT}") from error
    except DatabaseError as error:
        raise CommandError(str(trouble(settings.storage, store.engine, error))) from error
    finally:
        store.close()
