"""Other scanners' clocks, and links that stall: only this box's own time moves time or ends visits."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.model import Advertisement, Move, Sighting
from gateway.radio.batches import Batches
from gateway.radio.frames import IBEACON_PREFIX, beacon_id, beacon_id_of
from gateway.radio.remote import FORMATS, RemoteScanners
from gateway.radio.remote.refusals import RefusalReason
from gateway.zones.plan import load_plan
from gateway.zones.tracker import Tracker, make_tracker
from tests.support.books import document, offer
from tests.support.mosquitto import wait_for
from tests.support.shop import PLAN, PREFIX, running_shop

NOW_S = 1_795_000_000.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
BEACON = UUID + "00010002"
TOPIC = "p/sightings/pi-2"


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """Two zones side by side, a scanner in each."""
    return make_tracker(load_plan(plan_file(tmp_path)))


@pytest.fixture
def listening() -> RemoteScanners:
    """One other box, pi-2."""
    return RemoteScanners("p", ["pi-2"], uuids=frozenset())


def plan_file(folder: Path) -> Path:
    """The plan of `running_shop`, as a file."""
    path = folder / "plan.yaml"
    path.write_text(PLAN)
    return path


def event(data: dict[str, Any], id: str) -> bytes:
    """A sightings message, with an envelope whose time nobody reads."""
    envelope = {"specversion": "1.0", "id": id, "source": "gw-2", "type": "etalage.sightings", "time": "2026-11-18T11:06:40Z"}
    return json.dumps(envelope | {"data": data}).encode()


def batch(sequence: int, *claimed_s: float) -> bytes:
    """A batch of pi-2: readings of one beacon at the times that its clock says."""
    readings = [[at_s, BEACON, -70] for at_s in claimed_s]
    return event({"scanner": "pi-2", "sequence": sequence, "readings": readings}, f"pi-2-{sequence}")


def displaced(heard: list[Advertisement], now_s: float) -> bool:
    """Whether what was just heard is missing, or dated more than two seconds off."""
    return not heard or abs(heard[0].at_s - now_s) > 2


def moves_around_a_stall(tracker: Tracker, stall_s: float, *, back_s: float = 0.0, people: int = 6) -> list[Move]:
    """Walk 200 s with people who stand still: after 100 s the link of pi-2 stalls, or its clock is set back."""
    listening = RemoteScanners("p", ["pi-1", "pi-2"], uuids=frozenset())
    waiting = Batches("pi-2", frozenset([bytes.fromhex(UUID)]), int(NOW_S * 1000))
    beacons = {beacon_id_of(UUID, 1, number): f"s-{number}" for number in range(people)}
    moves: list[Move] = []
    for step in range(1000):
        at_s = NOW_S + step / 5
        ahead_s = back_s if at_s < NOW_S + 100 else 0.0
        for number, (beacon, shopper) in enumerate(beacons.items()):
            here, there = (-55, -78) if number % 2 == 0 else (-78, -55)
            heard_s = at_s + number * 0.01
            moves.extend(tracker.see(Sighting(heard_s, shopper, "pi-1", here)))
            waiting.hear(Advertisement(heard_s + ahead_s, "pi-2", "", there, IBEACON_PREFIX + beacon + b"\xc5"))
        if step % 5 == 4 and not NOW_S + 100 <= at_s < NOW_S + 100 + stall_s:
            while (sent := waiting.take(at_s + 0.25 + ahead_s)) is not None:
                message = event(json.loads(sent.model_dump_json(exclude_none=True)), f"x{sent.sequence}")
                for one in listening.parse(TOPIC, message, at_s + 0.3).advertisements:
                    found = beacon_id(one.payload)
                    assert found is not None
                    moves.extend(tracker.see(Sighting(one.at_s, beacons[found], one.scanner, one.rssi_dbm)))
        if step % 2 == 1:
            moves.extend(tracker.tick(at_s + 0.35))
            listening.tick(at_s + 0.35)
    return moves


@pytest.mark.parametrize(("stall_s", "people"), [(6, 6), (10, 6), (20, 6), (28, 6), (40, 6), (20, 1), (20, 2)])
def test_the_backlog_of_a_link_that_stalled_ends_no_visit(stall_s: float, people: int, tracker: Tracker) -> None:
    moves = moves_around_a_stall(tracker, stall_s, people=people)
    assert [move for move in moves if move.visit_over] == []


@pytest.mark.parametrize("back_s", [6, 10, 29])
def test_a_scanner_that_sets_its_clock_back_ends_no_visit(back_s: float, tracker: Tracker) -> None:
    moves = moves_around_a_stall(tracker, 0, back_s=back_s)
    assert [move for move in moves if move.visit_over] == []


@pytest.mark.parametrize(("stall_s", "back_s"), [(3, 0), (0, 3), (3, 3)])
def test_a_short_stall_and_a_small_step_end_no_visit_either(stall_s: float, back_s: float, tracker: Tracker) -> None:
    moves = moves_around_a_stall(tracker, stall_s, back_s=back_s)
    assert [move for move in moves if move.visit_over] == []


@pytest.mark.parametrize("every_s", [5, 10])
def test_a_box_that_uploads_rarely_ends_no_visit_and_puts_nobody_elsewhere(every_s: int, tracker: Tracker) -> None:
    """Six people who stand still for five minutes, half of them at a scanner that sends what it heard every few seconds."""
    listening = RemoteScanners("p", ["pi-2"], uuids=frozenset())
    waiting = Batches("pi-2", frozenset([bytes.fromhex(UUID)]), int(NOW_S * 1000))
    beacons = {beacon_id_of(UUID, 1, number): f"s-{number}" for number in range(6)}
    moves: list[Move] = []
    for step in range(1500):
        at_s = NOW_S + step / 5
        for number, (beacon, shopper) in enumerate(beacons.items()):
            here, there = (-55, -78) if number % 2 == 0 else (-78, -55)
            moves.extend(tracker.see(Sighting(at_s, shopper, "pi-1", here)))
            waiting.hear(Advertisement(at_s, "pi-2", "", there, IBEACON_PREFIX + beacon + b"\xc5"))
        if step % (5 * every_s) == 5 * every_s - 1:
            while (sent := waiting.take(at_s + 0.1)) is not None:
                message = event(json.loads(sent.model_dump_json(exclude_none=True)), f"x{sent.sequence}")
                for one in listening.parse(TOPIC, message, at_s + 0.2).advertisements:
                    beacon_heard = beacon_id(one.payload)
                    assert beacon_heard is not None
                    moves.extend(tracker.see(Sighting(one.at_s, beacons[beacon_heard], one.scanner, one.rssi_dbm)))
        if step % 2 == 1:
            moves.extend(tracker.tick(at_s + 0.2))
    assert [move for move in moves if move.visit_over] == []
    zones = {presence.shopper: presence.zone for presence in tracker.present()}
    assert zones == {f"s-{number}": "wine" if number % 2 == 0 else "till" for number in range(6)}
    assert listening.refusals.sum_of(RefusalReason.LATE) <= 0.05 * 1500 * 6


def test_a_stalled_link_brings_nobody_the_offer_of_the_visits_start_again(tmp_path: Path) -> None:
    """The whole gateway on a real broker, and two boxes' batches as they are sent, in real time."""
    book = document(offer(at={"event": "visit_start"}))
    with running_shop(tmp_path, book, by_hand=False) as shop:
        for minor in (1, 2, 3):
            shop.opt_in(minor)
        boxes = {name: Batches(name, frozenset([bytes.fromhex(UUID)]), int(time.time() * 1000)) for name in ("pi-1", "pi-2")}
        started_s, sent_s = time.time(), 0
        while (passed_s := time.time() - started_s) < 30:
            for minor in (1, 2, 3):
                payload = IBEACON_PREFIX + beacon_id_of(UUID, 1, minor) + b"\xc5"
                boxes["pi-1"].hear(Advertisement(time.time(), "pi-1", "", -55, payload))
                boxes["pi-2"].hear(Advertisement(time.time(), "pi-2", "", -75, payload))
            if int(passed_s) != sent_s:
                sent_s = int(passed_s)
                for name, box in boxes.items():
                    if name == "pi-2" and 10 <= passed_s < 20:
                        continue
                    while (sent := box.take(time.time())) is not None:
                        body = event(json.loads(sent.model_dump_json(exclude_none=True)), f"{name}-{sent.sequence}")
                        shop.client.publish(f"{PREFIX}sightings/{name}", body, qos=0)
            time.sleep(0.2)
        assert wait_for(lambda: all(shop.offers(f"s-{minor}") for minor in (1, 2, 3)), 30)
        assert [len(shop.offers(f"s-{minor}")) for minor in (1, 2, 3)] == [1, 1, 1]


