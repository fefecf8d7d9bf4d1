import itertools
from typing import get_args

import pytest

from gateway.messages import ReceiptWhat
from gateway.offers import states

WHATS = get_args(ReceiptWhat)


@pytest.mark.parametrize("what", WHATS)
def test_every_receipt_is_known_in_every_state(what: str) -> None:
    assert all(states.after(state, what) in states.STATES for state in states.STATES)


@pytest.mark.parametrize("order", list(itertools.permutations(["delivered", "shown", "tapped", "redeemed"])))
def test_receipts_in_any_order_end_in_the_same_state(order: tuple[str, ...]) -> None:
    state: str = states.RESERVED
    for what in order:
        state = states.after(state, what)
    assert state == states.REDEEMED


@pytest.mark.parametrize("state", [states.EXPIRED, states.WITHDRAWN, states.REDEEMED])
@pytest.mark.parametrize("what", WHATS)
def test_what_is_done_with_stays_as_it_is(state: str, what: str) -> None:
    assert states.after(state, what) == state


def test_a_delivery_does_not_claim_that_it_was_seen() -> None:
    assert states.after(states.RESERVED, "delivered") == states.ANNOUNCED
    assert states.after(states.SHOWN, "delivered") == states.SHOWN


def test_a_reversed_voucher_can_be_redeemed_again() -> None:
    assert states.after(states.REVERSED, "redeemed") == states.REDEEMED
    assert states.after(states.REVERSED, "shown") == states.REVERSED
