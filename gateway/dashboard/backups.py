"""Backups as the dashboard sees them: those that lie in the folder of the settings, and a new one, proven as it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.private_files import make_folder
from gateway.settings import Settings
from gateway.storage import Store
from gateway.storage.backup import SUFFIX, write_backup
from gateway.storage.backup_file import BackupError
from gateway.storage.keys import KEYS_COPY, Keys
from gateway.storage.restore import prove_backup


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One backup in the folder."""

    name: str
    made_at_s: float
    size_bytes: int


class Backups:
    """The backups of this box. Blocks: call it in a thread."""

    def __init__(self, store: Store, settings: Settings, now_s: Callable[[], float]) -> None:
        self._store = store
        self._settings = settings
        self._now_s = now_s

    @property
    def folder(self) -> Path | None:
        """Return where they lie; None: the settings name no folder, so that no copy of the keys could follow erasures."""
        return self._settings.shoppers.backups

    def every(self) -> list[BackupFile]:
        """List them, newest first. Raises OSError."""
        if self.folder is None or not self.folder.is_dir():
            return []
        found = [(path, path.stat()) for path in self.folder.glob(f"*{SUFFIX}")]
        files = [BackupFile(path.name, stat.st_mtime, stat.st_size) for path, stat in found]
        return sorted(files, key=lambda file: file.made_at_s, reverse=True)

    def path_of(self, name: str) -> Path | None:
        """Return where a backup of the list lies; None for any other name."""
        known = {file.name for file in self.every()}
        return self.folder / name if self.folder is not None and name in known else None

    def make(self) -> str:
        """Write a backup, restore it into a temporary database as a proof, and return its name. Raises BackupError, OSError."""
        if self.folder is None:
            raise BackupError("no folder to back up to; set `backups` under [shoppers]")
        make_folder(self.folder)
        now_s = self._now_s()
        path = self.folder / f"etalage-{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}{SUFFIX}"
        keys = Keys(self._settings.storage.keys_path)
        made = write_backup(self._store, keys, path, now_s)
        proof = prove_backup(keys, path)
        keys.copy_to(self.folder / KEYS_COPY)
        if proof.rows != made.rows and not proof.unreadable:  # whoever was erased meanwhile is rightly missing
            raise BackupError(f"{path}: only {proof.rows} of its {made.rows} rows come back; look at the disk, and try again")
        return path.name