def test_a_scanner_that_reboots_with_an_older_date_is_heard_again(listening: RemoteScanners) -> None:
    """Its sequence starts from its clock, which the network sets right after 20 s."""
    for second in range(10):
        listening.parse(TOPIC, batch(int(NOW_S * 1000) + second, NOW_S + second), NOW_S + second)
    boot_s, heard = 1_777_600_000, 0
    for second in range(120):
        now_s = NOW_S + 60 + second
        claimed_s = boot_s + second if second < 20 else now_s
        heard += len(listening.parse(TOPIC, batch(boot_s * 1000 + second, claimed_s), now_s).advertisements)
        listening.tick(now_s)
    assert heard >= 90


def test_two_boxes_with_one_scanners_id_do_not_silence_each_other(listening: RemoteScanners) -> None:
    """A card that was cloned: what each hears counts, or the id is shown as doubled, but neither is just dropped."""
    heard = [0, 0]
    for second in range(60):
        now_s = NOW_S + second
        for box, ahead in enumerate((0, 5000)):
            message = batch(int(NOW_S * 1000) + ahead + second, now_s)
            heard[box] += len(listening.parse(TOPIC, message, now_s + 0.3 * box).advertisements)
    assert min(heard) >= 50


@pytest.mark.parametrize("back_s", [3, 10, 29, 60, 3600])
def test_a_scanners_step_back_is_followed_within_seconds(back_s: float, listening: RemoteScanners) -> None:
    wrong = []
    for second in range(300):
        now_s = NOW_S + second
        claimed_s = now_s + back_s if second < 100 else now_s
        heard = listening.parse(TOPIC, batch(int(NOW_S * 1000) + second, claimed_s), now_s + 0.05).advertisements
        if second >= 100 and displaced(heard, now_s):
            wrong.append(second)
    assert len(wrong) <= 10


