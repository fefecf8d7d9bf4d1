"""The values that messages are made of. Each takes exactly what its JSON Schema says, neither more nor less.

pydantic by itself would take `"3"` for 3, a number of seconds for a time, and true for 1: a sender who relied on that would be
right here and wrong by the contract.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

HEX_KEY = re.compile(r"[0-9a-fA-F]{32}")
BEACON_ID = re.compile(r"[0-9a-fA-F]{40}")
SECONDS_BELOW = 1e11
"""Seconds since 1970: a number beyond it would lie in the year 5138, and counts thousandths."""
RSSI_LEAST_DBM, RSSI_MOST_DBM = -127, 20
"""What Bluetooth can report; 127 says that the level isn't known."""

_RFC_3339 = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
_PSEUDONYM = r"^[A-Za-z0-9_-]{1,64}$"
_TELEPHONE = r"^[-_]*([0-9][-_]*){9,15}$"
"""Nothing but 9 to 15 digits, however they are parted: from a national number with its area code to the longest of E.164."""


def _whole(value: object) -> object:
    """Return a number without a fraction as the integer that it is in JSON: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: object) -> object:
    """Return a time that is written as RFC 3339 has it. Raises PydanticCustomError."""
    written = isinstance(value, str) and re.fullmatch(_RFC_3339, value)
    if not written and not isinstance(value, datetime):
        raise PydanticCustomError("not_rfc_3339", "write the time as RFC 3339 has it, with its offset: 2026-11-21T10:00:00Z")
    return value


def _key(value: SecretStr) -> SecretStr:
    """Return a key of 16 bytes. Raises PydanticCustomError, without repeating it."""
    if not HEX_KEY.fullmatch(value.get_secret_value()):
        raise PydanticCustomError("wrong_key", "rotating.key must be 32 hex digits")
    return value


def _no_telephone(value: str) -> str:
    """Return a pseudonym that is no telephone number. Raises PydanticCustomError."""
    if re.fullmatch(_TELEPHONE[1:-1], value):
        raise PydanticCustomError(
            "looks_like_a_number", "9 to 15 digits alone look like a telephone or customer number; make up a pseudonym instead"
        )
    return value


Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
Number = Annotated[float, Field(strict=True)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_RFC_3339}$"}),
]
"""A time with its offset from UTC, as RFC 3339 writes it."""
MessageId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Pseudonym = Annotated[str, StringConstraints(pattern=_PSEUDONYM)]
"""A shopper who may be known already: what the backend called them when they opted in."""
NewPseudonym = Annotated[
    str,
    StringConstraints(pattern=_PSEUDONYM),
    AfterValidator(_no_telephone),
    WithJsonSchema({"type": "string", "pattern": _PSEUDONYM, "not": {"pattern": _TELEPHONE}}),
]
"""A shopper at opt-in: no `@`, `+` or blank, and not 9 to 15 digits alone, so no e-mail address and no telephone number."""
TillId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
Version = Annotated[int, Field(strict=True, ge=1, lt=1 << 63), BeforeValidator(_whole)]
"""Counted by the sender, one higher for each change; a database has room for 63 bits."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,64}$")]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Key = Annotated[
    SecretStr,
    AfterValidator(_key),
    WithJsonSchema({"type": "string", "pattern": f"^{HEX_KEY.pattern}$", "writeOnly": True}),
]
Reading = Annotated[
    tuple[Number, str, Whole],
    WithJsonSchema(
        {
            "type": "array",
            "prefixItems": [
                {"type": "number", "minimum": 0, "exclusiveMaximum": SECONDS_BELOW},
                {"type": "string", "pattern": f"^{BEACON_ID.pattern}$"},
                {"type": "integer", "minimum": RSSI_LEAST_DBM, "maximum": RSSI_MOST_DBM},
            ],
            "minItems": 3,
            "maxItems": 3,
        }
    ),
]
"""One reception. One that lies outside these ranges is counted and left out by itself: the rest of its batch stands."""
