"""The consent registry: takes decisions in, keeps what stands, and lets go of all that is no longer consented to.

Everything here is one transaction's work on a connection; what follows from it in memory is for People.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.shoppers.consent import Consent, ConsentDecision, PurposeState, consent_of, merge, placed
from gateway.shoppers.identities import BeaconIdentity, Rotating, Static
from gateway.shoppers.said import SaidAtBox
from gateway.storage import (
    Connection,
    caps,
    consents,
    decisions,
    happenings,
    identities,
    journey,
    pending_rewards,
    profiles,
    promises,
    purchases,
    subject,
)
from gateway.storage.consents import ConsentEvent, ConsentRecord
from gateway.storage.identities import IdentityRecord
from rules import Situation

UUID_BYTES = 16
OFFERS_EVENTS = ("engaged", "redeemed", "dismissed", "reviewed", "shared")
PURCHASE_EVENTS = ("purchased",)

Digest = Callable[[str], bytes]
"""A shopper to the keyed hash that stands for them in proofs of erasure."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a decision: `standing` False when a later one is known already."""

    standing: bool
    shared: bool = False
    """The static id fits another member too, and so is nobody's."""


class ConsentRegistry:
    """Consent as it is kept. `digest` stands for a shopper in proofs, `readable` names the profile fields purposes let us keep."""

    def __init__(self, digest: Digest, readable: Callable[[frozenset[str]], frozenset[str]], said: SaidAtBox | None = None) -> None:
        self._digest = digest
        self._readable = readable
        self._said = said

    def record(
        self, connection: Connection, shopper: str, decision: ConsentDecision, identity: BeaconIdentity | None, now_s: float
    ) -> Recorded:
        """Take a grant in; the identity is kept only with the purpose `recognise`."""
        withdrawal = _withdrawal(consents.proof_of(connection, self._digest(shopper)))
        said = self._said.latest(self._digest(shopper)) if self._said is not None else None
        if said is not None and said.decided_at_s > decision.decided_at_s:  # the database may have lost it
            if not said.withdraws:
                decision = said
            elif withdrawal is None or withdrawal.decided_at_s < said.decided_at_s:
                withdrawal = said
        if withdrawal is not None:
            decision = placed(decision, withdrawal)
            if withdrawal.decided_at_s >= decision.decided_at_s:
                return Recorded(standing=False)
        before = consents.find(connection, shopper)
        if before is None:
            consent = consent_of(decision)
        else:
            decision = placed(decision, stored(before).latest)
            consent = merge(stored(before), consent_of(decision))
        if withdrawal is not None:
            consent = replace(consent, withdrawn_at_s=max(withdrawal.decided_at_s, consent.withdrawn_at_s))
        if before is None:
            caps.take_up_uses(connection, shopper, self._digest(shopper))
            consents.begin(connection, _row(shopper, consent, str(uuid.uuid4()), now_s), _event(shopper, decision, now_s))
        else:
            consents.note(connection, _event(shopper, decision, now_s))
            consents.put(connection, _row(shopper, consent, before.record, now_s, before.measure_left))
            if consent.latest != decision:
                return Recorded(standing=False)
            self._narrow(connection, shopper, decision.purposes)
        if identity is None or "recognise" not in decision.purposes:
            return Recorded(standing=True)
        return Recorded(standing=True, shared=_identify(connection, shopper, identity))

    def withdraw(self, connection: Connection, shopper: str, withdrawal: ConsentDecision, now_s: float) -> frozenset[bytes] | None:
        """Take a total withdrawal in and erase everything; None when a later grant stands, and so nothing is erased.

        Returns marks of the shopper, to look for in the file afterwards.
        """
        before = consents.find(connection, shopper)
        if before is not None:
            standing = stored(before)
            withdrawal = placed(withdrawal, standing.latest)
            if standing.latest.decided_at_s > withdrawal.decided_at_s:
                consent = merge(standing, consent_of(withdrawal))
                consents.put(connection, _row(shopper, consent, before.record, now_s, before.measure_left))
                return None
        key = identities.key_of(connection, shopper)
        digest = self._digest(shopper)
        rows = subject.erase_all(connection, shopper, digest, now_s)
        proof = consents.ErasureProof(withdrawal.decided_at_s, withdrawal.version, withdrawal.ahead)
        consents.prove_erasure(connection, digest, proof, now_s, rows)
        return frozenset({shopper.encode(), key} if key else {shopper.encode()})

    def _narrow(self, connection: Connection, shopper: str, purposes: frozenset[str]) -> None:
        """Let go of what was kept for purposes that are not (or no longer) consented to."""
        if "recognise" not in purposes:
            identities.erase(connection, shopper)
            journey.erase(connection, shopper)
        if "offers" not in purposes:
            promises.erase(connection, shopper)
            happenings.erase(connection, shopper)
            pending_rewards.erase(connection, shopper)
            decisions.erase(connection, shopper)
            journey.erase_events(connection, shopper, OFFERS_EVENTS)
        if "purchases" not in purposes:
            journey.erase_events(connection, shopper, PURCHASE_EVENTS)
            purchases.erase(connection, shopper)
            happenings.erase(connection, shopper, "purchased")
        profiles.keep_only(connection, shopper, self._readable(purposes))

    def remember(self, shopper: str, decision: ConsentDecision) -> None:
        """Keep a no, or a yes to less than before, outside the database too."""
        if self._said is not None:
            self._said.note(self._digest(shopper), decision)

    def said_now(self, connection: Connection, shopper: str, decision: ConsentDecision) -> ConsentDecision:
        """Return a decision that is said at the box at this moment: it follows all that is known of the shopper."""
        standing = consents.find(connection, shopper)
        withdrawal = _withdrawal(consents.proof_of(connection, self._digest(shopper)))
        for known in (withdrawal, None if standing is None else stored(standing).latest):
            if known is not None:
                after_s = math.nextafter(known.decided_at_s, math.inf)
                version = known.version + (known.withdraws and not decision.withdraws)
                decision = decision._replace(
                    decided_at_s=max(decision.decided_at_s, after_s), version=max(decision.version, version)
                )
        return decision


