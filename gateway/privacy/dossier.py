"""The dossier: all that is held about one shopper, as JSON for a machine and as a document for a person (access, portability)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.privacy.consent_record import PURPOSE_WORDS, consent_record, iso, receipt
from gateway.settings import Settings
from gateway.shoppers.registry import stored
from gateway.storage import Connection, consents, decisions, subject
from rules import Gate
from rules.texts import N_, Language, text
from rules.texts.messages import GATES

Held = Mapping[str, Any]
"""What is held, as the tables' own columns and their JSON have it."""
_SAY: Mapping[str, str] = {
    "title": N_("Everything this shop keeps about you"),
    "made": N_("Made on"),
    "who": N_("Controller"),
    "contact": N_("Questions or requests"),
    "you": N_("You are known here as"),
    "nothing": N_("Nothing is kept about this shopper."),
    "consent": N_("Your consent"),
    "identity": N_("How you are recognised"),
    "profile": N_("Attributes and answers"),
    "journey": N_("Stage of the customer journey"),
    "visits": N_("Visits"),
    "journey_events": N_("What you did with offers"),
    "promises": N_("What you were promised"),
    "decisions": N_("Decisions, and why"),
    "waiting": N_("Messages that still wait"),
    "chosen": N_("chosen"),
    "none": N_("nothing"),
    "given": N_("given"),
    "refused": N_("refused"),
    "withdrawn": N_("withdrawn"),
}


def dossier(connection: Connection, shopper: str, settings: Settings, now_s: float, language: Language) -> dict[str, object] | None:
    """Return all that is held about a shopper, each decision with its reasons and what it was given; None when nothing is."""
    standing = consents.find(connection, shopper)
    if standing is None:
        return None
    held = subject.export_all(connection, shopper)
    events = consents.events(connection, shopper)
    record = consent_record(shopper, standing.record, stored(standing), events, settings, language)
    return held | {
        "shopper": shopper,
        "made": iso(now_s),
        "consent": record,
        "decisions": [_decision(row._asdict()) for row in _all_decisions(connection, shopper)],
    }


def consent_receipt(
    connection: Connection, shopper: str, settings: Settings, now_s: float, language: Language
) -> dict[str, object] | None:
    """Return the receipt of a shopper's standing consent, to hand over; None when there is none."""
    standing = consents.find(connection, shopper)
    if standing is None:
        return None
    events = consents.events(connection, shopper)
    return receipt(consent_record(shopper, standing.record, stored(standing), events, settings, language), now_s)


def as_json(held: Held) -> str:
    """Return the dossier for a machine to take elsewhere."""
    return json.dumps(held, indent=2, ensure_ascii=False, default=str)


def as_document(held: Held, settings: Settings, language: Language) -> str:
    """Return the dossier for a person to read, as Markdown."""
    lines = [
        f"# {text(language, _SAY['title'])}",
        "",
        f"- {text(language, _SAY['made'])}: {held['made']}",
        f"- {text(language, _SAY['who'])}: {settings.shoppers.controller or settings.store.chain}",
        f"- {text(language, _SAY['contact'])}: {settings.shoppers.contact or '-'}",
        f"- {text(language, _SAY['you'])}: `{held['shopper']}`",
    ]
    for heading, body in _sections(held, language):
        lines += ["", f"## {text(language, _SAY[heading])}", "", *(body or [text(language, _SAY["none"])])]
    return "\n".join(lines) + "\n"


def _all_decisions(connection: Connection, shopper: str) -> Iterator[Any]:
    """Return every logged decision, newest first, read a page at a time."""
    before = None
    while rows := decisions.page(connection, before=before, shopper=shopper, limit=500):
        yield from rows
        before = rows[-1].id


def _decision(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "shopper"}


def _sections(held: Held, language: Language) -> Iterator[tuple[str, Sequence[str]]]:
    yield "consent", [_purpose(purpose, language) for purpose in held["consent"]["pii_processing"]["purposes"]]
    yield "identity", [f"- `{json.dumps(held['identity'])}`"]
    yield "profile", [f"- {row['field']}: {row['value']} ({row['supplier']}, {iso(row['at_s'])})" for row in held["profile"]]
    yield "journey", [f"- {iso(row['at_s'])}: {row['stage']} `{json.dumps(row['reason'])}`" for row in held["stage_changes"]]
    yield (
        "visits",
        [f"- {iso(row['started_at_s'])} – {iso(row['ended_at_s'])}: {', '.join(row['zones'])}" for row in held["visits"]],
    )
    yield "journey_events", [f"- {iso(row['at_s'])}: {row['what']}" for row in held["journey_events"]]
    yield (
        "promises",
        [f"- {iso(row['at_s'])}: {row['content'].get('title', row['offer'])} ({row['state']})" for row in held["promises"]],
    )
    yield "decisions", [line for row in held["decisions"] for line in _why(row, language)]
    yield "waiting", [f"- `{body}`" for body in held["waiting"]]


def _purpose(purpose: Held, language: Language) -> str:
    words, state = text(language, PURPOSE_WORDS[purpose["purpose_type"]]), text(language, _SAY[purpose["state"]])
    return f"- {words}: **{state}** ({purpose['given'] or '-'})"


def _why(row: Held, language: Language) -> list[str]:
    """One decision, with one line for every gate that stopped an offer."""
    outcome = row["outcome"]
    chosen = ", ".join(str(one["offer"]) for one in outcome.get("chosen", [])) or text(language, _SAY["none"])
    lines = [f"- {iso(row['at_s'])}, {row['event']} {row['zone'] or ''}: {text(language, _SAY['chosen'])}: {chosen}"]
    for gate, offers in outcome.get("stopped", {}).items():
        lines.append(f"  - {', '.join(offers)}: {text(language, GATES[Gate(gate)])}")
    return lines
