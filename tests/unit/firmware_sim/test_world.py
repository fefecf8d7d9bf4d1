"""The simulated shop: seeded, with truth, strangers, outages and rotating addresses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.scanners import Outage
from firmware_sim.world import Flaws, World, write_truth
from gateway.messages import Identity
from gateway.radio.frames import beacon_id
from gateway.shoppers.identities import Identities
from gateway.shoppers.optins import identity_of
from gateway.zones import geometry
from gateway.zones.ground_truth import read_ground_truth
from gateway.zones.plan import load_plan
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.slow

PLAN = load_plan(PLAN_FILE)


def test_the_same_seed_gives_the_same_world_whatever_the_steps() -> None:
    one, other, different = World(PLAN, 3, seed=4), World(PLAN, 3, seed=4), World(PLAN, 3, seed=5)
    whole = list(one.advance(20.0))
    parts = [a for _ in range(40) for a in other.advance(0.5)]
    assert whole == parts
    assert whole != list(different.advance(20.0))


def test_advertisements_are_heard_by_the_plan_s_scanners_about_when_they_were_sent() -> None:
    world = World(PLAN, 5, seed=1, start_s=1000.0)
    heard = list(world.advance(60.0))
    assert {a.scanner for a in heard} <= {s.id for s in PLAN.scanners}
    assert all(999.0 < a.at_s < 1061.0 for a in heard)
    assert all(-127 <= a.rssi_dbm <= 0 for a in heard)
    assert world.now_s == 1060.0


def test_each_opted_in_shopper_is_heard_and_strangers_never_carry_their_ids() -> None:
    world = World(PLAN, 4, seed=2, strangers=6, away_s=(5.0, 900.0))
    ours = {beacon.packed() for beacon in world.beacons.values()}
    heard = [beacon_id(a.payload) for a in world.advance(120.0)]
    assert ours <= set(heard)
    assert None in heard
    assert len(set(heard) - ours - {None}) >= 1


def test_the_truth_is_where_people_are() -> None:
    world = World(PLAN, 6, seed=3, away_s=(5.0, 900.0))
    for _ in world.advance(90.0):
        pass
    rings = {zone.id: zone.polygon or () for zone in PLAN.zones}
    now = {stay.shopper: stay.zone for stay in world.ground_truth() if stay.end_s == world.now_s}
    for person in world.positions():
        assert now.get(person.shopper) == person.zone
        if person.zone is not None:
            assert geometry.inside(np.array([[person.x_m, person.y_m]]), rings[person.zone])[0]
    for one, other in zip(world.ground_truth(), world.ground_truth()[1:], strict=False):
        if one.shopper == other.shopper:
            assert one.end_s <= other.start_s


def test_a_dead_scanner_says_nothing() -> None:
    world = World(PLAN, 6, seed=3, away_s=(5.0, 900.0), flaws=Flaws(outages=(Outage("sc-wine", 30.0),)))
    heard = list(world.advance(60.0))
    assert any(a.scanner == "sc-wine" and a.at_s < 30 for a in heard)
    assert not any(a.scanner == "sc-wine" and a.at_s > 31 for a in heard)


def test_radio_addresses_change_and_beacon_ids_stay() -> None:
    world = World(PLAN, 2, seed=6, away_s=(1.0, 1.0), interval_s=5.0)
    addresses = {a.address for a in world.advance(2000.0)}
    assert 4 <= len(addresses) <= 8


def test_truth_is_written_as_it_is_read(tmp_path: Path) -> None:
    world = World(PLAN, 2, seed=1, away_s=(5.0, 900.0))
    for _ in world.advance(60.0):
        pass
    write_truth(world.ground_truth(), tmp_path / "w.truth.csv")
    assert [tuple(s) for s in read_ground_truth(tmp_path / "w.truth.csv", PLAN)] == [tuple(s) for s in world.ground_truth()]


def test_rotating_shoppers_are_recognised_by_their_opt_ins_and_by_nothing_else() -> None:
    world = World(PLAN, 6, seed=2, start_s=1_795_258_000.0, away_s=(5.0, 20.0), interval_s=2.0, rotating=0.5, store="demo")
    assert sorted(world.phones) == ["s-1", "s-3", "s-5"]
    assert sorted(world.beacons) == ["s-2", "s-4", "s-6"]
    optins = world.optins()
    assert [("rotating" in optin, "beacon" in optin) for optin in optins] == [(True, False), (False, True)] * 3
    identities = Identities("demo")
    identities.load(((str(o["shopper"]), identity_of(Identity.model_validate(_identity(o)))) for o in optins), world.now_s)
    seen: dict[str, set[bytes]] = {}
    for advertisement in world.advance(1000.0):  # begins some minutes before a window's end
        identities.tick(advertisement.at_s)
        beacon = beacon_id(advertisement.payload)
        assert beacon is not None
        shopper = identities.resolve(beacon)
        assert shopper is not None
        seen.setdefault(shopper, set()).add(beacon)
    assert {shopper: len(ids) for shopper, ids in seen.items()} == {f"s-{n}": 1 + n % 2 for n in range(1, 7)}


def _identity(optin: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in optin.items() if name != "shopper"}


def test_a_phone_changes_its_radio_address_together_with_its_id() -> None:
    world = World(PLAN, 1, seed=6, away_s=(1.0, 1.0), interval_s=5.0, rotating=1.0)
    pairs = {(advertisement.address, advertisement.payload) for advertisement in world.advance(1900.0)}
    assert len(pairs) == len({address for address, _ in pairs}) == len({payload for _, payload in pairs}) == 3


def test_whoever_rotates_walks_and_is_heard_as_if_they_didn_t() -> None:
    one, other = World(PLAN, 6, seed=3), World(PLAN, 6, seed=3, rotating=0.5)
    before = [(a.at_s, a.scanner, a.rssi_dbm) for a in one.advance(30.0)]
    assert before == [(a.at_s, a.scanner, a.rssi_dbm) for a in other.advance(30.0)]
    assert one.ground_truth() == other.ground_truth()
    assert other.optins() == World(PLAN, 6, seed=3, rotating=0.5).optins()
    assert other.optins() != World(PLAN, 6, seed=4, rotating=0.5).optins()
