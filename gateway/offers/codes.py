"""Voucher codes: short enough to say at a till, guarded against slips of the hand, and not to be guessed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from rules import code_key

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 characters: no I, L, O (read as 1, 1, 0) and no U (fewer words nobody wants to say aloud)."""
GROUP = 4
"""Characters between two hyphens: what a person keeps in mind while typing."""
SHORTEST = 8
"""Seven random characters and one check character: 35 bits, one hit in 34 million guesses when a thousand codes are out."""

_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})

RandomBelow = Callable[[int], int]
"""A number from 0 up to, not including, its argument."""


def new_code(length: int = SHORTEST, random_below: RandomBelow = secrets.randbelow) -> str:
    """A fresh code of `length` characters, check character included, hyphens between groups of four: `7KQ2-MX4P`."""
    characters = max(length, SHORTEST) - 1
    number = random_below(32**characters)  # once: each call of the system's generator costs as much as all the rest
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in range(characters))
    return _grouped(body + check_character(body))


def check_character(body: str) -> str:
    """Return the character that ends a code (Luhn, base 32): it shows each wrong character and almost each swapped pair."""
    total = 0
    for place, character in enumerate(reversed(body)):
        value = _VALUE[character]
        if place % 2 == 0:
            value *= 2
            value = value // 32 + value % 32
        total += value
    return ALPHABET[-total % 32]


def as_generated(typed: str) -> str | None:
    """Return the key of what was typed as a generated code, or None when no generated code reads so.

    Besides what no code cares about (see rules/code_spelling.py), I, L and O are read as 1 and 0.
    """
    characters = code_key(typed).translate(_READ_AS)
    known = len(characters) >= SHORTEST and all(character in _VALUE for character in characters)
    return characters if known and check_character(characters[:-1]) == characters[-1] else None


def readings(typed: str) -> list[str]:
    """Return the keys that a code as typed or scanned may stand for, likeliest first: as it is, then as a generated code."""
    found = (code_key(typed), as_generated(typed))
    return list(dict.fromkeys(key for key in found if key))


def _grouped(characters: str) -> str:
    return "-".join(characters[start : start + GROUP] for start in range(0, len(characters), GROUP))
