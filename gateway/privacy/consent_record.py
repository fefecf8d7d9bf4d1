"""The consent record and its receipt, with the fields of ISO/IEC TS 27560:2023: header, processing, parties, events. Pure.

The record is what the shop keeps; the receipt is the same, dated, for the shopper. Both are made from the standing decision, from
how it came about, and from the settings, at the moment they are asked for: nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.settings import Settings
from gateway.shoppers.consent import Consent
from gateway.storage.consents import ConsentEvent
from rules import PURPOSES
from rules.texts import N_, Language, text

SCHEMA = "ISO/IEC TS 27560:2023"

PURPOSE_WORDS: Mapping[str, str] = {
    "recognise": N_("recognise me in the shop"),
    "offers": N_("personal offers"),
    "purchases": N_("use my purchases"),
    "aftercare": N_("help me after a purchase"),
    "measure": N_("measure whether offers work"),
}
PURPOSE_DATA: Mapping[str, str] = {
    "recognise": N_("pseudonym, beacon id or key, zones and times of visits"),
    "offers": N_("attributes and answers that a live rule reads, offers and what came of them"),
    "purchases": N_("purchases: product groups that a rule reads, and amounts"),
    "aftercare": N_("product groups bought, during the visit"),
    "measure": N_("a fixed test group, worked out from the pseudonym"),
}
WITHDRAWAL = N_("in the store app or at the desk; as easy as consenting, and in force within a second")
RIGHTS = N_("access, portability, rectification, erasure, objection; complaint to the Autoriteit Persoonsgegevens")


def iso(at_s: float) -> str:
    """Return epoch seconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def consent_record(
    shopper: str, record: str, consent: Consent, events: Sequence[ConsentEvent], settings: Settings, language: Language
) -> dict[str, object]:
    """Return the record of one shopper's consent. `events`: how it came about, oldest first."""
    return {
        "schema_version": SCHEMA,
        "record_id": record,
        "pii_principal_id": shopper,
        "pii_processing": {
            "privacy_notice": consent.latest.text,
            "language": consent.latest.language,
            "purposes": [_purpose(purpose, consent, settings, language) for purpose in PURPOSES],
        },
        "party_identification": [
            {
                "party_id": settings.store.chain,
                "party_name": settings.shoppers.controller,
                "party_role": "pii_controller",
                "party_contact": settings.shoppers.contact,
            }
        ],
        "event": [_event(event) for event in events],
    }


def receipt(record: Mapping[str, object], now_s: float) -> dict[str, object]:
    """Return what the shopper is handed: the record, dated."""
    return {
        "schema_version": SCHEMA,
        "receipt_id": f"{record['record_id']}/{int(now_s)}",
        "issued": iso(now_s),
        "consent_record": record,
    }


def _purpose(purpose: str, consent: Consent, settings: Settings, language: Language) -> dict[str, object]:
    given_s = consent.given_at_s.get(purpose)
    return {
        "purpose": text(language, PURPOSE_WORDS[purpose]),
        "purpose_type": purpose,
        "lawful_basis": "consent (GDPR art. 6(1)(a))",
        "state": consent.state(purpose).value,
        "given": iso(given_s) if given_s is not None else None,
        "pii_information": [{"pii_type": text(language, PURPOSE_DATA[purpose]), "sensitive": False}],
        "collection_method": "beacon, store app backend, question card",
        "processing_method": "automated, by the shop's own rules",
        "storage_locations": [f"gateway {settings.store.gateway} in shop {settings.store.store}"],
        "retention_period": f"P{settings.shoppers.visits_days}D",
        "recipient_third_parties": [],
        "withdrawal_method": text(language, WITHDRAWAL),
        "privacy_rights": text(language, RIGHTS),
    }


def _event(event: ConsentEvent) -> dict[str, object]:
    return {
        "event_time": iso(event.decided_at_s),
        "recorded": iso(event.recorded_at_s),
        "event_type": "explicit consent",
        "event_state": "given",
        "purposes": sorted(event.purposes),
        "privacy_notice": event.text,
        "language": event.language,
        "method": event.channel,
        "entity_id": "data subject",
    }
