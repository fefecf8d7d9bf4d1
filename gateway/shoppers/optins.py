"""Opt-ins given by file: the shoppers of a shop without an app backend, of a demo, of a recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from gateway.messages import Identity, RotatingBeacon, StaticBeacon
from gateway.shoppers.identities import BeaconIdentity, Rotating, Static
from gateway.wire_values import NewPseudonym

LARGEST_FILE_BYTES = 50_000_000
"""A hundred thousand opt-ins take 10 MB; what is far beyond that is no opt-ins file."""

_PSEUDONYM: TypeAdapter[str] = TypeAdapter(NewPseudonym)


class OptInsError(Exception):
    """The opt-ins can't be used; `str()` is one line: which file, which entry, what to do."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """One shopper who said yes, and how their phone or tag is recognised."""

    shopper: str
    identity: BeaconIdentity


def read_optins(path: Path) -> tuple[OptIn, ...]:
    """Return the opt-ins of a file in the format `optins.yaml`. Raises OptInsError."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise OptInsError(f"{path}: larger than {LARGEST_FILE_BYTES // 1_000_000} MB; is this an opt-ins file?")
        entries = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise OptInsError(f"{path}: can't be read ({error.strerror}); give the path of an existing file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise OptInsError(f"{path}: not valid YAML ({problem}); mend that line") from error
    if not isinstance(entries, list):
        raise OptInsError(f"{path}: must be a list of entries like `- {{shopper: s-1, beacon: {{uuid: …, major: 1, minor: 1}}}}`")
    optins: dict[str, OptIn] = {}
    for number, entry in enumerate(entries, 1):
        optin = _optin(f"{path}: entry {number}", entry)
        if optin.shopper in optins:
            raise OptInsError(f"{path}: entry {number}: shopper {optin.shopper!r} stands in an earlier entry too; keep one")
        optins[optin.shopper] = optin
    return tuple(optins.values())


class _Loader(yaml.CSafeLoader):
    """Every scalar as text: a uuid of digits alone, or one like 12e45…, must not become a number."""


_Loader.yaml_implicit_resolvers = {}


def _optin(where: str, entry: object) -> OptIn:
    if not isinstance(entry, dict):
        raise OptInsError(f"{where}: must have `shopper` and `beacon` or `rotating`")
    for key in entry:
        if key not in ("shopper", "beacon", "rotating"):
            raise OptInsError(f"{where}: no such word {key!r}; there are shopper, beacon, rotating")
    try:
        shopper = _PSEUDONYM.validate_python(entry.get("shopper"))
    except ValidationError as error:
        raise OptInsError(
            f"{where}: shopper must be a pseudonym of letters, digits, - and _; no e-mail address or telephone number, and no name"
        ) from error
    try:
        message = Identity(**{key: _with_numbers(value) for key, value in entry.items() if key != "shopper"})
        return OptIn(shopper, identity_of(message))
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise OptInsError(f"{where}: {place + ': ' if place else ''}{fault['msg']}") from None


def _with_numbers(beacon: object) -> object:
    """Return a beacon with major and minor as numbers, where they are: every scalar was read as text."""
    if not isinstance(beacon, dict):
        return beacon
    counts = {name: int(beacon[name]) for name in ("major", "minor") if re.fullmatch("[0-9]{1,9}", str(beacon.get(name)))}
    return {**beacon, **counts}


def identity_of(message: Identity) -> BeaconIdentity:
    """Return the identity that a message or an entry names."""
    if message.beacon is not None:
        return static_of(message.beacon)
    assert message.rotating is not None  # the model lets exactly one through
    return rotating_of(message.rotating)


def static_of(beacon: StaticBeacon) -> Static:
    """Return uuid + major + minor as the 20 bytes on the air."""
    return Static(bytes.fromhex(beacon.uuid) + beacon.major.to_bytes(2, "big") + beacon.minor.to_bytes(2, "big"))


def rotating_of(beacon: RotatingBeacon) -> Rotating:
    """Return uuid and key as bytes."""
    return Rotating(bytes.fromhex(beacon.uuid), bytes.fromhex(beacon.key.get_secret_value()))
