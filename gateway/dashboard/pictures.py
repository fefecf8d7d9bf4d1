"""What is taken for a picture: PNG and JPEG, known by their first bytes, never by a name or a declared type."""

from __future__ import annotations

import struct
from typing import NamedTuple

SIDE_MAX_PX = 10_000
"""A browser decodes a picture to 4 bytes a pixel: 10,000 by 10,000 takes 400 MB, which a PC bears and a phone refuses by itself."""
PIXELS_MAX = 50_000_000
"""A photograph of 48 megapixels fits."""
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
_NO_SIZE_IN = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers among the frames' (C0 to CF) that don't start one."""


class Picture(NamedTuple):
    """A picture's kind and size, as its own head tells them."""

    ending: str
    width_px: int
    height_px: int

    @property
    def fits(self) -> bool:
        """Tell whether a browser can be asked to draw it."""
        sides = 0 < self.width_px <= SIDE_MAX_PX and 0 < self.height_px <= SIDE_MAX_PX
        return sides and self.width_px * self.height_px <= PIXELS_MAX


def picture_of(content: bytes) -> Picture | None:
    """Read a picture's head; None for anything that is no PNG and no JPEG."""
    if content.startswith(PNG) and content[12:16] == b"IHDR" and len(content) >= 24:
        return Picture("png", *struct.unpack(">II", content[16:24]))
    if content.startswith(JPEG):
        return _jpeg(content)
    return None


def _jpeg(content: bytes) -> Picture | None:
    """Walk a JPEG's segments up to the one that starts a frame (ITU T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE_IN:
            height_px, width_px = struct.unpack(">HH", content[at + 5 : at + 9])
            return Picture("jpg", width_px, height_px)
        at += 1 if marker == 0xFF else 2 + length  # a segment may be led in by any number of FF
    return None
