"""Voucher codes: short enough to say at a till, guarded against slips of the hand, and not to be guessed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 signs: no I, L, O (read as 1, 1, 0) and no U (fewer words nobody wants to say aloud)."""
GROUP = 4
"""Signs between two hyphens: what a person keeps in mind while typing."""
SHORTEST = 8
"""Seven random signs and one check sign: 35 bits, one hit in 34 million guesses when a thousand codes are out."""

_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})

Dice = Callable[[int], int]
"""A number from 0 up to, not including, its argument."""


def new_code(length: int = SHORTEST, dice: Dice = secrets.randbelow) -> str:
    """A fresh code of `length` signs, check sign included, hyphens between groups of four: `7KQ2-MX4P`."""
    signs = max(length, SHORTEST) - 1
    number = dice(32**signs)  # once: each throw of the system's dice costs as much as all the rest
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in range(signs))
    return _grouped(body + check_sign(body))


def check_sign(body: str) -> str:
    """The sign that makes a code valid: Luhn's algorithm in base 32 (catches each wrong sign and almost each swapped pair)."""
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = _VALUE[sign]
        if place % 2 == 0:
            value *= 2
            value = value // 32 + value % 32
        total += value
    return ALPHABET[-total % 32]


def as_generated(typed: str) -> str | None:
    """What was typed as a generated code in its stored form, or None when no generated code reads so.

    Small letters, missing hyphens, spaces, and I, L or O for 1 and 0 are forgiven.
    """
    signs = typed.upper().replace("-", "").replace(" ", "").translate(_READ_AS)
    if len(signs) < SHORTEST or any(sign not in _VALUE for sign in signs) or check_sign(signs[:-1]) != signs[-1]:
        return None
    return _grouped(signs)


def readings(typed: str) -> list[str]:
    """What a code as typed or scanned may stand for, likeliest first: itself, in capitals, a generated code."""
    plain = typed.strip()
    found = (plain, plain.upper(), as_generated(typed))
    return list(dict.fromkeys(reading for reading in found if reading))


def _grouped(signs: str) -> str:
    return "-".join(signs[start : start + GROUP] for start in range(0, len(signs), GROUP))
