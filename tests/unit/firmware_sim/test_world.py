"""The simulated shop: seeded, with truth, strangers, outages and rotating addresses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firmware_sim.scanners import Outage
from firmware_sim.world import Flaws, World, write_truth
from gateway.radio.frames import beacon_id
from gateway.zones import geometry
from gateway.zones.plan import load_plan
from gateway.zones.truth import read_truth

PLAN = load_plan(Path(__file__).parents[3] / "firmware_sim" / "shops" / "supermarket" / "plan.yaml")


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
    now = {stay.shopper: stay.zone for stay in world.truth() if stay.end_s == world.now_s}
    for person in world.positions():
        assert now.get(person.shopper) == person.zone
        if person.zone is not None:
            assert geometry.inside(np.array([[person.x_m, person.y_m]]), rings[person.zone])[0]
    for one, other in zip(world.truth(), world.truth()[1:], strict=False):
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
    write_truth(world.truth(), tmp_path / "w.truth.csv")
    assert [tuple(s) for s in read_truth(tmp_path / "w.truth.csv", PLAN)] == [tuple(s) for s in world.truth()]
