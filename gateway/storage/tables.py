"""All tables at once, for who needs the whole: migrations, retention, backups. Importing a room's module registers its tables."""

from gateway.storage import (
    accounts,
    audit,
    books,
    caps,
    consents,
    decisions,
    epochs,
    happenings,
    identities,
    inbox,
    journey,
    outbox,
    pending_rewards,
    profiles,
    promises,
    purchases,
    quarantine,
    shop_facts,
    users,
    vouchers,
)
from gateway.storage.metadata import metadata

__all__ = ["metadata"]

TABLE_MODULES = (
    accounts,
    audit,
    books,
    caps,
    consents,
    decisions,
    epochs,
    happenings,
    identities,
    inbox,
    journey,
    outbox,
    pending_rewards,
    profiles,
    promises,
    purchases,
    quarantine,
    shop_facts,
    users,
    vouchers,
)
