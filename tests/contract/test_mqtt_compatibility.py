"""A change that would break a reader of version 1 fails here. `v1/` holds the schemas as they were first published.

Allowed: new messages, new optional fields, more words where we are the reader. Not allowed: a field gone or renamed, another type,
a field that we promised always to send made optional, a field that others needn't send made required, a word that others may
send no longer understood, a word that readers don't know sent by us.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import CHANNELS
from gateway.mqtt.contract import documents, name_of

V1 = Path(__file__).with_name("v1")
SENT_BY_US = {name_of(message) for channel in CHANNELS if channel.publisher == "gateway" for message in channel.messages}


def breaks(old: Any, new: Any, ours: bool, old_root: Any, new_root: Any, path: str = "") -> Iterator[str]:
    """Each way in which `new` breaks a reader (`ours`: we send) or a sender (we read) of `old`."""
    old, new = _followed(old, old_root), _followed(new, new_root)
    if old.get("type") != new.get("type") or ("anyOf" in old) != ("anyOf" in new):
        yield f"{path}: was {old.get('type', 'a choice')}, is {new.get('type', 'a choice')}"
        return
    if old.get("const") != new.get("const"):
        yield f"{path}: was {old.get('const')!r}, is {new.get('const')!r}"
    words, words_now = set(old.get("enum", ())), set(new.get("enum", ()))
    if words or words_now:
        any_word = not words_now and not ours  # where others once had to pick one, they may now send any
        wrong = words_now - words if ours else set() if any_word else words - words_now
        yield from (f"{path}: {word!r} {'is new to readers' if ours else 'is no longer understood'}" for word in sorted(wrong))
    before, after = old.get("properties", {}), new.get("properties", {})
    yield from (f"{path}.{name}: is gone" for name in before.keys() - after.keys())
    required, required_now = set(old.get("required", ())), set(new.get("required", ()))
    gone = required - required_now if ours else required_now - required
    yield from (f"{path}.{name}: is {'no longer always sent' if ours else 'now demanded'}" for name in sorted(gone))
    for name in before.keys() & after.keys():
        yield from breaks(before[name], after[name], ours, old_root, new_root, f"{path}.{name}")
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from breaks(old["items"], new["items"], ours, old_root, new_root, f"{path}[]")


def _followed(schema: Any, root: Any) -> Any:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def read(name: str) -> Any:
    return json.loads((V1 / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(path.stem for path in V1.glob("*.json")))
def test_version_1_is_still_understood(name: str) -> None:
    now = documents()
    assert f"schemas/{name}.json" in now, f"{name} is gone from the contract"
    old, new = read(name), json.loads(now[f"schemas/{name}.json"])
    assert list(breaks(old, new, name in SENT_BY_US, old, new)) == []


@pytest.mark.parametrize(
    ("name", "place", "change", "said"),
    [
        ("offer.promised", "OfferPromised", lambda data: data["properties"].pop("zone"), "zone: is gone"),
        ("offer.promised", "OfferPromised", lambda data: data["required"].remove("promise"), "promise: is no longer always sent"),
        ("offer.promised", "OfferPromised", lambda data: data["properties"]["kind"]["enum"].append("prize"), "'prize' is new"),
        ("receipt", "Receipt", lambda data: data["required"].append("till"), "till: is now demanded"),
        ("receipt", "Receipt", lambda data: data["properties"]["what"]["enum"].remove("shared"), "'shared' is no longer"),
        ("receipt", "Receipt", lambda data: data["properties"]["promise"].update(type="integer"), "was string, is integer"),
    ],
)
def test_each_way_to_break_a_reader_is_noticed(name: str, place: str, change: Any, said: str) -> None:
    old = read(name)
    new = copy.deepcopy(old)
    change(new["$defs"][place])
    assert any(said in fault for fault in breaks(old, new, name in SENT_BY_US, old, new))


def test_a_new_optional_field_breaks_nobody() -> None:
    for name in ("offer.promised", "receipt"):
        old = read(name)
        new = copy.deepcopy(old)
        data = next(value for key, value in new["$defs"].items() if key.lower() == name.replace(".", ""))
        data["properties"]["more"] = {"type": "string"}
        assert list(breaks(old, new, name in SENT_BY_US, old, new)) == []
