"""The message models: what they take, what they refuse, and how they look on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.messages import CHANNELS, Event, Identity, OptInGiven, Receipt, Refusal, Reply, StaticBeacon

OPT_IN: dict[str, Any] = {
    "shopper": "s-1",
    "version": 1,
    "purposes": ["offers"],
    "identity": {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}},
    "consent": {"text": "2026-03"},
}


def test_a_reply_says_only_what_there_is_to_say() -> None:
    assert json.loads(Reply(accepted="r-1").model_dump_json()) == {"accepted": "r-1"}
    refused = Reply(refused="r-2", reasons=[Refusal(path="data.what", code="unknown_receipt", text="no such word")])
    assert json.loads(refused.model_dump_json()) == {
        "refused": "r-2",
        "reasons": [{"path": "data.what", "code": "unknown_receipt", "text": "no such word"}],
    }


def test_an_identity_is_a_beacon_or_rotating_and_not_both() -> None:
    beacon = StaticBeacon(uuid="e2c56db5dffb48d2b060d0f5a71096e0", major=1, minor=1)
    assert Identity(beacon=beacon).rotating is None
    with pytest.raises(ValidationError, match="either beacon or rotating"):
        Identity()
    with pytest.raises(ValidationError, match="either beacon or rotating"):
        Identity.model_validate({"beacon": beacon, "rotating": {"uuid": beacon.uuid, "key": "9f" * 16}})


def test_a_key_is_not_in_what_is_printed() -> None:
    rotating = {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "key": "9f" * 16}
    given = OptInGiven.model_validate({**OPT_IN, "identity": {"rotating": rotating}})
    assert "9f9f" not in repr(given) + str(given) + given.model_dump_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shopper", "jan@example.nl"),
        ("shopper", "Jan Jansen"),
        ("version", 0),
        ("purposes", []),
        ("purposes", ["everything"]),
        ("language", ""),
        ("identity", {"beacon": {"uuid": "E2C56DB5", "major": 1, "minor": 1}}),
        ("identity", {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 65536, "minor": 1}}),
        ("consent", {"text": ""}),
    ],
)
def test_an_opt_in_that_does_not_fit_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        OptInGiven.model_validate({**OPT_IN, field: value})


def test_a_time_without_a_zone_is_no_time() -> None:
    event = {"specversion": "1.0", "id": "r-1", "source": "b", "type": Receipt.TYPE, "data": {"promise": "p", "what": "shown"}}
    with pytest.raises(ValidationError):
        Event[Receipt].model_validate({**event, "time": "2026-11-21T10:00:00"})
    assert Event[Receipt].model_validate({**event, "time": "2026-11-21T11:00:00+01:00"}).time.timestamp() == 1795255200.0


def test_every_type_travels_on_one_topic_only_but_that_each_till_has_its_own_replies() -> None:
    channels = [channel for channel in CHANNELS if channel.topic != "replies/{till}"]
    types = [message.TYPE for channel in channels for message in channel.messages]  # type: ignore[attr-defined]  # each has one
    assert len(types) == len(set(types))
    assert all(kind.startswith("etalage.") for kind in types)


def test_only_figures_go_without_acknowledgement_and_only_states_are_retained() -> None:
    assert {channel.topic for channel in CHANNELS if channel.qos == 0} == {"zones/{zone}/occupancy"}
    assert {channel.topic for channel in CHANNELS if channel.retained} == {"gateways/{gateway}/status", "zones/{zone}/occupancy"}
