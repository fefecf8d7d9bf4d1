"""The whole examination of a box. It changes nothing, and may run beside the gateway."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

from gateway.clock import Linux, SystemClock
from gateway.dashboard.tls.authority import certificate_end_s
from gateway.doctor import judging, reading
from gateway.doctor.finding import Finding, Grade
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.topics import identity_of
from gateway.mqtt.trial import try_broker
from gateway.settings import DashboardSettings, MqttSettings, Settings, SettingsError
from gateway.storage import StorageError, open_store, outbox
from gateway.storage.backup import SUFFIX
from gateway.storage.backup_file import BackupError
from gateway.storage.condition import damage
from gateway.storage.keys import Keys, KeysError
from gateway.storage.restore import prove_backup
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import PlanError
from gateway.zones.plan_in_force import plan_in_force
from rules.texts import N_

DAY_S = 86_400.0


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; may take seconds, and minutes where the newest backup is large. Raises nothing for what it finds."""
    now_s = SystemClock().now_s()
    radio, storage = settings.radio, settings.storage
    found = judging.adapters(radio.adapters, reading.adapters())
    found.append(judging.rights(reading.gateway_may_manage()))
    found.append(judging.version("kernel", "Linux", platform.release(), judging.KERNEL_MIN))
    found.append(judging.version("bluez", "BlueZ", reading.bluez_version(), judging.BLUEZ_MIN))
    found.append(_broker(settings.mqtt, identity_of(settings.store).client_id("out")))
    found.append(judging.clock(Linux().synchronised()))
    folder = storage.path.parent
    found.append(judging.disk(reading.free_mb(folder if folder.exists() else Path("/")), storage.free_space_min_mb))
    found.append(judging.disk_health(reading.file_system_errors(), reading.life_used()))
    if settings.dashboard.enabled:
        found.append(judging.page(settings.dashboard.port, reading.page_answers(settings.dashboard.port)))
        found.append(judging.certificate(_certificate_left_days(settings.dashboard, folder, now_s)))
    found.append(_plan(settings))
    found.extend(_database(settings, now_s))
    found.append(_backups(settings, now_s))
    return found


def _broker(settings: MqttSettings, client_id: str) -> Finding:
    place = settings.brokers[0]
    try:
        # Beside the gateway's own connections: a client id that is taken would throw those out.
        return judging.broker(place, try_broker(settings, read_credentials(settings), f"{client_id}-doctor"))
    except SettingsError as error:
        return judging.broker(place, str(error))


def _certificate_left_days(settings: DashboardSettings, folder: Path, now_s: float) -> float | None:
    path = settings.certificate if settings.tls == "files" else folder / "tls" / "server.pem"
    end_s = None if path is None or settings.tls == "off" else certificate_end_s(path)
    return None if end_s is None else (end_s - now_s) / DAY_S


def _plan(settings: Settings) -> Finding:
    try:
        plan = plan_in_force(settings).plan
    except (PlanError, CalibrationError) as error:
        said, remedy = N_("The store plan can't be used: {fault}."), N_("Mend that line.")
        return Finding("plan", Grade.BROKEN, said, remedy, {"fault": error})
    return judging.plan(settings.radio.adapters, [scanner.id for scanner in plan.scanners])


def _database(settings: Settings, now_s: float) -> list[Finding]:
    if settings.storage.url is None:
        fault = damage(settings.storage.path)
        if fault is not None:
            return [judging.database(fault)]
    try:
        with contextlib.closing(open_store(settings.storage)) as store, store.read() as connection:
            count, oldest_s = outbox.count(connection), outbox.oldest_at_s(connection)
    except StorageError as error:
        return [judging.database(str(error))]
    return [judging.database(None), judging.waiting(count, None if oldest_s is None else now_s - oldest_s)]


def _backups(settings: Settings, now_s: float) -> Finding:
    folder = settings.shoppers.backups
    made = {} if folder is None else {path: path.stat().st_mtime for path in folder.glob(f"*{SUFFIX}")}
    if not made:
        return judging.backups(None if folder is None else str(folder), None, None)
    newest = max(made, key=lambda path: made[path])
    fault = None
    try:
        prove_backup(Keys(settings.storage.keys_path), newest)
    except (BackupError, KeysError, OSError) as error:
        fault = str(error)
    return judging.backups(str(folder), (now_s - made[newest]) / DAY_S, fault)
