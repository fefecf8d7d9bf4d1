"""What the pages and calls about the plan work with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.dashboard.view import View
from gateway.storage import Store
from gateway.zones.plan_folder import PlanFolder
from gateway.zones.plan_in_force import PlanInForce


@dataclass(frozen=True, slots=True)
class PlanDesk:
    """The plans of this box, what is in force, and how another is put to work."""

    folder: PlanFolder
    in_force: PlanInForce
    view: View
    store: Store
    now_s: Callable[[], float]
    misfit_of_books: Callable[[Collection[str]], str | None]
    """Says why the live rule books can't go with a plan of these zones; None: they can."""
    renew: Callable[[], None]
    """Has the gateway take up what was put to work."""

    @property
    def from_file(self) -> bool:
        """Tell whether the settings name a plan: it can then only be looked at."""
        return self.in_force.source == "file"
