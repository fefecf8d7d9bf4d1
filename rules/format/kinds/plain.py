"""The kinds that are words alone: content for the shopper, and a call for staff."""

from __future__ import annotations

from rules.format.kinds.kind import OfferKind


class ContentKind(OfferKind[None]):
    """A recipe, a tip, help with what was bought."""

    name = "content"


class StaffCallKind(OfferKind[None]):
    """Help is wanted here: read by staff, and never withheld from whoever is in a control group."""

    name = "staff_call"
    for_staff = True
