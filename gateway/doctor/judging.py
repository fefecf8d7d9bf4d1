"""From what was read to what it means. Pure: every number, word and time comes in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.doctor.finding import Finding, Grade
from rules.texts import N_

KERNEL_MIN = (5, 10)
"""The management socket's advertisement monitors came with Linux 5.10 (docs/radio.md)."""
BLUEZ_MIN = (5, 56)
"""bluetoothd's advertisement monitors, without which bleak hears 2 % of a beacon, came with BlueZ 5.56."""
CERTIFICATE_SOON_DAYS = 14
"""The box renews its own at 30 days: two weeks before the end, something kept it from doing so."""
BACKUP_OLD_DAYS = 2.0
"""Backups are nightly: after two days one is missing."""
LIFE_USED = 0.8
"""Share of a flash memory's rated writes after which it should be replaced at leisure."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One Bluetooth adapter that the kernel knows."""

    name: str
    address: str
    """Lower case; empty where the kernel doesn't say."""
    blocked: bool
    """By rfkill: a switch, or airplane mode."""


def adapters(wanted: Mapping[str, str], there: Collection[Adapter]) -> list[Finding]:
    """Judge each adapter of the settings by those the kernel knows."""
    if not wanted:
        return [Finding("adapter", Grade.FINE, N_("This box hears nothing itself, as its settings say."))]
    found = []
    for scanner, adapter in wanted.items():
        known = next((one for one in there if adapter.lower() in (one.name, one.address)), None)
        values = {"scanner": scanner, "adapter": adapter}
        if known is None:
            said = N_("Adapter {adapter} of scanner {scanner} isn't there.")
            remedy = N_("Plug it in, or name another one under [radio] in the settings.")
            found.append(Finding("adapter", Grade.BROKEN, said, remedy, values))
        elif known.blocked:
            said, remedy = (
                N_("Adapter {adapter} of scanner {scanner} is switched off by rfkill."),
                N_("Type: rfkill unblock bluetooth"),
            )
            found.append(Finding("adapter", Grade.BROKEN, said, remedy, values))
        else:
            found.append(Finding("adapter", Grade.FINE, N_("Adapter {adapter} of scanner {scanner} is there."), values=values))
    return found


def rights(may_manage: bool | None) -> Finding:
    """Judge whether the gateway may read Bluetooth the better way; None: it doesn't run, so nobody can say."""
    if may_manage is None:
        said, remedy = N_("The gateway doesn't run."), N_("Type: systemctl start etalage; then: journalctl -u etalage -n 20")
        return Finding("rights", Grade.BROKEN, said, remedy)
    if may_manage:
        return Finding("rights", Grade.FINE, N_("The gateway runs, and may use the kernel's Bluetooth socket."))
    said = N_("The gateway runs without the right to the kernel's Bluetooth socket.")
    remedy = N_("Start it by its service (systemctl restart etalage), which gives CAP_NET_ADMIN.")
    return Finding("rights", Grade.LOOK, said, remedy)


def version(about: str, name: str, told: str, least: tuple[int, int]) -> Finding:
    """Judge the version of something by the first that can do what is needed. `told` may have words around it."""
    digits = next((word for word in told.split() if word[:1].isdigit()), "")
    parts = digits.split(".")[:2]
    values = {"name": name, "version": digits or "?", "least": ".".join(map(str, least))}
    if len(parts) < 2 or not all(part.isdigit() for part in parts):
        return Finding(about, Grade.UNKNOWN, N_("The version of {name} couldn't be found out."), values=values)
    if (int(parts[0]), int(parts[1])) < least:
        said, remedy = N_("{name} is {version}; {least} or newer is needed."), N_("Bring Debian up to date.")
        return Finding(about, Grade.BROKEN, said, remedy, values)
    return Finding(about, Grade.FINE, N_("{name} is {version}."), values=values)


def broker(place: str, fault: str | None) -> Finding:
    """Judge the broker by what a try to connect, as this box, came to."""
    if fault is None:
        return Finding("broker", Grade.FINE, N_("The broker at {place} lets this box in."), values={"place": place})
    said, remedy = (
        N_("The broker at {place} doesn't let this box in: {fault}."),
        N_("Look at [mqtt] in the settings; nothing is lost meanwhile."),
    )
    return Finding("broker", Grade.BROKEN, said, remedy, {"place": place, "fault": fault})


def waiting(count: int, oldest_s: float | None) -> Finding:
    """Judge the outbox by how many messages wait, and since when."""
    hours = 0 if oldest_s is None else int(oldest_s / 3600)
    values = {"count": count, "hours": hours}
    if hours < 1:
        return Finding("outbox", Grade.FINE, N_("Messages that wait for the backend: {count}."), values=values)
    said = N_("Messages that wait for the backend: {count}, the oldest for {hours} hours.")
    return Finding("outbox", Grade.LOOK, said, N_("See whether the store app's backend is connected to the broker."), values)


def clock(synchronised: bool) -> Finding:
    """Judge the system's clock."""
    if synchronised:
        return Finding("clock", Grade.FINE, N_("The clock is synchronised."))
    said = N_("The clock isn't synchronised. Offers with an end date may be held back.")
    return Finding("clock", Grade.LOOK, said, N_("See to it that the box reaches a time server: timedatectl"))


