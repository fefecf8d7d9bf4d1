"""The contract as documents, made from the message models: JSON Schemas, and an AsyncAPI 3 description of every topic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from gateway.messages import CHANNELS, Channel, Event, Message

CONTRACT_VERSION = "1.0.0"
"""Of the contract, not of the program: fields may be added (1.1); a name or a meaning never changes (that would be 2, under v2)."""
EXPIRIES_S = {"sightings/{scanner}": 30, "zones/{zone}/occupancy": 300}
_PREFIX = "etalage/v1/{chain}/{store}/"
_IDS = {
    "chain": "The chain's id.",
    "store": "The shop's id.",
    "gateway": "The box's id.",
    "scanner": "The scanner's id in the store plan.",
    "till": "The till's name, which is its user name at the broker; `app` for purchases that the backend tells of.",
    "zone": "The zone's id in the store plan.",
}
_DESCRIPTION = (
    "What an Etalage gateway and a store app's backend say to each other. MQTT 3.1.1 is the contract; MQTT 5 properties are used "
    "where both sides have them. Payloads are CloudEvents 1.0 in structured JSON; source + id is the idempotency key, the same on "
    "every redelivery. Made by `etalage contract`; don't edit."
)
_SCHEMA_FORMAT = "application/schema+json;version=2020-12"


def documents() -> dict[str, str]:
    """File name (below docs/) to content, of everything that is generated."""
    made = {f"schemas/{name_of(message)}.json": _json(schema_of(message)) for channel in CHANNELS for message in channel.messages}
    return made | {"asyncapi.yaml": _yaml(asyncapi())}


def name_of(message: type[Message]) -> str:
    """`etalage.offer.promised` is `offer.promised` among our own."""
    return str(message.TYPE).removeprefix("etalage.")  # type: ignore[attr-defined]  # each message of a channel has one


def schema_of(message: type[Message]) -> dict[str, object]:
    """The JSON Schema (2020-12) of a message in its envelope."""
    schema: dict[str, Any] = Event[message].model_json_schema()  # type: ignore[valid-type]  # made at run time, once per model
    schema["properties"]["type"] = {"const": f"etalage.{name_of(message)}"}
    schema["required"] = ["specversion", *schema["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name_of(message),
        "description": (message.__doc__ or "").strip(),
        **{key: value for key, value in schema.items() if key not in ("title", "description")},
    }


def asyncapi() -> dict[str, object]:
    """The AsyncAPI 3.0 document, from the gateway's side: it sends what it publishes, and receives what others do."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Etalage", "version": CONTRACT_VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {_key(channel): _channel(channel) for channel in CHANNELS},
        "operations": {_key(channel): _operation(channel) for channel in CHANNELS},
        "components": {"messages": dict(_messages())},
    }


def _key(channel: Channel) -> str:
    return re.sub(r"[^a-z]+", "_", channel.topic).strip("_")


def _channel(channel: Channel) -> dict[str, object]:
    address = _PREFIX + channel.topic
    return {
        "address": address,
        "parameters": {name: {"description": _IDS[name]} for name in re.findall(r"\{(\w+)\}", address)},
        "messages": {name_of(message): {"$ref": f"#/components/messages/{name_of(message)}"} for message in channel.messages},
    }


def _operation(channel: Channel) -> dict[str, object]:
    binding: dict[str, object] = {"qos": channel.qos, "retain": channel.retained, "bindingVersion": "0.2.0"}
    if channel.topic in EXPIRIES_S:
        binding["messageExpiryInterval"] = EXPIRIES_S[channel.topic]
    return {
        "action": "send" if channel.publisher == "gateway" else "receive",
        "channel": {"$ref": f"#/channels/{_key(channel)}"},
        "summary": f"Published by the {channel.publisher}.",
        "bindings": {"mqtt": binding},
    }


def _messages() -> Iterator[tuple[str, dict[str, object]]]:
    for channel in CHANNELS:
        for message in channel.messages:
            name = name_of(message)
            summary = (message.__doc__ or "").strip().splitlines()[0]
            yield (
                name,
                {
                    "name": name,
                    "summary": summary,
                    "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"schemas/{name}.json"}},
                },
            )


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: object) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))
