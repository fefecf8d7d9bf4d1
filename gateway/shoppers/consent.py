"""Consent: what stands after any number of decisions, however often and in whatever order they are heard. Pure.

- The latest decision by its own time stands. At the same time a withdrawal beats a grant, then the higher version, then the
  grant of fewer purposes.
- A decision whose own time lies ahead of ours counts from its receipt (`as_received`). That time says nothing about what came
  before it, so between it and any other the version decides, then a withdrawal, then the order of receipt (`placed`).
- A purpose is *given* when the standing decision names it, *withdrawn* when an earlier one since the last total withdrawal did, and
  *refused* otherwise.

Merging is a join: commutative, associative and idempotent, so duplicates and reordering cannot matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

_NEVER = float("-inf")


class PurposeState(StrEnum):
    """Where one purpose stands."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ConsentDecision(NamedTuple):
    """One decision of a shopper. No purposes: everything is withdrawn."""

    decided_at_s: float
    version: int
    purposes: frozenset[str]
    language: str = "nl"
    text: str = ""
    """Version of the wording agreed to."""
    channel: str = "app"
    ahead: bool = False
    """Its own time lay ahead of ours, and it counts from its receipt."""

    @property
    def withdraws(self) -> bool:
        """Tell whether this takes back everything."""
        return not self.purposes


@dataclass(frozen=True, slots=True)
class Consent:
    """What stands: the latest decision, when each purpose was last given, and when everything was last withdrawn."""

    latest: ConsentDecision
    given_at_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    withdrawn_at_s: float = _NEVER

    def state(self, purpose: str) -> PurposeState:
        """Tell where a purpose stands."""
        if purpose in self.latest.purposes:
            return PurposeState.GIVEN
        return PurposeState.WITHDRAWN if self.given_at_s.get(purpose, _NEVER) > self.withdrawn_at_s else PurposeState.REFUSED


def consent_of(decision: ConsentDecision) -> Consent:
    """Return what stands when this is the only decision ever heard."""
    if decision.withdraws:
        return Consent(decision, withdrawn_at_s=decision.decided_at_s)
    return Consent(decision, MappingProxyType(dict.fromkeys(decision.purposes, decision.decided_at_s)))


def as_received(decision: ConsentDecision, now_s: float) -> ConsentDecision:
    """Return the decision as it counts: one that lies ahead of now counts from now on."""
    return decision if decision.decided_at_s <= now_s else decision._replace(decided_at_s=now_s, ahead=True)


def placed(decision: ConsentDecision, known: ConsentDecision) -> ConsentDecision:
    """Return the decision with the time that puts it before or after one that was received earlier.

    Where both came with a time that can be believed it is left alone.
    """
    if not (decision.ahead or known.ahead):
        return decision
    if decision._replace(decided_at_s=known.decided_at_s) == known:  # heard again
        return known
    newer = (decision.version, decision.withdraws) >= (known.version, known.withdraws)
    if newer:
        return decision._replace(decided_at_s=max(decision.decided_at_s, math.nextafter(known.decided_at_s, math.inf)))
    return decision._replace(decided_at_s=min(decision.decided_at_s, math.nextafter(known.decided_at_s, _NEVER)))


def merge(one: Consent, other: Consent) -> Consent:
    """Return what stands when both were heard."""
    given = dict(one.given_at_s)
    for purpose, at_s in other.given_at_s.items():
        given[purpose] = max(at_s, given.get(purpose, _NEVER))
    return Consent(
        latest=max(one.latest, other.latest, key=_rank),
        given_at_s=MappingProxyType(given),
        withdrawn_at_s=max(one.withdrawn_at_s, other.withdrawn_at_s),
    )


def _rank(decision: ConsentDecision) -> tuple[float, bool, int, int, tuple[str, ...], str, str, str, bool]:
    """Order decisions. What follows the number of purposes only makes the order total: equal decisions must merge alike."""
    return (
        decision.decided_at_s,
        decision.withdraws,
        decision.version,
        -len(decision.purposes),
        tuple(sorted(decision.purposes)),
        decision.text,
        decision.channel,
        decision.language,
        decision.ahead,
    )
