"""What is known of one shopper, gathered from the tables for the length of a visit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.shoppers import stages
from gateway.shoppers.attention import Bucket
from gateway.shoppers.presence import KnownFacts
from gateway.shoppers.profiles import SHOPPER, DeclaredAttributes, value_of
from gateway.storage import Connection, consents, journey, profiles
from gateway.storage.journey import JourneyRecord
from rules import Value

DAY_S = 86_400.0


def read_known(connection: Connection, shopper: str, at_s: float, declared: DeclaredAttributes) -> KnownFacts | None:
    """Return what is known of a shopper who is here now; None without consent to be recognised."""
    standing = consents.find(connection, shopper)
    if standing is None:
        return None
    purposes = standing.purposes
    if standing.measure_left:  # treated outside the test groups meanwhile, so no longer fit for any of them
        purposes -= {"measure"}
    if "recognise" not in purposes:
        return None
    facts: dict[str, Value] = dict(_journey_facts(connection, shopper, at_s))
    times = dict.fromkeys(facts, at_s)
    good_until_s = math.inf
    readable = declared.readable(purposes)
    for row in profiles.values(connection, shopper):
        overruled = row.field in facts and row.supplier != SHOPPER  # what somebody says of themselves goes first
        if row.field not in readable or overruled or (row.ends_at_s is not None and row.ends_at_s <= at_s):
            continue
        facts[row.field], times[row.field] = value_of(row.value), row.at_s
        if row.ends_at_s is not None:
            good_until_s = min(good_until_s, row.ends_at_s)
    bucket = journey.bucket(connection, shopper)
    return KnownFacts(
        purposes=purposes,
        language=standing.language,
        facts=MappingProxyType(facts),
        fact_times=MappingProxyType(times),
        bucket=Bucket(*bucket) if bucket is not None else None,
        good_until_s=good_until_s,
    )


def _journey_facts(connection: Connection, shopper: str, at_s: float) -> Mapping[str, Value]:
    """Return stage and visits, the one that is going on included."""
    row = journey.find(connection, shopper)
    counts, standing = journey.counts(connection, shopper, at_s, row), standing_in(row, at_s)
    facts: dict[str, Value] = {
        "stage": stages.follow(standing, signals(counts, visits_now=1), at_s).stage,
        "visits": counts.visits_ever + 1,
        "visits_30d": counts.visits_30d + 1,
        "visits_90d": counts.visits_90d + 1,
    }
    if counts.last_visit_s is not None:
        facts["days_since_visit"] = max(0.0, (at_s - counts.last_visit_s) / DAY_S)
    return facts


def signals(counts: journey.Counts, visits_now: int = 0) -> dict[str, int]:
    """Return the signals that stages are made of; `visits_now` counts a visit that is still going on."""
    return {
        "visits_90d": counts.visits_90d + visits_now,
        "engagements_90d": counts.events_90d.get("engaged", 0) + counts.redeemed_90d,
        "purchases_90d": counts.events_90d.get("purchased", 0),
        "reviews_365d": counts.events_365d.get("reviewed", 0),
        "shares_365d": counts.events_365d.get("shared", 0),
    }


def standing_in(row: JourneyRecord | None, at_s: float) -> stages.Standing:
    """Return the stage as it was last written down (a row of the journeys); where everybody starts before that."""
    return stages.start(at_s) if row is None else stages.Standing(row.stage, row.since_s, row.reason, row.set_by)


def restage(connection: Connection, shopper: str, at_s: float, visits_more: int = 0) -> str:
    """Bring a shopper's stage up to date and write down why it changed; the stage."""
    row = journey.find(connection, shopper)
    before = standing_in(row, at_s)
    after = stages.follow(before, signals(journey.counts(connection, shopper, at_s, row)), at_s)
    if row is None or after is not before or visits_more:
        put_standing(connection, shopper, after, (row.visits_ever if row is not None else 0) + visits_more)
    if row is None or after is not before:
        journey.note_change(connection, shopper, after.stage, after.since_s, after.reason)
    return after.stage


def set_stage(connection: Connection, shopper: str, stage: str | None, who: str, at_s: float) -> None:
    """Write down a stage set by hand, or (None) let it follow the signals from here on."""
    row = journey.find(connection, shopper)
    visits_ever = row.visits_ever if row is not None else 0
    if stage is not None:
        after = stages.set_by_hand(stage, who, at_s)
        put_standing(connection, shopper, after, visits_ever)
        journey.note_change(connection, shopper, after.stage, at_s, after.reason)
        return
    put_standing(connection, shopper, replace(standing_in(row, at_s), set_by=None), visits_ever)
    restage(connection, shopper, at_s)


def put_standing(connection: Connection, shopper: str, standing: stages.Standing, visits_ever: int) -> None:
    """Write down where a shopper stands."""
    row = JourneyRecord(shopper, standing.stage, standing.since_s, dict(standing.reason), standing.set_by, visits_ever)
    journey.put(connection, row)
