"""The whole gateway with a scanner in its plan that never says a word."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.support.books import document, offer
from tests.support.mosquitto import wait_for
from tests.support.shop import PREFIX, running_shop

UUID = "e2c56db5dffb48d2b060d0f5a71096e0"


def test_the_page_calls_its_zone_unknown_and_lists_it_as_unwell(tmp_path: Path) -> None:
    with running_shop(tmp_path, document(offer()), by_hand=False) as shop:
        for second in range(4):
            data = {"scanner": "pi-1", "sequence": int(time.time() * 1000), "readings": [[time.time(), UUID + "00010001", -60]]}
            envelope = {"specversion": "1.0", "id": f"a{second}", "source": "pi-1", "type": "etalage.sightings"}
            envelope |= {"time": "2026-11-18T11:06:40Z"}
            shop.client.publish(f"{PREFIX}sightings/pi-1", json.dumps(envelope | {"data": data}))
            time.sleep(1)
        view = shop.gateway.view
        assert wait_for(lambda: [zone.zone for zone in view.frame().zones if not zone.known] == ["till"], 5)
        assert [(one.scanner, one.well) for one in view.health().scanners] == [("pi-1", True), ("pi-2", False)]
