"""Which broker to try next, in which protocol, and after what pause. Pure: random numbers and times come in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Protocol = Literal["5", "3.1.1"]

FIRST_PAUSE_S = 0.5
"""Before the second attempt: a broker that restarts is back within a second."""
PLAIN_PORT, TLS_PORT = 1883, 8883


class Endpoint(NamedTuple):
    """One way in: a broker and a protocol version."""

    host: str
    port: int
    tls: bool
    protocol: Protocol

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port} (MQTT {self.protocol})"


class BrokerSelector:
    """Goes round the brokers in order of preference.

    `auto` tries MQTT 5 and then 3.1.1 at each broker. An endpoint that had let us in is tried again first: after a short loss that
    broker has the session. The pause doubles up to `pause_max_s`, drawn between its half and its whole, so that a hundred shops
    don't come back in the same second.
    """

    def __init__(self, brokers: Sequence[str], protocol: Literal["auto", "5", "3.1.1"], pause_max_s: float, rng: Random) -> None:
        protocols: Sequence[Protocol] = ("5", "3.1.1") if protocol == "auto" else (protocol,)
        self._endpoints = [_endpoint(broker, version) for broker in brokers for version in protocols]
        self._endpoints_per_broker = len(protocols)
        self._pause_max_s = pause_max_s
        self._rng = rng
        self._at = 0
        self._failures = 0
        self._at_once = False

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint to try now."""
        return self._endpoints[self._at]

    def held(self) -> None:
        """The connection has lasted: the next loss is the first one again."""
        self._failures = 0

    def unreachable(self) -> None:
        """Nobody listens there: on to the next broker, whose protocols are another question."""
        self._at = (self._at // self._endpoints_per_broker + 1) * self._endpoints_per_broker % len(self._endpoints)
        self._failures += 1
        self._at_once = False

    def refused(self) -> None:
        """Somebody listens and did not let us in: perhaps it speaks the other protocol."""
        self._at = (self._at + 1) % len(self._endpoints)
        self._failures += 1
        self._at_once = self._at % self._endpoints_per_broker != 0

    def lost(self) -> None:
        """A connection that had been accepted was lost: the same endpoint again."""
        self._failures += 1
        self._at_once = False

    def pause_s(self) -> float:
        """Return how long to wait before `endpoint`; nothing before the other protocol of a broker that has just refused one."""
        if self._failures == 0 or self._at_once:
            return 0.0
        whole = min(FIRST_PAUSE_S * float(1 << min(self._failures - 1, 16)), self._pause_max_s)
        return whole * self._rng.uniform(0.5, 1.0)


def _endpoint(broker: str, protocol: Protocol) -> Endpoint:
    parts = urlsplit(broker)
    tls = parts.scheme == "mqtts"
    return Endpoint(parts.hostname or "", parts.port or (TLS_PORT if tls else PLAIN_PORT), tls, protocol)
