"""The whole gateway with a scanner in its plan that never says a word."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rules.texts import Language
from tests.support.books import document, offer
from tests.support.mosquitto import wait_for
from tests.support.shop import PREFIX, HandScanner, RunningShop, running_shop

UUID = "e2c56db5dffb48d2b060d0f5a71096e0"


def say(shop: RunningShop, scanner: str, id: str) -> None:
    """Publish a batch with one reception, as another box would."""
    data = {"scanner": scanner, "sequence": int(time.time() * 1000), "readings": [[time.time(), UUID + "00010001", -60]]}
    envelope = {"specversion": "1.0", "id": id, "source": scanner, "type": "etalage.sightings", "time": "2026-11-18T11:06:40Z"}
    shop.client.publish(f"{PREFIX}sightings/{scanner}", json.dumps(envelope | {"data": data}))


def test_the_page_calls_its_zone_unknown_and_lists_it_as_unwell(tmp_path: Path) -> None:
    with running_shop(tmp_path, document(offer()), by_hand=False) as shop:
        view = shop.gateway.view
        assert not view.health().well
        for second in range(4):
            say(shop, "pi-1", f"a{second}")
            time.sleep(1)
        assert wait_for(lambda: [zone.zone for zone in view.frame().zones if not zone.known] == ["till"], 5)
        assert [(one.scanner, one.well) for one in view.health().scanners] == [("pi-1", True), ("pi-2", False)]


def test_a_misspelt_name_is_on_the_page_at_once_with_the_one_that_is_meant(tmp_path: Path) -> None:
    with running_shop(tmp_path, document(offer()), by_hand=False) as shop:
        say(shop, "pi-22", "b")
        view = shop.gateway.view
        assert wait_for(lambda: not all(one.in_plan for one in view.health().scanners), 5)
        (found,) = (one for one in view.health().scanners if not one.in_plan)
        assert (found.scanner, found.well) == ("pi-22", False)
        assert "Is pi-2 meant?" in found.words[Language.EN]
        assert view.health().counts.refused == {"etalage": {"unknown scanner": 1}}


def test_an_adapter_of_this_box_with_a_misspelt_id_is_on_the_page_as_well(tmp_path: Path) -> None:
    with running_shop(tmp_path, document(offer()), by_hand=False) as shop:
        view = shop.gateway.view
        view._scanners = [HandScanner("pi-11")]
        (found,) = (one for one in view.health().scanners if not one.in_plan)
        assert (found.scanner, found.well) == ("pi-11", False)
        assert "Is pi-1 meant?" in found.words[Language.EN]
