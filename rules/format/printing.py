"""Which characters can stand in words that people read, and which words show anything at all."""

from __future__ import annotations

import re

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Control characters (line ends and tabs aside), what overrides the direction of reading, and the byte order mark."""
_BLANK = re.compile(r"[\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0]*")
"""Spaces, and characters that show nothing."""


def printable(text: str) -> str:
    """Return a text without the characters that can't be printed or that turn the direction of reading."""
    return UNPRINTABLE.sub("", text)


def is_printable(text: str) -> bool:
    """Return True for a text that shows as it is written."""
    return text.isprintable() or UNPRINTABLE.search(text) is None  # the first is quick, and says no to a line end as well


def is_blank(text: str) -> bool:
    """Return True for a text that shows nothing."""
    return not text[:1].isalnum() and _BLANK.fullmatch(text) is not None
