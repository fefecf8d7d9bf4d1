"""A try to connect to the broker as this box, and nothing more: no message is sent, and no session is left behind."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from random import Random

from gateway.mqtt.broker_selector import BrokerSelector
from gateway.mqtt.credentials import Credentials
from gateway.mqtt.link import Down, Link, LinkError, SessionRole, Up
from gateway.settings import MqttSettings

PATIENCE_S = 5.0
"""For the broker's answer once the connection stands."""


def try_broker(settings: MqttSettings, credentials: Credentials, client_id: str) -> str | None:
    """Connect to the first broker of the settings, in each protocol they allow; why none lets us in, or None when one does."""
    selector = BrokerSelector(settings.brokers[:1], settings.protocol, settings.pause_max_s, Random(0))  # noqa: S311  # no secret
    fault = _try(selector, settings, credentials, client_id)
    if fault is None or settings.protocol != "auto":
        return fault
    selector.refused()
    return _try(selector, settings, credentials, client_id)


def _try(selector: BrokerSelector, settings: MqttSettings, credentials: Credentials, client_id: str) -> str | None:
    events: SimpleQueue[object] = SimpleQueue()
    link = Link(selector.endpoint, SessionRole(client_id), credentials, settings.keepalive_s, events)
    try:
        link.open()
    except LinkError as error:
        return str(error)
    try:
        event = events.get(timeout=PATIENCE_S)
    except Empty:
        return f"no answer within {PATIENCE_S:.0f} seconds"
    finally:
        link.close()
    return None if isinstance(event, Up) else event.reason if isinstance(event, Down) else "it answered something else"
