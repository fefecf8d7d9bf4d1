"""A phone that changes its beacon id every quarter of an hour: docs/app-integration.md as the maker of a store app writes it down.

An implementation of our own, so that the gateway's is never tested against itself.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from firmware_sim.frames import BeaconId

WINDOW_S = 900.0
"""A quarter of an hour: then the id changes, and the radio address with it."""


@dataclass(frozen=True, slots=True)
class Phone:
    """What the app keeps: the shop's uuid (16 bytes), its own key (16 bytes), and the shop it is in, as the topics name it."""

    uuid: bytes
    key: bytes = field(repr=False)
    store: str

    def beacon_at(self, unix_s: float) -> BeaconId:
        """Return what to advertise at that moment."""
        window = struct.pack(">Q", int(unix_s // WINDOW_S))
        message = b"\0".join((b"etalage rotating id 1", self.store.encode(), window))
        major, minor = struct.unpack_from(">HH", hmac.new(self.key, message, hashlib.sha256).digest())
        return BeaconId(self.uuid, major, minor)

    def as_optin(self) -> dict[str, str]:
        """The key as an opt-ins file and an opt-in message write it."""
        return {"uuid": self.uuid.hex(), "key": self.key.hex()}
