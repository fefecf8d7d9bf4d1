"""Retention: how long each table keeps its rows, in one list that is enforced, printed and tested; and scrubbing what is erased.

Every table of the database stands in RULES. The job runs hourly; the offers' and mqtt rooms clear their own tables by the periods
named here, because what may go there hangs on more than age.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from gateway.settings import Settings
from gateway.storage.consents import consents, erasures
from gateway.storage.journey import visits
from gateway.storage.keys import Keys
from gateway.storage.profiles import profile_values
from gateway.storage.tables import metadata
from rules.texts import N_

DAY_S = 86_400.0
CHUNK_BYTES = 1 << 20
"""How much of the file is searched at once."""
STANDS = N_("as long as the consent stands")
IN_USE = N_("as long as the shop uses it")
SENT = N_("until it is sent or has ended")


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long one table keeps its rows: a period in the settings (`section.field`), or an end in words.

    `column` names the moment (epoch seconds) that the period counts from; None: the room that owns the table clears it.
    """

    table: str
    holds: str
    period: str | None = None
    until: str | None = None
    column: str | None = None


RULES: tuple[RetentionRule, ...] = (
    RetentionRule("consents", N_("the standing consent"), until=STANDS),
    RetentionRule(
        "consent_events",
        N_("how it came about"),
        "shoppers.consent_events_days",
        column="recorded_at_s",
    ),
    RetentionRule("identities", N_("recognition of a phone or tag"), until=STANDS),
    RetentionRule(
        "erasures",
        N_("proof of erasure, without a name"),
        "shoppers.erasures_days",
        column="erased_at_s",
    ),
    RetentionRule("visits", N_("finished visits"), "shoppers.visits_days", column="ended_at_s"),
    RetentionRule("journeys", N_("stage of the journey"), until=STANDS),
    RetentionRule("stage_changes", N_("why it changed"), "shoppers.journey_days", column="at_s"),
    RetentionRule(
        "journey_events",
        N_("what a shopper did with offers"),
        "shoppers.journey_days",
        column="at_s",
    ),
    RetentionRule(
        "purchases", N_("purchases: product groups that a rule reads, and amounts"), "shoppers.purchases_days", column="at_s"
    ),
    RetentionRule("attention", N_("attention budget"), "shoppers.attention_days", column="at_s"),
    RetentionRule("profile_values", N_("attributes and answers"), "shoppers.profile_days", column="at_s"),
    RetentionRule("profile_versions", N_("version of the profile"), until=STANDS),
    RetentionRule("promises", N_("promises"), "offers.promises_days"),
    RetentionRule("pending_rewards", N_("rewards that still wait"), until=IN_USE),
    RetentionRule("happenings", N_("what came of an offer"), "offers.promises_days"),
    RetentionRule("unmatched_receipts", N_("receipts without a promise"), "offers.promises_days"),
    RetentionRule("redemptions", N_("redemptions, without a shopper"), "offers.promises_days"),
    RetentionRule("counters", N_("state of the caps"), until=IN_USE),
    RetentionRule(
        "kept_uses",
        N_("after an erasure, without a name: how often offers with a worth were used"),
        "shoppers.erasure_digests_days",
        column="erased_at_s",
    ),
    RetentionRule("leases", N_("what a gateway took of the caps beforehand"), until=IN_USE),
    RetentionRule("pool_codes", N_("voucher codes"), until=IN_USE),
    RetentionRule("decisions", N_("decisions with reasons"), "offers.decisions_days"),
    RetentionRule("books", N_("rule books"), until=IN_USE),
    RetentionRule("book_steps", N_("who approved a book"), until=IN_USE),
    RetentionRule("epochs", N_("how far the database has come"), until=IN_USE),
    RetentionRule("shop_facts", N_("what the shop says of itself"), until=IN_USE),
    RetentionRule("outbox", N_("waiting messages"), until=SENT),
    RetentionRule("outbox_waiting", N_("their order, without content"), until=SENT),
    RetentionRule(
        "outbox_quarantine",
        N_("refused messages"),
        until=N_("30 days after their end"),
    ),
    RetentionRule("inbox_seen", N_("hash of taken messages"), "mqtt.seen_kept_s"),
    RetentionRule("inbox_sync", N_("state of the synchronisation"), until=IN_USE),
    RetentionRule("tokens", N_("access of programs and tills"), until=IN_USE),
    RetentionRule("accounts", N_("who of the staff may sign in"), until=IN_USE),
    RetentionRule(
        "sessions",
        N_("where somebody is signed in"),
        until=N_("30 days after the last use"),
    ),
    RetentionRule(
        "one_time_links",
        N_("invitations of staff"),
        until=N_("used or ended"),
    ),
    RetentionRule(
        "claims",
        N_("the code of a new box"),
        until=N_("used or ended"),
    ),
    RetentionRule("audit", N_("who did what in the dashboard"), "dashboard.audit_days", column="at_s"),
)


