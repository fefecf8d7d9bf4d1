"""An update on a Debian box: dpkg, systemd, and files of root's own. Everything here is run as root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.settings import Settings
from gateway.storage.backup import SUFFIX
from gateway.storage.condition import tables_at
from gateway.storage.keys import Keys
from gateway.storage.restore import note_restored
from gateway.update.steps import Journal, Phase, StepFailed

WELL_WITHIN_S = 60.0
"""From its start to its first answer a version may take so long; a longer migration tells systemd, and counts from its end."""
LOOK_EVERY_S = 1.0
STATE = Path("/var/lib/etalage-update")
"""Root's own: what decides which program runs may not lie where the gateway's user can change it."""
HOME = Path("/usr/lib/etalage")
DROP_IN = Path("/run/systemd/system/etalage.service.d/probation.conf")
NO_PROMISES = "[Service]\nEnvironment=ETALAGE_STORAGE__FREE_SPACE_MIN_MB=1000000000\n"
"""No disk has so much room, so no promise is made: one made now would be lost if the data had to go back."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on a box; the tests have others."""

    state: Path = STATE
    home: Path = HOME
    drop_in: Path = DROP_IN


def read_journal(places: Places) -> Journal | None:
    """Return what an update that was cut off had noted; None where none was. Raises StepFailed for what can't be read."""
    path = places.state / "journal.json"
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return Journal(Phase(noted.pop("phase")), **noted)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StepFailed(f"{path}: can't be read ({error}); see which version runs (etalage --version), then remove it") from error


