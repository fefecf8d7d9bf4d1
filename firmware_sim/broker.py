"""A broker of our own for the demo and the tests: iotcore, in a process that dies with us.

It keeps everything in memory and knows no users: the outbox carries the promise, not this broker, and it listens on this machine
only. A shop runs Mosquitto (deploy/mosquitto).
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from types import TracebackType

from iotcore import Broker

from gateway.settings import MqttSettings

HOST = "127.0.0.1"
PAYLOAD_MAX_BYTES = 1 << 18
"""iotcore closes the connection of whoever sends more; its own default of 20 KB is less than the contract allows."""
ATTEMPTS = 5
"""Another program may take the free port between our looking and the broker's binding."""
_CONFIGURATION = """
id = 0

[router]
id = 0
max_connections = 200
max_outgoing_packet_count = 200
# Memory grows with traffic up to segments × size, and what an absent session has not read beyond it is gone.
max_segment_size = 1048576
max_segment_count = 10

[v4.1]
name = "v4-1"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = {payload_max_bytes}
max_inflight_count = 100
dynamic_filters = true
"""


class EmbeddedBroker:
    """An MQTT 3.1.1 broker on 127.0.0.1, on a free port unless one is given."""

    def __init__(self, port: int = 0) -> None:
        self._wanted_port = port
        self._broker: Broker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.port = port

    @property
    def url(self) -> str:
        """The broker's address, as the settings want it."""
        return f"mqtt://{HOST}:{self.port}"

    def settings(self, base: MqttSettings) -> MqttSettings:
        """`base`, pointed at this broker."""
        return base.model_copy(update={"brokers": (self.url,), "protocol": "3.1.1", "user": None, "password_file": None})

    @property
    def failure(self) -> str | None:
        """Return why it has died; None while it runs, and when it wasn't started."""
        return None if self._broker is None or self._broker.is_running else "its process has ended"

    def start(self) -> EmbeddedBroker:
        """Start, and wait until it listens. Raises OSError when the port is taken, RuntimeError when it doesn't come up."""
        self._folder = tempfile.TemporaryDirectory(prefix="etalage-broker-")
        attempts = 1 if self._wanted_port else ATTEMPTS
        for attempt in range(1, attempts + 1):
            self.port = self._wanted_port or _free_port()
            try:
                self._broker = Broker(config_path=str(self._configuration())).start()
                return self
            except (OSError, RuntimeError):
                if attempt == attempts:
                    self._folder.cleanup()
                    raise
        raise AssertionError("a broker was started or an error raised")

    def _configuration(self) -> Path:
        assert self._folder is not None
        path = Path(self._folder.name) / "broker.toml"
        path.write_text(_CONFIGURATION.format(host=HOST, port=self.port, payload_max_bytes=PAYLOAD_MAX_BYTES), encoding="utf-8")
        return path

    def stop(self) -> None:
        """End the process and free the port; doing it twice is harmless."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> EmbeddedBroker:
        return self if self._broker is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