def disk(free_mb: int, least_mb: int) -> Finding:
    """Judge the free space beside the database."""
    values = {"free_mb": free_mb, "least_mb": least_mb}
    if free_mb < least_mb:
        said = N_("Only {free_mb} MB are free on the disk; below {least_mb} MB no new promises are made.")
        return Finding("disk", Grade.BROKEN, said, N_("Free some space, or use a larger card."), values)
    if free_mb < 4 * least_mb:
        said = N_("{free_mb} MB are free on the disk; below {least_mb} MB no new promises are made.")
        return Finding("disk", Grade.LOOK, said, N_("Free some space, or use a larger card."), values)
    return Finding("disk", Grade.FINE, N_("{free_mb} MB are free on the disk."), values=values)


def disk_health(errors: int, life_used: float | None) -> Finding:
    """Judge the disk by the file systems' errors, and by the share of its rated writes that it had, where it says."""
    values = {"errors": errors, "percent": round((life_used or 0) * 100)}
    if errors:
        said, remedy = (
            N_("The file system has noted {errors} errors."),
            N_("Take a backup elsewhere, and replace the card or disk."),
        )
        return Finding("disk health", Grade.BROKEN, said, remedy, values)
    if life_used is None:
        return Finding("disk health", Grade.FINE, N_("The file system has noted no errors; the disk doesn't tell its wear."))
    if life_used >= LIFE_USED:
        said, remedy = N_("The disk has had {percent} percent of the writes it is made for."), N_("Replace it at a quiet moment.")
        return Finding("disk health", Grade.LOOK, said, remedy, values)
    return Finding("disk health", Grade.FINE, N_("The disk has had {percent} percent of the writes it is made for."), values=values)


def page(port: int, answers: bool) -> Finding:
    """Judge whether the dashboard answers on this box."""
    if answers:
        return Finding("page", Grade.FINE, N_("The dashboard answers on port {port}."), values={"port": port})
    said, remedy = N_("The dashboard doesn't answer on port {port}."), N_("See what the gateway says: journalctl -u etalage -n 20")
    return Finding("page", Grade.BROKEN, said, remedy, {"port": port})


def certificate(left_days: float | None) -> Finding:
    """Judge the dashboard's certificate by the days it still counts; None: there is none yet."""
    if left_days is None:
        return Finding("certificate", Grade.UNKNOWN, N_("The dashboard has no certificate that can be read from here."))
    values = {"days": int(left_days)}
    if left_days < 0:
        return Finding("certificate", Grade.BROKEN, N_("The dashboard's certificate has ended."), _RENEW, values)
    if left_days < CERTIFICATE_SOON_DAYS:
        return Finding("certificate", Grade.LOOK, N_("The dashboard's certificate ends in {days} days."), _RENEW, values)
    return Finding("certificate", Grade.FINE, N_("The dashboard's certificate counts for another {days} days."), values=values)


_RENEW = N_("Restart the gateway, which renews its own; a certificate of the shop's you renew yourself.")


def plan(heard_by: Collection[str], drawn: Collection[str]) -> Finding:
    """Judge the store plan against the scanners of this box."""
    if missing := sorted(set(heard_by) - set(drawn)):
        said, remedy = N_("The store plan lacks the scanners {scanners}."), N_("Draw them, or name the plan's own under [radio].")
        return Finding("plan", Grade.BROKEN, said, remedy, {"scanners": ", ".join(missing)})
    return Finding("plan", Grade.FINE, N_("The store plan knows every scanner of this box."))


def database(fault: str | None) -> Finding:
    """Judge the database by SQLite's own check."""
    if fault is None:
        return Finding("database", Grade.FINE, N_("The database is whole."))
    said, remedy = N_("The database is damaged: {fault}."), N_("Stop the gateway and restore the newest backup: etalage restore")
    return Finding("database", Grade.BROKEN, said, remedy, {"fault": fault})


def backups(folder: str | None, age_days: float | None, fault: str | None) -> Finding:
    """Judge the newest backup: its age in days (None: there is none), and what kept it from being restored on trial."""
    if folder is None:
        said, remedy = N_("No folder for backups is named."), N_("Set `backups` under [shoppers] in the settings.")
        return Finding("backups", Grade.LOOK, said, remedy)
    values = {"folder": folder, "days": int(age_days or 0), "fault": fault}
    if age_days is None:
        said, remedy = N_("There is no backup in {folder}."), N_("Type: etalage backup")
        return Finding("backups", Grade.LOOK, said, remedy, values)
    if fault is not None:
        return Finding(
            "backups", Grade.BROKEN, N_("The newest backup can't be restored: {fault}."), N_("Type: etalage backup"), values
        )
    if age_days > BACKUP_OLD_DAYS:
        said, remedy = N_("The newest backup is {days} days old."), N_("See why: journalctl -u etalage-backup -n 20")
        return Finding("backups", Grade.LOOK, said, remedy, values)
    return Finding("backups", Grade.FINE, N_("The newest backup can be restored: that was tried just now."), values=values)
