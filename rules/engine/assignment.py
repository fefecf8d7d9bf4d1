"""Test groups: which shopper is in which arm, by salted SHA-256. Sticky, without memory, the same everywhere.

Similarly named experiments must not correlate, so the whole digest of salt, experiment and shopper is used, with separators that
can't occur in them. The mapping is frozen by test vectors: changing it would reshuffle every running test.
"""

from __future__ import annotations

import hashlib

CONTROL = "control"
"""The experiment name of the universal control group; offers' tests have ids of their own."""
_TWO_TO_THE_64 = float(1 << 64)


def position(salt: str, experiment: str, shopper: str) -> float:
    """Return where a shopper lies in an experiment, uniform in [0, 1)."""
    digest = hashlib.sha256(f"{salt}\x1f{experiment}\x1f{shopper}".encode()).digest()
    # 53 bits are what a float holds: more would round some positions up to 1.0
    return (int.from_bytes(digest[:8], "big") >> 11 << 11) / _TWO_TO_THE_64


def in_control(salt: str, share: float, shopper: str) -> bool:
    """True for that share of all shoppers."""
    return share > 0.0 and position(salt, CONTROL, shopper) < share


def in_trial(salt: str, trial: str, share: float, shopper: str) -> bool:
    """True for the share of shoppers who may get the offer under test."""
    return share >= 1.0 or position(salt, f"trial:{trial}", shopper) < share
