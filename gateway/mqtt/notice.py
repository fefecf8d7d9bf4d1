"""A message past the outbox: of use now or never."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.mqtt.link import CLOUD_EVENT

OCCUPANCY_EXPIRY_S = 300.0
"""A head count older than this is no head count; MQTT 5 brokers drop it then."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that is sent now or never. `topic` in full."""

    topic: str
    body: str
    qos: int
    expires_in_s: float | None = None
    retain: bool = True
    content_type: str = CLOUD_EVENT
