"""Column types that keep text, JSON, ids and hashes in a fraction of their room: fewer bytes on an SD card for every promise."""

from __future__ import annotations

import re
import uuid
import zlib
from typing import Any, Final

from pydantic_core import from_json, to_json
from sqlalchemy import Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator

MESSAGES: Final = (
    b'{"chosen":[{"offer":"","kind":"content","score":50.0,"propensity":1.0}],"ghosts":[],"stopped":{"condition":[""],"moment":["",'
    b'""],"limit":[""],"cooldown":[""]},"promises":{"":"01"},"refused":{}}'
    b'{"chosen": [{"offer": "", "kind": "content", "score": 50.0, "propensity": 1.0}], "ghosts": [], "stopped": {"condition": [""],'
    b' "moment": ["", ""], "limit": [""], "cooldown": [""]}, "promises": {"": "01"}, "refused": {}}'
    b'{"specversion":"1.0","id":"01","source":"etalage/","type":"etalage.offer.withdrawn","time":"20","data":{"promise":"01",'
    b'"shopper":"","reason":"expired_unsent"}}'
    b'{"specversion":"1.0","id":"01","source":"etalage/","type":"etalage.offer.promised","time":"20-00T00:00:00.000000Z","data":'
    b'{"promise":"01","shopper":"","offer":"","kind":"voucher","zone":"","decision":"01","language":"nl","content":{"title":"",'
    b'"body":"","button":"","link":"https://"},"voucher":{"code":"","value":{"percent":10.0},"ends_at":"20-00T00:00:00.000000Z"},'
    b'"question":null,"proof":null,"invitation":null,"expires_at":"20"}}'
)
"""What messages and outcomes have in common, so that it needn't be stored with each. What is stored counts from its end: put more
before it, and change nothing of it."""
SITUATIONS: Final = (
    b'"stage":"fan","intent":"browsing","path":["open":true,"visits_90d":"days_since_visit":"purchases_90d":"newsletter":true,"age_'
    b'{"shopper":"s-","at_s":17,"event":"purchase","event":"visit_start","event":"exit","event":"dwell","event":"enter","zone":"",'
    b'"dwell_s":0.0,"visit":"","purposes":["aftercare","measure","offers","purchases","recognise"],"language":"nl","facts":{},'
    b'"fact_times":{},"history":[["","dismissed",17["","tapped",17["","shown",17["","announced",17],"attention":4.0,"exhausted":[]}'
)
"""The same of situations."""
_ZLIB_FORMAT: Final = 0x78
"""The first byte of what the first release packed without a dictionary; no deflated text begins so (RFC 1951, 3.2.3)."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")


class PackedText(TypeDecorator[str]):
    """A text, deflated (RFC 1951) with what is common to all left out."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(value.encode(), MESSAGES)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else unpack(value, MESSAGES).decode()


class PackedJson(TypeDecorator[object]):
    """Any JSON value, packed like a PackedText."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, common: bytes = MESSAGES) -> None:
        super().__init__()
        self.common = common

    def process_bind_param(self, value: object, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(to_json(value), self.common)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else from_json(unpack(value, self.common))


class IdText(TypeDecorator[str]):
    """An id as text; on SQLite a UUID takes 16 bytes in place of 36, and sorts as its text does."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> object:
        return value if value is None or dialect.name != "sqlite" else packed_id(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return str(uuid.UUID(bytes=value)) if isinstance(value, bytes) else value


class HashText(TypeDecorator[str]):
    """A hash in hexadecimal; half as long on SQLite."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> object:
        return value if value is None or dialect.name != "sqlite" else packed_hash(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.hex() if isinstance(value, bytes) else value


def packed_id(text: str) -> str | bytes:
    """A UUID as its bytes; anything else as it is."""
    return bytes.fromhex(text.replace("-", "")) if len(text) == 36 and _UUID.fullmatch(text) else text


def packed_hash(text: str) -> str | bytes:
    """Hexadecimal digits as their bytes; anything else as it is."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) else text


def pack(plain: bytes, common: bytes) -> bytes:
    """Bytes, deflated; `common` is what needn't be repeated."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=common)
    return packer.compress(plain) + packer.flush()


def unpack(packed: bytes, common: bytes) -> bytes:
    """Return what `pack` packed."""
    if packed[0] == _ZLIB_FORMAT:
        return zlib.decompress(packed)
    return zlib.decompressobj(-zlib.MAX_WBITS, zdict=common).decompress(packed)
