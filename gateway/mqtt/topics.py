"""Where messages go, and who we are in them. Nothing personal is in a topic or a client id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.settings import StoreSettings


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """This box in its shop in its chain."""

    chain: str
    store: str
    gateway: str

    @property
    def prefix(self) -> str:
        """What every topic of this shop begins with, the last `/` included."""
        return f"etalage/v1/{self.chain}/{self.store}/"

    @property
    def source(self) -> str:
        """Who speaks, in every event."""
        return f"etalage/{self.chain}/{self.store}/{self.gateway}"

    @property
    def status_topic(self) -> str:
        """Where this box's birth, health and last will stand."""
        return f"{self.prefix}gateways/{self.gateway}/status"

    def client_id(self, way: Literal["out", "in", "sightings"]) -> str:
        """A name for one connection. Not every broker takes a dot in it, so there is none."""
        return f"etalage_{self.chain}_{self.store}_{self.gateway}_{way}"


def identity_of(settings: StoreSettings) -> GatewayIdentity:
    """Return the identity that the settings give."""
    return GatewayIdentity(settings.chain, settings.store, settings.gateway)
