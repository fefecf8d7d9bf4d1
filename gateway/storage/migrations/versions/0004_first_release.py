"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from nothing to 0004."""
    op.create_table(
        "attention",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("shopper", name=op.f("pk_attention")),
    )
    op.create_index("ix_attention_at", "attention", ["at_s"], unique=False)
    op.create_table(
        "book_steps",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("book", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_book_steps")),
    )
    op.create_index("ix_book_steps_book", "book_steps", ["book"], unique=False)
    op.create_table(
        "books",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("added_at_s", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at_s", sa.Float(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("was_live", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_books")),
    )
    op.create_index("ix_books_state", "books", ["state"], unique=False)
    op.create_table(
        "consent_events",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("decided_at_s", sa.Float(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("purposes", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("recorded_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_consent_events")),
    )
    op.create_index("ix_consent_events_recorded", "consent_events", ["recorded_at_s"], unique=False)
    op.create_index("ix_consent_events_shopper", "consent_events", ["shopper", "decided_at_s"], unique=False)
    op.create_table(
        "consents",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=36), nullable=False),
        sa.Column("decided_at_s", sa.Float(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("purposes", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.JSON(), nullable=False),
        sa.Column("withdrawn_at_s", sa.Float(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("recorded_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("shopper", name=op.f("pk_consents")),
    )
    op.create_table(
        "counters",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("opened_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", "shopper", name=op.f("pk_counters")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=64), nullable=False),
        sa.Column("inputs_hash", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("test_group", sa.String(length=12), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_shopper", "decisions", ["shopper"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("decided_at_s", sa.Float(), nullable=False),
        sa.Column("erased_at_s", sa.Float(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_digest", "erasures", ["digest"], unique=False)
    op.create_index("ix_erasures_erased", "erasures", ["erased_at_s"], unique=False)
    op.create_table(
        "happenings",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("promise", sa.String(length=36), nullable=True),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=True),
        sa.Column("offer", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_happenings")),
        sa.UniqueConstraint("promise", "what", "event_id", name=op.f("uq_happenings_promise")),
    )
    op.create_index("ix_happenings_at", "happenings", ["at_s"], unique=False)
    op.create_index("ix_happenings_shopper", "happenings", ["shopper", "at_s"], unique=False)
    op.create_table(
        "identities",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("uuid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("major_minor", sa.LargeBinary(length=4), nullable=True),
        sa.Column("key", sa.LargeBinary(length=16), nullable=True),
        sa.PrimaryKeyConstraint("shopper", name=op.f("pk_identities")),
    )
    op.create_index("ix_identities_static", "identities", ["uuid", "major_minor"], unique=False)
    op.create_table(
        "inbox_seen",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_inbox_seen")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_inbox_seen_at_s", "inbox_seen", ["at_s"], unique=False)
    op.create_table(
        "inbox_sync",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("cursor", sa.String(length=256), nullable=True),
        sa.Column("asked_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_inbox_sync")),
    )
    op.create_table(
        "journey_events",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=260), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journey_events")),
        sa.UniqueConstraint("shopper", "event_id", name=op.f("uq_journey_events_shopper")),
    )
    op.create_index("ix_journey_events_at", "journey_events", ["at_s"], unique=False)
    op.create_index("ix_journey_events_shopper", "journey_events", ["shopper", "at_s"], unique=False)
    op.create_table(
        "journeys",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("since_s", sa.Float(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=True),
        sa.Column("visits_ever", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shopper", name=op.f("pk_journeys")),
    )
    op.create_table(
        "leases",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("at_most", sa.BigInteger(), nullable=False),
        sa.Column("unspent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "gateway", name=op.f("pk_leases")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("topic", sa.String(length=128), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=True),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("resent", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox_quarantine",
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("topic", sa.String(length=128), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=True),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("quarantined_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_outbox_quarantine")),
    )
    op.create_table(
        "outbox_waiting",
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("handed_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("rank", "seq", name=op.f("pk_outbox_waiting")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pending_rewards",
        sa.Column("invitation", sa.String(length=36), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("due_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("invitation", name=op.f("pk_pending_rewards")),
    )
    op.create_index("ix_pending_rewards_due", "pending_rewards", ["due_at_s"], unique=False)
    op.create_index("ix_pending_rewards_shopper", "pending_rewards", ["shopper"], unique=False)
    op.create_table(
        "pool_codes",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("offer", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("promise", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pool_codes")),
    )
    op.create_index("ix_pool_codes_free", "pool_codes", ["offer", "promise", "place"], unique=False)
    op.create_index("ix_pool_codes_promise", "pool_codes", ["promise"], unique=False)
    op.create_table(
        "profile_values",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("supplier", sa.String(length=8), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("ends_at_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("shopper", "field", "supplier", name=op.f("pk_profile_values")),
    )
    op.create_index("ix_profile_values_at", "profile_values", ["at_s"], unique=False)
    op.create_index("ix_profile_values_field", "profile_values", ["field"], unique=False)
    op.create_table(
        "profile_versions",
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("shopper", name=op.f("pk_profile_versions")),
    )
    op.create_table(
        "promises",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=True),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("decision", sa.String(length=36), nullable=True),
        sa.Column("book", sa.String(length=64), nullable=False),
        sa.Column("offer", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("terms", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("code_key", sa.String(length=64), nullable=True),
        sa.Column("shared", sa.Integer(), nullable=False),
        sa.Column("reward", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("expires_at_s", sa.Float(), nullable=False),
        sa.Column("ends_at_s", sa.Float(), nullable=False),
        sa.Column("takings", sa.JSON(), nullable=False),
        sa.Column("spent_cents", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    op.create_index("ix_promises_end", "promises", ["state", "ends_at_s"], unique=False)
    op.create_index(
        "ix_promises_nameless",
        "promises",
        ["ends_at_s"],
        unique=False,
        sqlite_where=sa.text("shopper IS NULL"),
        postgresql_where=sa.text("shopper IS NULL"),
    )
    op.create_index(
        "ix_promises_shared_code",
        "promises",
        ["code_key", "state", "ends_at_s"],
        unique=False,
        sqlite_where=sa.text("code_key IS NOT NULL AND shared = 1"),
        postgresql_where=sa.text("code_key IS NOT NULL AND shared = 1"),
    )
    op.create_index("ix_promises_shopper", "promises", ["shopper"], unique=False)
    op.create_index(
        "uq_promises_own_code",
        "promises",
        ["code_key"],
        unique=True,
        sqlite_where=sa.text("code_key IS NOT NULL AND shared = 0"),
        postgresql_where=sa.text("code_key IS NOT NULL AND shared = 0"),
    )
    op.create_table(
        "redemptions",
        sa.Column("till", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("promise", sa.String(length=36), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("till", "key", name=op.f("pk_redemptions")),
    )
    op.create_index("ix_redemptions_at", "redemptions", ["at_s"], unique=False)
    op.create_index("ix_redemptions_promise", "redemptions", ["promise"], unique=False)
    op.create_table(
        "shop_facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("set_at_s", sa.Float(), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shop_facts")),
    )
    op.create_table(
        "stage_changes",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_stage_changes")),
    )
    op.create_index("ix_stage_changes_at", "stage_changes", ["at_s"], unique=False)
    op.create_index("ix_stage_changes_shopper", "stage_changes", ["shopper", "at_s"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("made_at_s", sa.Float(), nullable=False),
        sa.Column("revoked_at_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
    )
    op.create_table(
        "unmatched_receipts",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("promise", sa.String(length=128), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_unmatched_receipts")),
    )
    op.create_index("ix_unmatched_receipts_at", "unmatched_receipts", ["at_s"], unique=False)
    op.create_table(
        "visits",
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("started_at_s", sa.Float(), nullable=False),
        sa.Column("ended_at_s", sa.Float(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("visit", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_ended", "visits", ["ended_at_s"], unique=False)
    op.create_index("ix_visits_shopper", "visits", ["shopper", "started_at_s"], unique=False)
