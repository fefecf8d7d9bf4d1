"""How the gateway proves who it is and knows the broker: files that nobody else may read, and nothing of them in a log."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.settings import MqttSettings, SettingsError


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we prove who we are. Never printed."""

    user: str | None
    password: str | None
    tls: ssl.SSLContext

    def __repr__(self) -> str:
        return "Credentials(…)"


def read_credentials(settings: MqttSettings) -> Credentials:
    """User, password and certificates from the files that `settings` name. Raises SettingsError."""
    password = None
    if settings.password_file is not None:
        password = _private(settings.password_file, "mqtt.password_file").splitlines()[0].strip()
    try:
        tls = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
        if settings.certificate_file is not None and settings.key_file is not None:
            _private(settings.key_file, "mqtt.key_file")
            tls.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"mqtt: the certificates can't be used ({error}); check ca_file, certificate_file and key_file"
        ) from error
    return Credentials(settings.user, password, tls)


def _private(path: Path, name: str) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{name}: {path} can be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{name}: {path} can't be read ({error.strerror}); give a file the gateway's user may read") from error
    if not text.strip():
        raise SettingsError(f"{name}: {path} is empty; put the secret on its first line")
    return text