@pytest.mark.parametrize("ahead_s", [10, 3600])
def test_a_scanners_step_ahead_is_followed_at_once(ahead_s: float, listening: RemoteScanners) -> None:
    for second in range(300):
        now_s = NOW_S + second
        claimed_s = now_s - ahead_s if second < 100 else now_s
        heard = listening.parse(TOPIC, batch(int(NOW_S * 1000) + second, claimed_s), now_s + 0.05).advertisements
        assert second == 0 or not displaced(heard, now_s), "the first message alone may be a late one"


def test_one_stamp_a_day_ahead_costs_at_most_itself(listening: RemoteScanners) -> None:
    lost = 0
    for second in range(300):
        now_s = NOW_S + second
        claimed_s = now_s + 86400 if second == 50 else now_s
        heard = listening.parse(TOPIC, batch(int(NOW_S * 1000) + second, claimed_s), now_s + 0.05).advertisements
        lost += not heard
    assert lost <= 1


def test_a_first_batch_that_is_hours_old_is_old_until_a_second_shows_that_the_clock_is_off(listening: RemoteScanners) -> None:
    old_s = NOW_S - 3 * 3600
    assert listening.parse(TOPIC, batch(int(old_s * 1000), old_s), NOW_S).advertisements == []


def test_an_hour_of_queued_batches_is_not_taken_for_now(listening: RemoteScanners) -> None:
    taken = 0
    for number in range(1000):
        claimed_s = NOW_S - 3600 + number
        message = batch(int((NOW_S - 3600) * 1000) + number, claimed_s)
        taken += len(listening.parse(TOPIC, message, NOW_S + number * 0.001).advertisements)
    assert taken <= 10


