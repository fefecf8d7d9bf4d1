"""The contract as documents, made from the message models: JSON Schemas, and an AsyncAPI 3.1 description of every topic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import yaml
from pydantic.json_schema import GenerateJsonSchema

from gateway.messages import CHANNELS, Channel, Event, Message
from gateway.mqtt.link import CLOUD_EVENT

CONTRACT_VERSION = "1.1.0"
"""Of the contract, not of the program: fields may be added (1.1); a name or a meaning never changes (that would be 2, under v2)."""
EXPIRIES_S = {"sightings/{scanner}": 30, "zones/{zone}/occupancy": 300}
_PREFIX = "etalage/v1/{chain}/{store}/"
_IDS = {
    "chain": "The chain's id.",
    "store": "The shop's id.",
    "gateway": "The box's id.",
    "scanner": "The scanner's id in the store plan; `app` for what shoppers' phones heard.",
    "till": (
        "The till's name, which is its user name at the broker; `app` for purchases that the backend tells of, and then the answer "
        "comes on `replies`."
    ),
    "zone": "The zone's id in the store plan.",
}
_ANSWERED = {
    **dict.fromkeys(("optins", "profiles", "receipts", "sync/pages/{gateway}"), "replies"),
    **dict.fromkeys(("redemptions/{till}", "purchases/{till}"), "replies/{till}"),
    "sync/request": "sync/pages/{gateway}",
}
"""Topic to the one on which what is sent there is answered."""
_DESCRIPTION = (
    "What an Etalage gateway and a store app's backend say to each other. MQTT 3.1.1 is the contract; MQTT 5 properties are used "
    "where both sides have them. Payloads are CloudEvents 1.0 in structured JSON; source + id is the idempotency key, the same on "
    "every redelivery. Made by `etalage contract`; don't edit."
)
_REPLY = (
    "Names the id of the message it answers. To an MQTT 5 sender it goes to the response topic, where that is `replies` or one "
    "level below, and echoes the correlation data."
)
_SCHEMA_FORMAT = "application/schema+json;version=2020-12"
_SERVERS: Mapping[str, object] = {
    "shop": {
        "host": "{host}:8883",
        "protocol": "mqtts",
        "protocolVersion": "5",
        "description": "The broker of a shop, with TLS and a user for each role (deploy/mosquitto). MQTT 3.1.1 serves too.",
        "variables": {"host": {"default": "localhost", "description": "The broker's name, as in its certificate."}},
        "security": [{"$ref": "#/components/securitySchemes/user"}, {"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {"mqtt": {"cleanSession": False, "keepAlive": 60, "bindingVersion": "0.2.0"}},
    },
    "demo": {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "description": "The broker inside `etalage demo`: on this machine only, without users.",
    },
}
_SECURITY: Mapping[str, object] = {
    "user": {"type": "userPassword", "description": "One user for each role; the access list gives it its topics and no others."},
    "certificate": {"type": "X509", "description": "A client certificate in place of a password, where the broker asks for one."},
}


class UntitledJsonSchema(GenerateJsonSchema):
    """Schemas whose properties have no title: it would only repeat the name, and generators make a type of it (`Promise`)."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Set none."""
        return False


def documents() -> dict[str, str]:
    """File name (below docs/) to content, of everything that is generated."""
    made = {f"schemas/{name_of(message)}.json": _json(schema_of(message)) for channel in CHANNELS for message in channel.messages}
    return made | {"asyncapi.yaml": _yaml(asyncapi())}


def name_of(message: type[Message]) -> str:
    """`etalage.offer.promised` is `offer.promised` among our own."""
    return str(message.TYPE).removeprefix("etalage.")  # type: ignore[attr-defined]  # each message of a channel has one


def schema_of(message: type[Message]) -> dict[str, object]:
    """The JSON Schema (2020-12) of a message in its envelope."""
    model = Event[message]  # type: ignore[valid-type]  # made at run time, once per model
    schema = model.model_json_schema(schema_generator=UntitledJsonSchema)
    schema["properties"]["type"] = {"const": f"etalage.{name_of(message)}"}
    schema["properties"]["id"]["maxLength"] = message.ID_MAX
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:etalage:v1:{name_of(message)}",
        "title": f"{message.__name__}Event",
        "description": (message.__doc__ or "").strip(),
        **{key: value for key, value in schema.items() if key not in ("title", "description")},
    }


def asyncapi() -> dict[str, object]:
    """The AsyncAPI 3.1 document, from the gateway's side: it sends what it publishes, and receives what others do."""
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Etalage",
            "version": CONTRACT_VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "servers": dict(_SERVERS),
        "defaultContentType": CLOUD_EVENT,
        "channels": {_key(channel): _channel(channel) for channel in CHANNELS},
        "operations": {_key(channel): _operation(channel) for channel in CHANNELS},
        "components": {"messages": dict(_messages()), "securitySchemes": dict(_SECURITY)},
    }


def _key(channel: Channel) -> str:
    return re.sub(r"[^a-z]+", "_", channel.topic).strip("_")


def _channel(channel: Channel) -> dict[str, object]:
    address = _PREFIX + channel.topic
    return {
        "address": address,
        "description": _told(channel),
        "parameters": {name: {"description": _IDS[name]} for name in re.findall(r"\{(\w+)\}", address)},
        "messages": {name_of(message): {"$ref": f"#/components/messages/{name_of(message)}"} for message in channel.messages},
    }


def _operation(channel: Channel) -> dict[str, object]:
    binding: dict[str, object] = {"qos": channel.qos, "retain": channel.retained, "bindingVersion": "0.2.0"}
    if channel.topic in EXPIRIES_S:
        binding["messageExpiryInterval"] = EXPIRIES_S[channel.topic]
    answered = next((one for one in CHANNELS if one.topic == _ANSWERED.get(channel.topic)), None)
    return {
        "action": "send" if channel.publisher == "gateway" else "receive",
        "channel": {"$ref": f"#/channels/{_key(channel)}"},
        "summary": f"Published by the {channel.publisher}.",
        "description": _told(channel),
        "bindings": {"mqtt": binding},
        **({} if answered is None else {"reply": _reply(answered)}),
    }


def _reply(channel: Channel) -> dict[str, object]:
    place = f"#/channels/{_key(channel)}"
    return {"channel": {"$ref": place}, "messages": [{"$ref": f"{place}/messages/{name_of(one)}"} for one in channel.messages]}


def _messages() -> Iterator[tuple[str, dict[str, object]]]:
    for channel in CHANNELS:
        for message in channel.messages:
            name = name_of(message)
            yield (
                name,
                {
                    "name": f"etalage.{name}",
                    "title": f"{message.__name__}Event",
                    "summary": _summary(message),
                    "description": _REPLY if name == "reply" else (message.__doc__ or "").strip(),
                    "contentType": CLOUD_EVENT,
                    "bindings": {"mqtt": {"contentType": CLOUD_EVENT, "payloadFormatIndicator": 1, "bindingVersion": "0.2.0"}},
                    "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"schemas/{name}.json"}},
                },
            )


def _told(channel: Channel) -> str:
    told = [(name_of(message), _summary(message)) for message in channel.messages]
    return told[0][1] if len(told) == 1 else " ".join(f"`{name}`: {summary}" for name, summary in told)


def _summary(message: type[Message]) -> str:
    return (message.__doc__ or "").strip().splitlines()[0]


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: object) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))
