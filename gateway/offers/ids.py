"""Ids that sort by time: of decisions, promises and messages."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

Entropy = Callable[[int], bytes]
"""Gives so many random bytes. Injected where a replay must give the same ids again."""

_LONGEST_MS = (1 << 48) - 1


def time_ordered_id(at_s: float, entropy: Entropy = secrets.token_bytes) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds of `at_s`, then 74 random bits.

    Times before the epoch count as the epoch: a recording may start at zero.
    """
    milliseconds = min(max(int(at_s * 1000), 0), _LONGEST_MS)
    random_bits = int.from_bytes(entropy(10), "big")
    high = (milliseconds << 16) | 0x7000 | (random_bits >> 68)
    low = (0b10 << 62) | (random_bits & ((1 << 62) - 1))
    return str(uuid.UUID(int=(high << 64) | low))
