"""The simulated supermarket's plan and the example book for it."""

from __future__ import annotations

from pathlib import Path

import firmware_sim
from rules import books

PLAN_FILE = Path(firmware_sim.__path__[0]) / "shops" / "supermarket" / "plan.yaml"
BOOK_FILE = Path(books.__path__[0]) / "supermarket.yaml"
