"""What the log may say of a fault of ours: its kind and its place, never the values it happened with, for those are a shopper's."""

from __future__ import annotations

import traceback
from pathlib import Path


def safe_error(error: BaseException) -> str:
    """`KeyError at ledger.py:123, in promise`: the innermost line of the program that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}, in {last.name}"
