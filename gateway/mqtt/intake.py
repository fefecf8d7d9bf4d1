"""Bytes from the wire in, a typed event or the reasons against it out. Pure; nothing that comes in can raise.

What a reason says never repeats what was sent: a reply is read by more people than the message was meant for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from gateway.messages import CHANNELS, AnyEvent, Event, Message, RedemptionAsked
from gateway.mqtt.topics import pattern_of
from gateway.objections import Objection, fault_message
from rules.texts import N_

DEPTH_MAX = 16
"""No message of the contract is deeper than 8, a page of sync with messages in it included."""
REASONS_MAX = 20
"""A message wrong in more places is told the first twenty."""
ID_MAX = Message.ID_MAX


def _type(message: type[Message]) -> str:
    return str(message.TYPE)  # type: ignore[attr-defined]  # each message of a channel has one


_CODES = {"literal_error": "unknown_word", "missing": "missing", "extra_forbidden": "unknown_field"}
_FIELD_CODES = {"purposes": "unknown_purpose", "what": "unknown_receipt", "language": "unknown_language"}

EVENTS: Mapping[str, type[AnyEvent]] = {
    message.TYPE: Event[message]  # type: ignore[valid-type, attr-defined]  # each message of a channel has a TYPE
    for channel in CHANNELS
    if channel.publisher in ("backend", "till")
    for message in channel.messages
}
"""Every type the backend or a till may send, with the model of its envelope."""
_ID_MAX = {_type(message): message.ID_MAX for channel in CHANNELS for message in channel.messages}


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that can't be taken: its id, where it has a usable one, and why."""

    event_id: str | None
    reasons: tuple[Objection, ...]


def types_of(topic: str) -> frozenset[str]:
    """The types that may come on a topic, after the prefix; empty when it is none of ours."""
    for channel in CHANNELS:
        if channel.publisher in ("backend", "till") and pattern_of(channel.topic).fullmatch(topic):
            return frozenset(_type(message) for message in channel.messages)
    return frozenset()


def read(body: bytes, allowed: Iterable[str], max_bytes: int) -> AnyEvent | Refused:
    """The event in `body`, when its type is one of `allowed`."""
    if len(body) > max_bytes:
        return _no(None, "", "too_large", N_("the message has {bytes} bytes; send at most {most}"), bytes=len(body), most=max_bytes)
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError:
        return _no(None, "", "not_json", N_("the message is not JSON, or is nested too deeply"))
    return check(document, allowed)


def check(document: object, allowed: Iterable[str]) -> AnyEvent | Refused:
    """The same for JSON that has been read already."""
    if not isinstance(document, dict):
        return _no(None, "", "not_an_event", N_("the message must be a CloudEvents object"))
    event_id = _usable_id(document.get("id"))
    if not _shallow(document, DEPTH_MAX):
        return _no(event_id, "", "too_deep", N_("the message is nested more than {levels} levels deep"), levels=DEPTH_MAX)
    known = sorted(allowed)
    if document.get("type") not in known:
        return _no(event_id, "type", "unknown_type", N_("on this topic the type must be one of: {types}"), types=", ".join(known))
    most = _ID_MAX.get(document["type"], ID_MAX)
    if event_id is not None and len(event_id) > most:
        return _no(event_id, "id", "too_long", N_("the id of a message of this type has at most {most} characters"), most=most)
    try:
        return EVENTS[document["type"]].model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        return Refused(event_id, tuple(_reason(fault["loc"], fault["type"], fault) for fault in faults[:REASONS_MAX]))


def said_by(found: AnyEvent | Refused, topic: str) -> AnyEvent | Refused:
    """The same, unless it is a till's and came on another one's topic: the broker lets each till write on its own only."""
    if isinstance(found, Refused) or not isinstance(found.data, RedemptionAsked) or topic == f"redemptions/{found.data.till}":
        return found
    return _no(found.id, "data.till", "wrong_till", N_("the till must be the one in the topic"))


def _no(event_id: str | None, path: str, code: str, message: str, **values: object) -> Refused:
    return Refused(event_id, (Objection(path, code, message, values),))


def _usable_id(given: object) -> str | None:
    return given if isinstance(given, str) and 0 < len(given) <= ID_MAX else None


def _shallow(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return True
    return not any(isinstance(value, dict | list) for value in layer)


def _reason(place: tuple[int | str, ...], kind: str, fault: Mapping[str, Any]) -> Objection:
    """One of pydantic's faults in our words: `data.purposes[2]`, a code from a closed list or its own, its text."""
    path = re.sub(r"\.\[", "[", ".".join(f"[{part}]" if isinstance(part, int) else _clean(part) for part in place))
    field = next((part for part in reversed(place) if isinstance(part, str)), "")
    code = _FIELD_CODES.get(field, "unknown_word") if kind == "literal_error" else _CODES.get(kind, kind)
    return Objection(path, code, *fault_message(fault))


def _clean(part: str) -> str:
    """A key of the sender's own making may be anything; a path names only what looks like a field."""
    return part if re.fullmatch(r"[A-Za-z0-9_]{1,64}", part) else "?"
