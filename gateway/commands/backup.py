"""`etalage backup` and `etalage restore`: a consistent copy while the gateway runs, and the way back."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.commands.opened import Config, opened, settings_of
from gateway.settings import StorageSettings
from gateway.storage import StorageError, consents, open_store
from gateway.storage.backup import SUFFIX, BackupError, Summary, read_backup, write_backup
from gateway.storage.keys import KEYS_COPY, Keys, KeysError


def backup(
    folder: Annotated[Path | None, typer.Argument(help="Where to; none: `backups` in [shoppers] of the settings.")] = None,
    config: Config = None,
) -> None:
    """Back the database up, also while the gateway runs. Each shopper's rows are sealed with a key that an erasure destroys.

    The keys lie beside the backups in one copy, the newest. It follows erasures where `backups` in the settings names the folder.
    """
    with opened(config) as at_hand:
        target = folder or at_hand.settings.shoppers.backups
        if target is None:
            raise CommandError("no folder to back up to; give one, or set `backups` under [shoppers]")
        now_s = time.time()
        path = target / f"etalage-{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}{SUFFIX}"
        try:
            made = write_backup(at_hand.store, at_hand.keys, path, now_s)
        except BackupError as error:
            raise CommandError(str(error)) from error
        at_hand.keys.copy_to(target / KEYS_COPY)
    typer.echo(f"{path}: {made.rows} rows of {made.shoppers} shoppers")
    if at_hand.settings.shoppers.backups != target:
        typer.echo(
            f"{target / KEYS_COPY}: this copy doesn't follow erasures; set `backups` under [shoppers] to this folder, or back up "
            "again after each one",
            err=True,
        )


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `etalage backup` wrote.")],
    keys: Annotated[Path | None, typer.Option(help="The keys; none: those of this box, or the copy beside the backup.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in place of the database there is.")] = False,
    config: Config = None,
) -> None:
    """Make the database from a backup; stop the gateway first. Who was erased stays erased, the backend sends what is newer."""
    settings = settings_of(config)
    path = settings.storage.path
    if settings.storage.url is not None:
        raise CommandError("restore works on a database file; on PostgreSQL use its own tools")
    if path.exists() and not replace:
        raise CommandError(f"{path}: is there already; stop the gateway and give --replace to put the backup in its place")
    key_file = _key_file(keys, settings.storage.keys_path, source.parent / KEYS_COPY)
    fresh = path.with_name(path.name + ".restoring")
    _remove(fresh)
    try:
        proven = _proven(settings.storage) if path.exists() else {}
        store = open_store(settings.storage.model_copy(update={"path": fresh}))
        try:
            read = read_backup(store, Keys(key_file), source, proven)
        finally:
            store.close()
    except (BackupError, StorageError, KeysError) as error:
        _remove(fresh)
        raise CommandError(str(error)) from error
    if key_file != settings.storage.keys_path:
        Keys(key_file).copy_to(settings.storage.keys_path)
    _remove(path)
    fresh.replace(path)
    typer.echo(_told(path, read))


def _key_file(given: Path | None, own: Path, beside: Path) -> Path:
    """The keys that open the backup: as given, else this box's own, else the copy beside the backup."""
    for candidate in (given, own, beside):
        if candidate is not None and candidate.exists():
            return candidate
    raise CommandError(f"no keys at {given or own}, nor at {beside}; without them only what is about nobody could be restored")


def _proven(settings: StorageSettings) -> dict[bytes, float]:
    """The erasures proven in the database that is to be replaced; none can be read from one that is damaged."""
    with contextlib.suppress(StorageError), contextlib.closing(open_store(settings)) as store, store.read() as connection:
        return consents.proven(connection)
    return {}


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _told(path: Path, read: Summary) -> str:
    told = f"{path}: {read.rows} rows of {read.shoppers} shoppers are back"
    if read.unreadable:
        told += f"; {read.unreadable} sealed boxes stay shut: their keys were destroyed with an erasure"
    if read.erased_again:
        told += f"; {read.erased_again} shoppers who were erased since stay erased"
    return told
