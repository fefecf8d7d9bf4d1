"""Consent: what stands after any number of decisions, however often and in whatever order they are heard. Pure.

- The latest decision by its own time stands. At the same time a withdrawal beats a grant, then the higher version, then the
  grant of fewer purposes.
- A purpose is *given* when the standing decision names it, *withdrawn* when an earlier one since the last total withdrawal did, and
  *refused* otherwise.

Merging is a join: commutative, associative and idempotent, so duplicates and reordering cannot matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

FUTURE_TOLERANCE_S = 300.0
"""A decision from further ahead than two clocks may differ is refused: it would outrank every later one."""

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

    @property
    def withdraws(self) -> bool:
        """True when this takes back everything."""
        return not self.purposes


@dataclass(frozen=True, slots=True)
class Consent:
    """What stands: the latest decision, when each purpose was last given, and when everything was last withdrawn."""

    latest: ConsentDecision
    given_at_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    withdrawn_at_s: float = _NEVER

    def state(self, purpose: str) -> PurposeState:
        """Where a purpose stands."""
        if purpose in self.latest.purposes:
            return PurposeState.GIVEN
        return PurposeState.WITHDRAWN if self.given_at_s.get(purpose, _NEVER) > self.withdrawn_at_s else PurposeState.REFUSED


def consent_of(decision: ConsentDecision) -> Consent:
    """What stands when this is the only decision ever heard."""
    if decision.withdraws:
        return Consent(decision, withdrawn_at_s=decision.decided_at_s)
    return Consent(decision, MappingProxyType(dict.fromkeys(decision.purposes, decision.decided_at_s)))


def merge(one: Consent, other: Consent) -> Consent:
    """What stands when both were heard."""
    given = dict(one.given_at_s)
    for purpose, at_s in other.given_at_s.items():
        given[purpose] = max(at_s, given.get(purpose, _NEVER))
    return Consent(
        latest=max(one.latest, other.latest, key=_rank),
        given_at_s=MappingProxyType(given),
        withdrawn_at_s=max(one.withdrawn_at_s, other.withdrawn_at_s),
    )


def _rank(decision: ConsentDecision) -> tuple[float, bool, int, int, tuple[str, ...], str, str, str]:
    """The order of decisions. What follows the number of purposes only makes the order total: equal decisions must merge alike."""
    return (
        decision.decided_at_s,
        decision.withdraws,
        decision.version,
        -len(decision.purposes),
        tuple(sorted(decision.purposes)),
        decision.text,
        decision.channel,
        decision.language,
    )
