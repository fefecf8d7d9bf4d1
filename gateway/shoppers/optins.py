"""Opt-ins given by file: the shoppers of a shop without an app backend, of a demo, of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from gateway.messages import Identity, Pseudonym, RotatingBeacon, StaticBeacon
from gateway.shoppers.identities import BeaconIdentity, Rotating, Static
from gateway.shoppers.rotating import KEY_BYTES

LARGEST_FILE_BYTES = 50_000_000
"""A hundred thousand opt-ins take 10 MB; what is far beyond that is no opt-ins file."""

_PSEUDONYM: TypeAdapter[str] = TypeAdapter(Pseudonym)


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
        raise OptInsError(f"{where}: shopper must be a pseudonym of letters, digits, - and _; never a name or e-mail") from error
    try:
        message = Identity(**{key: value for key, value in entry.items() if key != "shopper"})
        return OptIn(shopper, identity_of(message))
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise OptInsError(f"{where}: {place + ': ' if place else ''}{fault['msg']}") from None
    except ValueError as error:
        raise OptInsError(f"{where}: {error}") from None


def identity_of(message: Identity) -> BeaconIdentity:
    """Return the identity that a message or an entry names. Raises ValueError when a key is not 16 bytes."""
    if message.beacon is not None:
        return static_of(message.beacon)
    assert message.rotating is not None  # the model lets exactly one through
    return rotating_of(message.rotating)


def static_of(beacon: StaticBeacon) -> Static:
    """Return uuid + major + minor as the 20 bytes on the air."""
    return Static(bytes.fromhex(beacon.uuid) + beacon.major.to_bytes(2, "big") + beacon.minor.to_bytes(2, "big"))


def rotating_of(beacon: RotatingBeacon) -> Rotating:
    """Return uuid and key as bytes. Raises ValueError, without repeating the key."""
    digits = beacon.key.get_secret_value()
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or len(digits) != 2 * KEY_BYTES:
        raise ValueError(f"rotating.key must be {2 * KEY_BYTES} hex digits")
    return Rotating(bytes.fromhex(beacon.uuid), key)