def _withdrawal(proof: consents.ErasureProof | None) -> ConsentDecision | None:
    """Return the withdrawal behind a proof of erasure, as far as it matters what came after it."""
    return None if proof is None else ConsentDecision(proof.decided_at_s, proof.version, frozenset(), ahead=proof.ahead)


def _identify(connection: Connection, shopper: str, identity: BeaconIdentity) -> bool:
    """Keep how a shopper is recognised; True when the id is another member's too."""
    if isinstance(identity, Rotating):
        identities.put(connection, shopper, identity.uuid, None, identity.key)
        return False
    uuid_, major_minor = identity.beacon_id[:UUID_BYTES], identity.beacon_id[UUID_BYTES:]
    identities.put(connection, shopper, uuid_, major_minor, None)
    return identities.owners(connection, uuid_, major_minor) > 1


def still_consented(connection: Connection, situation: Situation) -> bool:
    """Tell whether every purpose that a situation was put together with still stands: asked again where a promise is made."""
    return consents.covers(connection, situation.shopper, situation.purposes)


def identity_in(row: IdentityRecord) -> BeaconIdentity:
    """Return the identity in a row of the identities table."""
    if row.major_minor is not None:
        return Static(row.uuid + row.major_minor)
    assert row.key is not None  # one of the two
    return Rotating(row.uuid, row.key)


def stored(row: ConsentRecord) -> Consent:
    """Return the consent in a row of the consents table."""
    latest = ConsentDecision(row.decided_at_s, row.version, row.purposes, row.language, row.text, row.channel, row.ahead)
    withdrawn_at_s = float("-inf") if row.withdrawn_at_s is None else row.withdrawn_at_s
    return Consent(latest, MappingProxyType(row.given_at), withdrawn_at_s)


def _event(shopper: str, decision: ConsentDecision, now_s: float) -> ConsentEvent:
    return ConsentEvent(
        shopper,
        decision.decided_at_s,
        decision.version,
        decision.purposes,
        decision.language,
        decision.text,
        decision.channel,
        recorded_at_s=now_s,
    )


def _row(shopper: str, consent: Consent, record: str, now_s: float, measure_left: bool = False) -> ConsentRecord:
    latest = consent.latest
    return ConsentRecord(
        shopper,
        record,
        latest.decided_at_s,
        latest.version,
        latest.purposes,
        dict(consent.given_at_s),
        consent.withdrawn_at_s if consent.withdrawn_at_s > float("-inf") else None,
        latest.language,
        latest.text,
        latest.channel,
        recorded_at_s=now_s,
        ahead=latest.ahead,
        measure_left=measure_left or consent.state("measure") is PurposeState.WITHDRAWN,
    )
