"""Where messages go, and who we are in them: one grammar for every topic. Nothing personal is in a topic or a client id.

What the gateway may write is what the contract's channels say, and below `replies/` what follows from who asked: a till is answered
on its own topic and no other, whatever response topic it names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gateway.messages import CHANNELS
from gateway.settings import StoreSettings

TOPIC_MAX = 128
"""Characters of a topic after the shop's prefix: what the outbox has room for."""
REPLIES = "replies"
_ID = "[a-z0-9][a-z0-9_.-]{0,63}"
_ZONE = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
"""As the store plan names it; every other id is ours, and lower case."""
_PLACE = re.compile(r"\\\{(\w+)\\\}")


def pattern_of(topic: str) -> re.Pattern[str]:
    """Return what the topics of a channel look like, an id for each part in braces."""
    return re.compile(_PLACE.sub(lambda place: _ZONE if place[1] == "zone" else _ID, re.escape(topic)))


_WRITTEN = [pattern_of(channel.topic) for channel in CHANNELS if channel.publisher == "gateway"]
_ANSWERS = re.compile(f"{REPLIES}(/{_ID})?")
_TILL = re.compile(f"(?:redemptions|purchases)/({_ID})")
"""Where tills speak; each is answered on its own topic."""
APP = "app"
"""In a till's place: the backend."""


def may_write(topic: str) -> bool:
    """Return whether the gateway may ever publish to a topic, given after the shop's prefix."""
    return len(topic) <= TOPIC_MAX and any(pattern.fullmatch(topic) for pattern in (*_WRITTEN, _ANSWERS))


def answer_topic(asked_on: str, wanted: str) -> str:
    """Return where the answer to a message goes. `wanted`: the response topic it named, or nothing; both after the prefix.

    A till that asked on `redemptions/<till>` is answered on `replies/<till>`, the one topic it may read; everybody else, which is
    the backend, on `replies` or one level below.
    """
    till = _TILL.fullmatch(asked_on)
    if till and till[1] != APP:
        return f"{REPLIES}/{till[1]}"
    return wanted if _ANSWERS.fullmatch(wanted) else REPLIES


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """This box in its shop in its chain."""

    chain: str
    store: str
    gateway: str

    @property
    def prefix(self) -> str:
        """Return what every topic of this shop begins with, the last `/` included."""
        return f"etalage/v1/{self.chain}/{self.store}/"

    @property
    def source(self) -> str:
        """Return who speaks, in every event."""
        return f"etalage/{self.chain}/{self.store}/{self.gateway}"

    @property
    def status_topic(self) -> str:
        """Return where this box's birth, health and last will stand."""
        return f"{self.prefix}gateways/{self.gateway}/status"

    def client_id(self, way: Literal["out", "in", "consents", "sightings"]) -> str:
        """A name for one connection. Not every broker takes a dot in it, so there is none."""
        return f"etalage_{self.chain}_{self.store}_{self.gateway}_{way}"


def identity_of(settings: StoreSettings) -> GatewayIdentity:
    """Return the identity that the settings give."""
    return GatewayIdentity(settings.chain, settings.store, settings.gateway)
