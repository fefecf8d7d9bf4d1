from __future__ import annotations

from functools import partial

from gateway.offers.expiry import WINDOW_COUNTERS_DAYS, housekeep
from gateway.settings import OffersSettings
from gateway.storage import Store, caps

DAY_S = 86_400.0


def test_counters_go_when_their_window_is_over_and_those_of_a_whole_life_stay(store: Store, now_s: float) -> None:
    then_s = now_s - WINDOW_COUNTERS_DAYS * DAY_S
    opened = {
        "offer/a/issues@2025-10": then_s - 1,
        "offer/a/issues@hour-1": then_s - 1,
        "offer/a/issues@2025-11": then_s + 1,
        "offer/a/issues": then_s - 1,
    }
    for key, at_s in opened.items():
        assert store.writer.submit(partial(caps.take, key=key, shopper="", amount=1, at_most=5, at_s=at_s)).result()
    store.writer.submit(lambda connection: housekeep(connection, now_s, OffersSettings())).result()
    with store.read() as connection:
        assert dict(caps.all_used(connection)) == {"offer/a/issues": 1, "offer/a/issues@2025-11": 1}
