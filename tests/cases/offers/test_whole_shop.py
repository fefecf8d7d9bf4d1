"""The whole gateway on a real broker: quiet hours, clocks that leap or lag."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.storage import consents
from tests.support.books import at, document, offer, voucher
from tests.support.mosquitto import wait_for
from tests.support.shop import PATIENCE_S, RunningShop, running_shop

INVITATION = {
    "to": "share",
    "friend": {"percent": 10},
    "reward": {"amount": 5},
    "codes": {"generated": 8},
    "valid_for": "30d",
}
SEEN_TO_S = 6.0
"""What would be pushed by mistake is pushed within a second or two."""


def first_offer(shop: RunningShop, minor: int) -> dict[str, object]:
    """Walk a shopper to the wine and return the offer that comes."""
    shop.walk(minor)
    assert wait_for(lambda: shop.offers(f"s-{minor}"), PATIENCE_S)
    return shop.offers(f"s-{minor}")[0]


def test_nobody_is_approached_in_quiet_hours_by_what_waited_or_by_a_reward(tmp_path: Path) -> None:
    book = document(
        offer("i", "invitation", at={"event": "enter", "zone": "wine"}, invitation=INVITATION, show_for="20h"),
        offer("w", at={"event": "enter", "zone": "till"}, show_for="20h"),
        quiet=["22:00-07:00"],
        offers_per_move=2,
    )
    with running_shop(tmp_path, book, at_s=at("2026-11-27T21:59:00")) as shop:
        for minor in (1, 2):
            shop.opt_in(minor)
        invited = first_offer(shop, 1)
        shop.broker.kill()
        assert wait_for(lambda: shop.gateway.courier.health()["state"] != "up", PATIENCE_S)
        shop.walk(2, "pi-2")
        shop.clock.synchronise(at("2026-11-28T03:00"))
        shop.broker.start()
        shop.wait_until_connected()
        shop.receipt(str(invited["promise"]), "redeemed")
        wait_for(lambda: shop.offers("s-2") or len(shop.offers("s-1")) > 1, SEEN_TO_S)
        assert [data["offer"] for data in (*shop.offers("s-1")[1:], *shop.offers("s-2"))] == []


@pytest.mark.parametrize("days", [10, 500])
def test_a_shown_voucher_is_good_after_the_clock_leaped_ahead_and_came_back(days: int, tmp_path: Path) -> None:
    noon_s = at("2026-11-27T12:00")
    with running_shop(tmp_path, document(voucher()), at_s=noon_s) as shop:
        shop.opt_in(1)
        shown = first_offer(shop, 1)
        shop.receipt(str(shown["promise"]), "shown")
        shop.clock.set(noon_s + days * 86400)
        time.sleep(4)  # long enough for everything periodic to have seen that time
        shop.clock.set(noon_s + 60)
        time.sleep(2.5)
        assert shop.redeem(shown["voucher"]["code"], "k") == "valid"  # type: ignore[index]


def test_a_withdrawal_is_obeyed_by_a_box_that_is_ten_minutes_slow(tmp_path: Path) -> None:
    with running_shop(tmp_path, document(offer())) as shop:
        now_s = shop.clock.now_s()
        shop.opt_in(1, at_s=now_s - 5)
        shop.clock.synchronise(now_s - 600)
        reply = shop.withdraw(1, at_s=now_s + 1)
        with shop.gateway.store.read() as connection:
            kept = consents.find(connection, "s-1")
        assert "accepted" in reply, reply
        assert kept is None
