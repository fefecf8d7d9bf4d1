"""The settings, the database and the keys, opened for the length of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.commands import CommandError
from gateway.settings import Settings, SettingsError, load_settings
from gateway.storage import StorageError, Store, open_store
from gateway.storage.keys import Keys, KeysError

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The gateway's settings; they name the database.")]
Language = Annotated[Literal["nl", "en"], typer.Option(help="Language of what is written.")]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with."""

    settings: Settings
    store: Store
    keys: Keys


@contextmanager
def opened(config: Path | None) -> Iterator[Opened]:
    """The gateway's database and keys, also while it runs. Raises CommandError."""
    settings = settings_of(config)
    if settings.storage.url is None and not settings.storage.path.exists():
        raise CommandError(f"{settings.storage.path}: there is no database yet; give --config, or start the gateway once")
    try:
        store = open_store(settings.storage)
    except StorageError as error:
        raise CommandError(str(error)) from error
    try:
        yield Opened(settings, store, Keys(settings.storage.keys_path))
    except KeysError as error:
        raise CommandError(str(error)) from error
    finally:
        store.close()


def settings_of(config: Path | None) -> Settings:
    """The settings. Raises CommandError."""
    try:
        return load_settings(config)
    except SettingsError as error:
        raise CommandError(str(error)) from error
