"""The states a promise can stand in, and every way from one to the next.

    reserved ──► announced ──► shown ──► redeemed ──► reversed ──► (good again until its end)
        │            └────────────┴──────────────────────┴──► expired
        └──► withdrawn

- reserved: written down together with its announcement, in one transaction; until `expires_at` it may still be sent.
- announced: handed to the network. From here on nobody can be sure that it was not shown, so it stands until its end.
- shown: the backend said so (shown, or anything that can only come after it).
- redeemed: used at the till or online. reversed: that purchase was undone, so the voucher is good again.
- expired: its end, and the time in which late receipts are still taken, have passed.
- withdrawn: certainly never shown, and taken back.

Receipts come in any order and more than once: a state never goes backwards, and a receipt that is behind is noted all the same.
"""

from __future__ import annotations

from typing import Final

RESERVED: Final = "reserved"
ANNOUNCED: Final = "announced"
SHOWN: Final = "shown"
REDEEMED: Final = "redeemed"
REVERSED: Final = "reversed"
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"

STATES = (RESERVED, ANNOUNCED, SHOWN, REDEEMED, REVERSED, EXPIRED, WITHDRAWN)
OPEN = (RESERVED, ANNOUNCED, SHOWN, REVERSED)
"""A voucher in one of these can be redeemed until its end."""
DONE = (REDEEMED, EXPIRED, WITHDRAWN)
"""Nothing more is owed: from here on only its record is kept."""
EVER_SENT = (*OPEN, REDEEMED, EXPIRED)
"""A promise in one of these may have reached somebody; what was withdrawn certainly did not."""

_REACHED_BY = {
    "delivered": ANNOUNCED,
    "shown": SHOWN,
    "tapped": SHOWN,
    "dismissed": SHOWN,
    "purchased": SHOWN,
    "reviewed": SHOWN,
    "shared": SHOWN,
    "redeemed": REDEEMED,
}
_ORDER = {RESERVED: 0, ANNOUNCED: 1, SHOWN: 2}


def after(state: str, what: str) -> str:
    """The state after a receipt; the same when the receipt is behind it or the promise is done with."""
    reached = _REACHED_BY[what]
    if reached == REDEEMED:
        return REDEEMED if state in OPEN else state
    return reached if state in _ORDER and _ORDER[reached] > _ORDER[state] else state