class DebianBox:
    """This box. See `Box` for what each step promises."""

    def __init__(self, settings: Settings, places: Places, run: Callable[..., None] | None = None) -> None:
        self._settings = settings
        self._places = places
        self._run = run or run_command
        database = settings.storage.path
        self._data = [database, database.with_name(database.name + "-wal")]
        """Not the keys: a key that an erasure destroyed may not come back."""

    def running_version(self) -> str:
        """Return the version that runs, as its folder is called. Raises StepFailed on a box without the package."""
        current = self._places.home / "current"
        if not current.is_symlink():
            raise StepFailed(f"{current} isn't there: this box wasn't installed by the package, which updates need")
        return current.readlink().name

    def kept_versions(self) -> list[str]:
        """Return the versions that can be gone back to."""
        running = self.running_version()
        return sorted(path.name for path in (self._places.home / "kept").glob("[0-9]*") if path.name != running)

    def note(self, journal: Journal) -> None:
        """See Box."""
        self._places.state.mkdir(mode=0o700, exist_ok=True)
        _write(self._places.state / "journal.json", json.dumps(asdict(journal)).encode())

    def forget(self) -> None:
        """See Box. The copy of the data goes too: an erasure wouldn't reach it."""
        shutil.rmtree(self._places.state / "saved", ignore_errors=True)
        (self._places.state / "journal.json").unlink(missing_ok=True)
        _sync(self._places.state)

    def back_up(self) -> None:
        """See Box. The backup is noted with the version and the tables it belongs to: the way back for data after an update."""
        self._run("systemctl", "start", "etalage-backup.service")
        folder = self._settings.shoppers.backups
        made = [] if folder is None else sorted(folder.glob(f"*{SUFFIX}"))
        if not made:
            raise StepFailed("no backup was made; set `backups` under [shoppers] in the settings")
        paired = {"backup": str(made[-1]), "revision": self.revision()}
        _write(self._places.state / "paired.json", json.dumps(paired).encode())

    def keep(self, version: str) -> None:
        """See Box."""
        kept, fresh = self._places.home / "kept" / version, self._places.home / "kept" / ".fresh"
        if not kept.is_dir():
            for old in kept.parent.glob("*"):  # one version to go back to is enough: each takes 170 MB
                shutil.rmtree(old, ignore_errors=True)
            fresh.parent.mkdir(exist_ok=True)
            self._run("cp", "-al", str(self._places.home / version), str(fresh))
            fresh.replace(kept)
        self._flip(kept)

    def stop(self) -> None:
        """See Box."""
        self._run("systemctl", "stop", "etalage.service")

    def start(self) -> None:
        """See Box."""
        self._run("systemctl", "daemon-reload")
        # Without waiting: whether it is well is looked at afterwards, and a start that hangs may not hold us up.
        self._run("systemctl", "restart", "--no-block", "etalage.service")

    def save_data(self) -> None:
        """See Box."""
        saved = self._places.state / "saved"
        shutil.rmtree(saved, ignore_errors=True)
        saved.mkdir(mode=0o700)
        for path in self._data:
            if path.exists():
                shutil.copy2(path, saved / path.name)
                _sync(saved / path.name)
        _sync(saved)

    def put_back_data(self) -> None:
        """See Box. The gateway then asks the backend for all that came meanwhile, withdrawals of consent first."""
        if not (self._places.state / "saved").exists():
            self._restore_backup()
            return
        saved = self._places.state / "saved"
        owner = self._settings.storage.path.parent.stat()
        for path in self._data:
            fresh = path.with_name(path.name + ".put-back")
            if (saved / path.name).exists():
                shutil.copy2(saved / path.name, fresh)
                os.chown(fresh, owner.st_uid, owner.st_gid)
                _sync(fresh)
                fresh.replace(path)
            else:
                path.unlink(missing_ok=True)
        keys = self._settings.storage.keys_path
        note_restored(Keys(keys))
        _sync(self._settings.storage.path.parent)

    def _restore_backup(self) -> None:
        """Fill the database from the backup of before the update, by the version that runs now. Who was erased stays erased."""
        paired = self._paired().get("backup")
        if paired is None:
            raise StepFailed("no backup of before the update is known here; restore one by hand: etalage restore FILE --replace")
        self._run(str(self._places.home / "current/bin/etalage"), "restore", "--replace", paired)

    def put_back_program(self, version: str) -> None:
        """See Box."""
        kept = self._places.home / "kept" / version
        if kept.is_dir():
            self._flip(kept)

    def revision(self) -> str | None:
        """See Box."""
        return tables_at(self._settings.storage.path)

    def revision_before(self) -> str | None:
        """Return what the tables were at before the latest update; None where no update is known."""
        return self._paired().get("revision")

    def _paired(self) -> dict[str, str | None]:
        try:
            found: dict[str, str | None] = json.loads((self._places.state / "paired.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def install(self, package: str) -> None:
        """See Box. dpkg's own scripts don't start the service while we hold it: probation begins when we say so."""
        self._run("systemctl", "mask", "--runtime", "etalage.service")
        try:
            flags = ("-y", "-q", "--no-install-recommends", "--allow-downgrades", "--reinstall")
            self._run("apt-get", "install", *flags, package)
        finally:
            self._run("systemctl", "unmask", "--runtime", "etalage.service")

    def hold_promises(self, *, held: bool) -> None:
        """See Box."""
        if held:
            self._places.drop_in.parent.mkdir(parents=True, exist_ok=True)
            self._places.drop_in.write_text(NO_PROMISES)
        else:
            self._places.drop_in.unlink(missing_ok=True)

    def wait_until_well(self) -> None:
        """See Box: the service is active, which it says itself once it hears and writes, and its page answers."""
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < WELL_WITHIN_S:
            if _is_active() and _page_answers(self._settings.dashboard.port):
                return
            time.sleep(LOOK_EVERY_S)
        raise StepFailed(f"the new version wasn't well within {WELL_WITHIN_S:.0f} s")

    def _flip(self, target: Path) -> None:
        fresh = self._places.home / "current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(self._places.home / "current")
        _sync(self._places.home)


def run_command(*command: str) -> None:
    """Run a program. Raises StepFailed with its last words."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=False)
    if done.returncode:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-3:]
        raise StepFailed(f"{' '.join(command[:3])}: " + " / ".join(last or ["failed"]))


def _is_active() -> bool:
    return subprocess.run(["systemctl", "is-active", "-q", "etalage.service"], check=False).returncode == 0


def _page_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=5):
            return True
    except urllib.error.HTTPError as refused:  # a box that trusts nobody without a token answers too
        return refused.code < 500
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
