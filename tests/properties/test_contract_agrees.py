"""The schemas and the gateway agree: what fits a published schema is taken, and what the gateway takes fits the schema.

Payloads are made from each schema and spoilt in one place; a validator that isn't ours (jsonschema-rs) is the judge. Left out are
what no schema can say: a message's size and depth, and state (an unknown shopper, a time from the future).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis.generation.jsonschema.builder import build

from gateway.messages import CHANNELS, Event, Message, Profile, SightingsBatch
from gateway.mqtt.contract import schema_of
from gateway.mqtt.intake import EVENTS, read
from gateway.radio.remote import RemoteScanners
from gateway.radio.remote.refusals import RefusalReason
from gateway.wire_values import SECONDS_BELOW

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=70)
)
EDGES: st.SearchStrategy[Any] = st.sampled_from(
    [0, -1, 1, 1.0, 1.5, 2**16, 2**63, 2**63 - 1, 1e11, -128, -127, 20, 21, "", "x" * 65, "x" * 129, "0612345678", "31 6", "app",
     "3", "2026-11-21", "2026-11-21T10:00:00", "2026-02-30T10:00:00Z", "2026-11-21T10:00:00+01:00", "2026-11-21 10:00:00Z",
     "1795255200", 1795255200, True, None, [], {}, "9f" * 16, "9F" * 16, "9f" * 20, "e2 c5", "E2C56DB5DFFB48D2B060D0F5A71096E0"]
)  # fmt: skip
SPOILT_BY = EDGES | SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=2)
INBOUND = [message for channel in CHANNELS for message in channel.messages if getattr(message, "TYPE", "") in EVENTS]
CAREFUL = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SENT = "etalage/v1/c/s/"


def published(message: type[Message]) -> dict[str, Any]:
    """The schema as it is published; but that an attribute of another kind is left out by itself, and its profile taken."""
    schema: dict[str, Any] = copy.deepcopy(schema_of(message))
    if message is Profile:
        properties = schema["$defs"]["Profile"]["properties"]
        properties["attributes"]["additionalProperties"] = properties["affinities"]["additionalProperties"] = True
    return schema


def made_from(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Payloads that fit a schema, by schemathesis' engine, which knows draft 2020-12 and its regular expressions."""
    times = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat().replace("+00:00", "Z"))
    return build(short(schema), draft=jsonschema_rs.Draft202012, formats={"date-time": times})


def short(node: Any) -> Any:
    """A schema for lists of at most three: their full length says nothing more, and takes seconds to make."""
    if isinstance(node, list):
        return [short(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: short(value) for key, value in node.items() if key != "$id"}
    return {**made, "maxItems": 3} if made.get("type") == "array" else made


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside a document."""
    yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    """A payload of the schema, as it is or with one place deleted or replaced."""
    document = copy.deepcopy(draw(whole))
    path = draw(st.sampled_from(sorted(places(document), key=str)))
    how = draw(st.sampled_from(["leave", "replace", "replace", "replace", "delete"]))
    if not path or how == "leave":
        return document
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    if how == "delete":
        del holder[path[-1]]
    else:
        holder[path[-1]] = draw(SPOILT_BY)
    return document


def body_of(document: Any) -> bytes:
    body = json.dumps(document).encode("utf-8", "surrogatepass")
    assume(len(body) < 60_000)
    return body


@pytest.mark.slow
@pytest.mark.parametrize("message", INBOUND, ids=lambda message: message.TYPE)
def test_the_gateway_takes_what_fits_the_schema_and_nothing_else(message: Any) -> None:
    schema = published(message)
    judge = jsonschema_rs.validator_for(schema, validate_formats=True)
    verdicts = {True: 0, False: 0}

    @given(spoilt(made_from(schema)))
    @CAREFUL
    def agree(document: Any) -> None:
        fits = judge.is_valid(document)
        found = read(body_of(document), [message.TYPE], 65_536)
        codes = () if isinstance(found, Event) else {reason.code for reason in found.reasons}
        assume("too_deep" not in codes)
        assert isinstance(found, Event) == fits, (codes, [str(error) for error in judge.iter_errors(document)][:2])
        verdicts[fits] += 1

    agree()
    assert min(verdicts.values()) > 0


@pytest.mark.slow
def test_what_fits_the_schema_of_sightings_is_heard_and_nothing_else() -> None:
    schema = published(SightingsBatch)
    judge = jsonschema_rs.validator_for(schema, validate_formats=True)
    verdicts = {True: 0, False: 0}

    @given(spoilt(made_from(schema)))
    @CAREFUL
    def agree(document: Any) -> None:
        data = document.get("data") if isinstance(document, dict) else None
        named = data.get("scanner") if isinstance(data, dict) else None
        scanner = named if isinstance(named, str) and named and "/" not in named else "pi-2"
        scanners = RemoteScanners(SENT, [scanner])
        scanners.parse(f"{SENT}sightings/{scanner}", body_of(document), SECONDS_BELOW)
        unread = scanners.malformed + scanners.refusals.sum_of(RefusalReason.IMPOSSIBLE)
        fits = judge.is_valid(document)
        assert (unread == 0) == fits, (unread, [str(error) for error in judge.iter_errors(document)][:2])
        verdicts[fits] += 1

    agree()
    assert min(verdicts.values()) > 0
