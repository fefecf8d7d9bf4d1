"""A plan that is being drawn, and the desk it is drawn at."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.view import View
from gateway.storage import Store
from gateway.zones.plan import StorePlan
from gateway.zones.plan_folder import PlanFolder
from gateway.zones.plan_in_force import PlanInForce, PlanSource


def two_zones(**changes: Any) -> dict[str, Any]:
    """A small plan as the editor sends it."""
    plan: dict[str, Any] = {
        "store": "demo",
        "zones": [
            {"id": "wine", "name": {"nl": "Wijn", "en": "Wine"}, "polygon": [[0, 0], [4, 0], [4, 4], [0, 4]]},
            {"id": "bread", "name": {"nl": "Brood", "en": "Bread"}, "polygon": [[8, 0], [12, 0], [12, 4], [8, 4]]},
        ],
        "scanners": [{"id": "pi-1", "zone": "wine", "at": [2, 2]}, {"id": "pi-2", "zone": "bread", "at": [10, 2]}],
    }
    return plan | changes


def png(width_px: int, height_px: int) -> bytes:
    """A PNG's head: all that is looked at."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


@dataclass
class Desk:
    """A desk for drawing, with what it asked of the gateway."""

    folder: Path
    view: View
    store: Store
    plan: StorePlan
    source: PlanSource = "none"
    renewed: int = 0
    misfit: str | None = None
    asked_zones: list[tuple[str, ...]] = field(default_factory=list)

    def open(self) -> PlanDesk:
        """Return the desk as the application takes it."""
        return PlanDesk(
            PlanFolder(self.folder),
            PlanInForce(self.plan, self.source),
            self.view,
            self.store,
            lambda: 1_795_255_200.0,
            self._misfit_of_books,
            self._renew,
        )

    def _renew(self) -> None:
        self.renewed += 1

    def _misfit_of_books(self, zones: Collection[str]) -> str | None:
        self.asked_zones.append(tuple(zones))
        return self.misfit
