"""`etalage backup` and `etalage restore`: a consistent copy while the gateway runs, and the way back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.commands import CommandError
from gateway.commands.config import Config, settings_of
from gateway.commands.opened import opened
from gateway.commands.showing import AsJson, counted, print_json
from gateway.settings import StorageSettings
from gateway.storage import StorageError, consents, open_store
from gateway.storage.backup import SUFFIX, Summary, write_backup
from gateway.storage.backup_file import BackupError, public_hex, public_key, read_header
from gateway.storage.keys import KEYS_COPY, Keys, KeysError
from gateway.storage.restore import at_work, in_use, is_empty, note_restored, prove_backup, read_backup


def backup(
    folder: Annotated[Path | None, typer.Argument(help="Where to; none: `backups` in [shoppers] of the settings.")] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Back the database up, also while the gateway runs, and prove that it can be restored.

    Each shopper's rows are sealed with a key that an erasure destroys; the whole is signed with this box's own key.

    The keys lie beside the backups in one copy, the newest. It follows erasures where `backups` in the settings names the folder.
    """
    with opened(config) as gateway:
        target = folder or gateway.settings.shoppers.backups
        if target is None:
            raise CommandError("no folder to back up to; give one, or set `backups` under [shoppers]")
        now_s = gateway.now_s()
        path = target / f"etalage-{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}{SUFFIX}"
        keys = gateway.keys()
        try:
            made = write_backup(gateway.store, keys, path, now_s)
            proof = prove_backup(keys, path)
        except BackupError as error:
            raise CommandError(str(error)) from error
        keys.copy_to(target / KEYS_COPY)
    if proof.rows != made.rows and not proof.unreadable:  # whoever was erased meanwhile is rightly missing
        raise CommandError(
            f"{path}: only {proof.rows} of its {counted(made.rows, 'row')} came back; back up again, and look at the disk"
        )
    signer = public_hex(keys.signing_key().public_key())
    if as_json:
        print_json({"file": str(path), **asdict(made), "proven_rows": proof.rows, "proven_at_s": now_s, "signed_by": signer})
    else:
        typer.echo(f"{path}: {_rows(made)}")
        when = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M} UTC"
        typer.echo(f"proven {when}: restored into a temporary database, {counted(proof.rows, 'row')}")
        typer.echo(f"signed by {signer}: keep that in the safe; another box asks for it")
    if gateway.settings.shoppers.backups != target:
        typer.echo(
            f"{target / KEYS_COPY}: this copy doesn't follow erasures; set `backups` under [shoppers] to this folder, or back up "
            "again after each one",
            err=True,
        )


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `etalage backup` wrote.")],
    keys: Annotated[Path | None, typer.Option(help="The keys; none: those of this box, or the copy beside the backup.")] = None,
    signed_by: Annotated[
        str | None, typer.Option(help="The key of the box that made it, as `etalage backup` printed it; none: this box's own.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in place of the database there is.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Make the database from a backup; stop the gateway first. Who was erased stays erased, the backend sends what is newer."""
    settings = settings_of(config)
    key_file = _key_file(keys, settings.storage.keys_path, source.parent / KEYS_COPY)
    restored = _on_file if settings.storage.url is None else _on_server
    try:
        signer = _signer(source, Keys(key_file) if key_file == settings.storage.keys_path else None, signed_by)
        place, read = restored(
            settings.storage, partial(read_backup, keys=Keys(key_file), source=source, signed_by=signer), replace
        )
    except (BackupError, StorageError, KeysError) as error:
        raise CommandError(str(error)) from error
    if key_file != settings.storage.keys_path:
        Keys(key_file).copy_to(settings.storage.keys_path)
    note_restored(Keys(settings.storage.keys_path))
    if as_json:
        print_json({"place": place, **asdict(read)})
    else:
        typer.echo(_told(place, read))


def _on_file(settings: StorageSettings, read: Callable[..., Summary], replace: bool) -> tuple[str, Summary]:
    """Fill a fresh file beside the old one, and put it in its place only once it is whole."""
    path = settings.path
    if path.exists() and not replace:
        raise CommandError(f"{path}: is there already; stop the gateway and give --replace to put the backup in its place")
    fresh = path.with_name(path.name + ".restoring")
    _remove(fresh)
    try:
        proven = _proven(settings) if path.exists() else {}
        with contextlib.closing(open_store(settings.model_copy(update={"path": fresh}))) as store:
            summary = read(store, proven=proven)
        if path.exists() and in_use(path):
            raise CommandError(f"{path}: a gateway or another command has it open; stop it first")
        _remove(path)
        fresh.replace(path)
    finally:
        _remove(fresh)
    return str(path), summary


def _on_server(settings: StorageSettings, read: Callable[..., Summary], replace: bool) -> tuple[str, Summary]:
    """Fill PostgreSQL's tables in one transaction, emptied in the same one."""
    with contextlib.closing(open_store(settings)) as store:
        if at_work(store):
            raise CommandError("a gateway is at work on the database; stop all gateways first")
        with store.read() as connection:
            proven, empty = consents.proven(connection), is_empty(connection)
        if not empty and not replace:
            raise CommandError(
                "the database holds rows already; stop the gateways and give --replace to put the backup in their place"
            )
        return "PostgreSQL", read(store, proven=proven, replace=True)


def _signer(source: Path, own: Keys | None, given: str | None) -> Ed25519PublicKey:
    """Return the key that must have signed a backup: the given one, or this box's own. Another box's takes the owner's word.

    A key that lies beside the backup proves nothing: whoever forged the one forged the other.
    """
    claimed = str(read_header(source).get("signed_by"))
    if given is not None:
        return public_key(given)
    if own is not None and public_hex(own.signing_key().public_key()) == claimed:
        return own.signing_key().public_key()
    raise CommandError(
        f"{source}: this box didn't make it; it says that {claimed[:64]} signed it. If that is the key which "
        "`etalage backup` printed there (look in the safe), give it with --signed-by"
    )


def _key_file(given: Path | None, own: Path, beside: Path) -> Path:
    """Return the keys that open the backup: as given, else this box's own, else the copy beside the backup."""
    for candidate in (given, own, beside):
        if candidate is not None and candidate.exists():
            return candidate
    raise CommandError(f"no keys at {given or own}, nor at {beside}; without them only what is about nobody could be restored")


def _proven(settings: StorageSettings) -> dict[bytes, float]:
    """Return the erasures proven in the database that is to be replaced; none can be read from one that is damaged."""
    with contextlib.suppress(StorageError), contextlib.closing(open_store(settings)) as store, store.read() as connection:
        return consents.proven(connection)
    return {}


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _told(place: str, read: Summary) -> str:
    told = f"{place}: back are {_rows(read)}"
    if read.unreadable:
        told += f"; {counted(read.unreadable, 'sealed part')} stay shut: their keys were destroyed with an erasure"
    if read.erased_again:
        told += f"; erased since, and erased again: {counted(read.erased_again, 'shopper')}"
    return told


def _rows(summary: Summary) -> str:
    return f"{counted(summary.rows, 'row')} of {counted(summary.shoppers, 'shopper')}"