def period_s(rule: RetentionRule, settings: Settings) -> float | None:
    """A rule's period in seconds; None where it ends in words."""
    if rule.period is None:
        return None
    section, name = rule.period.split(".")
    value = float(getattr(getattr(settings, section), name))
    return value if name.endswith("_s") else value * DAY_S


def enforce(connection: Connection, settings: Settings, now_s: float) -> dict[str, int]:
    """Delete what has outstayed its period, in every table of this room; table to rows gone. Answers end at their own end too."""
    gone: dict[str, int] = {}
    for rule in RULES:
        period = period_s(rule, settings)
        if rule.column is not None and period is not None:
            table = metadata.tables[rule.table]
            gone[rule.table] = connection.execute(delete(table).where(table.c[rule.column] < now_s - period)).rowcount
    ended = delete(profile_values).where(profile_values.c.ends_at_s <= now_s)
    gone["profile_values"] += connection.execute(ended).rowcount
    nameless = erasures.c.erased_at_s < now_s - settings.shoppers.erasure_digests_days * DAY_S
    connection.execute(update(erasures).where(nameless).values(digest=None))
    return gone


def idle(connection: Connection, before_s: float, limit: int) -> list[str]:
    """Shoppers whose consent was last recorded, and whose last visit ended, before a moment; at most `limit`."""
    came = select(visits.c.visit).where(visits.c.shopper == consents.c.shopper, visits.c.ended_at_s >= before_s)
    rows = select(consents.c.shopper).where(consents.c.recorded_at_s < before_s, ~came.exists()).limit(limit)
    return list(connection.execute(rows).scalars())


def proofs(connection: Connection) -> list[tuple[bytes, float]]:
    """(digest, moment of erasure) of every proven erasure that still has its digest."""
    rows = select(erasures.c.digest, erasures.c.erased_at_s).where(erasures.c.digest.is_not(None))
    return [(row.digest, row.erased_at_s) for row in connection.execute(rows)]


def scrub(engine: Engine, keys: Keys, copies: Iterable[Path], marks: Collection[bytes] = (), rebuild: bool = False) -> bool:
    """Make what was erased unreadable everywhere: keys destroyed here and in the copies, the write-ahead log emptied.

    SQLite overwrites what is deleted, but not what it moved from page to page before. So the file is searched for `marks` of the
    erased, and rebuilt when one is found, or at once with `rebuild`. False when a reader or writer was in the way: call again.
    Blocks, and may hold up the writer while it rebuilds; not for the line's thread.
    """
    with engine.connect() as connection:
        erased = proofs(connection)
    keys.destroy(erased)
    for copy in copies:
        if copy.exists():
            Keys(copy).destroy(erased)
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        connection.rollback()  # neither statement can run inside the transaction that `connect` begins
        raw = connection.connection.driver_connection
        assert raw is not None  # a connection that was just taken from the pool
        try:
            clean = _empty_log(raw)
            if rebuild or _holds(Path(str(engine.url.database)), marks):
                raw.execute("VACUUM")
                clean = _empty_log(raw)
        except sqlite3.OperationalError:
            return False
    return clean


def _empty_log(raw: Any) -> bool:
    busy, _pages, _moved = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _holds(path: Path, marks: Collection[bytes]) -> bool:
    """True when any of the marks stands anywhere in the file."""
    overlap = max(map(len, marks), default=0)
    at, before = 0, b""
    while marks and (chunk := os.pread(_descriptor(path), CHUNK_BYTES, at)):
        window = before + chunk
        if any(mark in window for mark in marks):
            return True
        at, before = at + len(chunk), window[-overlap:]
    return False


@cache
def _descriptor(path: Path) -> int:
    """The file, opened once and never closed: closing it would take SQLite's locks away under the running gateway (POSIX)."""
    return os.open(path, os.O_RDONLY)


def erased_since(connection: Connection, since_s: float) -> bool:
    """True when anybody was erased since a moment."""
    return connection.execute(select(erasures.c.seq).where(erasures.c.erased_at_s >= since_s).limit(1)).first() is not None
