"""How a voucher's code is spelled: one rule for codes as they stand in books and databases, and as a till scans or types them.

Only letters and digits count, as capitals and in their plain form (Unicode NFKC). What stands between or around them says nothing:
hyphens and dashes of every kind, dots, blanks, no-break and zero-width spaces, byte order marks, line ends.
"""

from __future__ import annotations

import unicodedata


def code_key(code: str) -> str:
    """Return what of a code counts: two codes with one key are one code. Empty where nothing does."""
    capitals = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", code).upper())
    return "".join(character for character in capitals if unicodedata.category(character)[0] in "LN")
