"""Rotating ids, the reference: what a phone puts into major and minor during one quarter of an hour. Pure.

    message     = "etalage rotating id 1" | 0x00 | store id, UTF-8 | 0x00 | window, 8 bytes, big endian
    window      = floor(unix seconds / 900)
    major|minor = the first 4 bytes of HMAC-SHA256(key, message), big endian

(HMAC: RFC 2104, SHA-256: FIPS 180-4.) The uuid is the shop's and stays. docs/app-integration.md has the vectors of vectors.json.
32 bits recognise, they authenticate nothing: nothing of value is ever given on a beacon alone.
"""

from __future__ import annotations

import hmac

CONTEXT = b"etalage rotating id 1"
WINDOW_S = 900
"""Length of a window: the rhythm in which phones change their radio address too, so neither outlives the other."""
KEY_BYTES = 16
ID_BYTES = 4
TOLERANCE_WINDOWS = 1
"""A phone whose clock is up to one window off is still recognised."""


def window_at(at_s: float) -> int:
    """Return the window that the moment `at_s` (epoch seconds) lies in."""
    return int(at_s // WINDOW_S)


def message(store: str, window: int) -> bytes:
    """Return what is authenticated: the same for every member of a shop in one window."""
    return CONTEXT + b"\0" + store.encode() + b"\0" + window.to_bytes(8, "big", signed=True)


def rotating_id(key: bytes, message_: bytes) -> bytes:
    """Return the 4 bytes major + minor of a key (16 bytes) for one `message`."""
    return hmac.digest(key, message_, "sha256")[:ID_BYTES]
