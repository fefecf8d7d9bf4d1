"""Who we are on the wire."""

from __future__ import annotations

import re

from gateway.mqtt.topics import identity_of
from gateway.settings import StoreSettings

BOX = identity_of(StoreSettings(chain="demo-chain", store="demo", gateway="gw-1"))


def test_topics_begin_with_version_chain_and_store() -> None:
    assert BOX.prefix == "etalage/v1/demo-chain/demo/"
    assert BOX.status_topic == "etalage/v1/demo-chain/demo/gateways/gw-1/status"


def test_client_ids_hold_no_dot_and_no_space_and_differ_by_way() -> None:
    ids = {BOX.client_id("out"), BOX.client_id("in")}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in ids)
