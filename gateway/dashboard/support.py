"""The support bundle: what somebody who helps from afar needs to see, and nothing that they mustn't."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

from gateway.dashboard.panel import panel
from gateway.dashboard.view import View
from gateway.recent_log import recent
from gateway.settings import Settings
from rules.texts import Language

OS_RELEASE = Path("/etc/os-release")


def bundle(view: View, settings: Settings) -> bytes:
    """Return a zip: settings without secrets, health, the last warnings, versions. No shopper, no password, no claim code."""
    health = view.health()
    shown = panel(health)
    parts = {
        "settings.json": settings.model_dump(mode="json"),  # a SecretStr is written as asterisks
        "health.json": {
            "heading": shown.heading[Language.EN],
            "parts": [
                {"part": line.part, "well": line.well, "words": line.words[Language.EN]}
                for line in (shown.link, shown.database, shown.clock, *shown.scanners)
            ],
            "counts": {name: getattr(health.counts, name) for name in health.counts.__slots__},
            "started_at_s": health.started_at_s,
        },
        "log.json": recent.lines(),
        "versions.json": _versions(health.version),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(f"etalage-support/{name}", json.dumps(part, indent=1, default=str, ensure_ascii=False))
    return out.getvalue()


def _versions(own: str) -> dict[str, object]:
    release = OS_RELEASE.read_text(encoding="utf-8", errors="replace") if OS_RELEASE.exists() else ""
    return {
        "etalage": own,
        "python": sys.version,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "system": next((line.partition("=")[2].strip('"') for line in release.splitlines() if line.startswith("PRETTY_NAME")), ""),
        "packages": {one.metadata["Name"]: one.version for one in distributions()},
    }