@pytest.mark.parametrize("claimed_s", [NOW_S * 1000, (NOW_S - 7200) * 1000, NOW_S + 7200])
def test_a_phones_sighting_in_milliseconds_or_from_the_future_is_not_now(claimed_s: float, listening: RemoteScanners) -> None:
    assert listening.parse("p/sightings/app", phone("a-1", claimed_s), NOW_S).phones == []


def test_a_phones_sighting_counts_while_it_is_fresh(listening: RemoteScanners) -> None:
    assert listening.parse("p/sightings/app", phone("a-1", NOW_S - 7200), NOW_S).phones == []
    assert [one.at_s for one in listening.parse("p/sightings/app", phone("a-2", NOW_S - 10), NOW_S).phones] == [NOW_S - 10]


def phone(id: str, claimed_s: float) -> bytes:
    """What a shopper's phone says that it heard."""
    data = {"scanner": "app", "sequence": 1, "shopper": "s-1", "readings": [[claimed_s, BEACON, -70]]}
    return event(data, id)


@pytest.fixture
def amsterdam() -> Iterator[None]:
    """Local time as a box in the Netherlands has it."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Amsterdam"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def test_local_times_without_a_zone_survive_the_repeated_hour(amsterdam: None) -> None:
    """A Minew gateway that is set to local time, from two minutes before the clock goes back."""
    listening = RemoteScanners("p", ["cheese"], others={"minew": FORMATS["minew"].filter}, names={"AC233FC03164": "cheese"})
    start_s = datetime(2026, 10, 25, 0, 58, 20, tzinfo=UTC).timestamp()
    wrong = 0
    for second in range(600):
        now_s = start_s + second
        stamp = datetime.fromtimestamp(now_s).strftime("%Y-%m-%dT%H:%M:%S")
        rows = [
            {"timestamp": stamp, "type": "Gateway", "mac": "AC233FC03164"},
            {
                "timestamp": stamp,
                "type": "iBeacon",
                "mac": "C0",
                "ibeaconUuid": UUID,
                "ibeaconMajor": 1,
                "ibeaconMinor": 2,
                "rssi": -65,
            },
        ]
        heard = listening.parse("/gw/x/status", json.dumps(rows).encode(), now_s + 0.1).advertisements
        wrong += displaced(heard, now_s)
    assert wrong <= 10


@pytest.mark.parametrize("step_s", [-3, -6, 3, 20])
def test_a_small_step_of_this_boxes_own_clock_ends_no_visit(step_s: float, tracker: Tracker) -> None:
    moves: list[Move] = []
    for number in range(1000):
        at_s = NOW_S + number * 0.2 + (step_s if number >= 500 else 0)
        moves += tracker.see(Sighting(at_s, "s", "pi-1", -58))
        moves += tracker.see(Sighting(at_s + 0.02, "s", "pi-2", -76))
        if number % 3 == 0:
            moves += tracker.tick(at_s + 0.1)
    assert [move.zone for move in moves if move.event == "enter"] == ["wine"]
    assert not any(move.visit_over for move in moves)


def test_one_identity_on_two_tags_does_not_leap_to_and_fro(tmp_path: Path) -> None:
    """Factory defaults: two tags at either end of the shop claim one id. It is somewhere, and stays calm."""
    plan = yaml.safe_load(PLAN)
    plan["zones"].append({"id": "door", "polygon": [[16, 0], [24, 0], [24, 8], [16, 8]]})
    plan["scanners"].append({"id": "pi-3", "zone": "door", "at": [20, 4]})
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan))
    tracker, rng = make_tracker(load_plan(path)), random.Random(3)
    moves: list[Move] = []
    for number in range(3000):
        levels = (-55, -70, -82) if number % 2 else (-82, -70, -55)
        for scanner, level in zip(("pi-1", "pi-2", "pi-3"), levels, strict=True):
            moves += tracker.see(Sighting(NOW_S + number * 0.1, "s", scanner, round(rng.gauss(level, 4))))
    assert len([move for move in moves if move.event == "enter"]) <= 6
