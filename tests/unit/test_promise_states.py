import itertools
from typing import get_args

import pytest

from gateway import promise_states
from gateway.messages import ReceiptWhat

WHATS = get_args(ReceiptWhat)


@pytest.mark.parametrize("what", WHATS)
def test_every_receipt_is_known_in_every_state(what: str) -> None:
    assert all(promise_states.after(state, what) in promise_states.STATES for state in promise_states.STATES)


@pytest.mark.parametrize("order", list(itertools.permutations(["delivered", "shown", "tapped", "redeemed"])))
def test_receipts_in_any_order_end_in_the_same_state(order: tuple[str, ...]) -> None:
    state: str = promise_states.RESERVED
    for what in order:
        state = promise_states.after(state, what)
    assert state == promise_states.REDEEMED


@pytest.mark.parametrize("state", [promise_states.EXPIRED, promise_states.WITHDRAWN, promise_states.REDEEMED])
@pytest.mark.parametrize("what", WHATS)
def test_what_is_done_with_stays_as_it_is(state: str, what: str) -> None:
    assert promise_states.after(state, what) == state


def test_a_delivery_does_not_claim_that_it_was_seen() -> None:
    assert promise_states.after(promise_states.RESERVED, "delivered") == promise_states.ANNOUNCED
    assert promise_states.after(promise_states.SHOWN, "delivered") == promise_states.SHOWN


def test_a_reversed_voucher_can_be_redeemed_again() -> None:
    assert promise_states.after(promise_states.REVERSED, "redeemed") == promise_states.REDEEMED
    assert promise_states.after(promise_states.REVERSED, "shown") == promise_states.REVERSED
