"""`etalage replay` and `etalage calibrate`, as their users run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from firmware_sim.world import World, write_truth
from gateway.commands import CommandError
from gateway.commands.calibrate import calibrate
from gateway.commands.hearing import faults, sightings
from gateway.commands.replay import as_line, replay
from gateway.model import Move, MoveEvent
from gateway.radio.recordings import RecordingWriter, read_recording
from gateway.shoppers.optins import read_optins
from gateway.zones.plan import load_plan

SHOP = Path(__file__).parents[3] / "firmware_sim" / "shops" / "drugstore" / "plan.yaml"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a minute and a half of a simulated shop: recording, opt-ins, truth."""
    folder = tmp_path_factory.mktemp("shop")
    world = World(load_plan(SHOP), 3, seed=2, strangers=2, away_s=(5.0, 900.0))
    with RecordingWriter(folder / "walk.jsonl.gz") as writer:
        for advertisement in world.advance(90.0):
            writer.write(advertisement)
    (folder / "optins.yaml").write_text(json.dumps(world.optins()))
    write_truth(world.ground_truth(), folder / "walk.truth.csv")
    return folder


def replayed(shop: Path, out: Path, calibration: Path | None = None) -> list[dict[str, object]]:
    replay(shop / "walk.jsonl.gz", plan=SHOP, optins=shop / "optins.yaml", moves=out, calibration=calibration)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_replay_writes_each_move_as_a_line_in_time_order(shop: Path, tmp_path: Path) -> None:
    moves = replayed(shop, tmp_path / "moves.jsonl")
    assert {str(move["shopper"]) for move in moves} == {"s-1", "s-2", "s-3"}
    assert {move["event"] for move in moves} == {"enter", "dwell", "exit"}
    times = [float(str(move["t"])) for move in moves]
    assert times == sorted(times)
    assert all(0 <= float(str(move["confidence"])) <= 1 for move in moves)


def test_the_same_recording_gives_the_same_bytes(shop: Path, tmp_path: Path) -> None:
    replayed(shop, tmp_path / "a.jsonl")
    replayed(shop, tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.mark.slow
def test_calibrate_learns_a_place_that_replay_then_uses(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "cal.json"
    out.write_text("the one before")
    calibrate([shop / "walk.jsonl.gz"], plan=SHOP, optins=shop / "optins.yaml", truth=[shop / "walk.truth.csv"], out=out)
    printed = capsys.readouterr().out
    assert "true zone" in printed
    assert "s of walking learned" in printed
    assert (tmp_path / "cal.v1.json").read_text() == "the one before"
    assert replayed(shop, tmp_path / "calibrated.jsonl", calibration=out) != replayed(shop, tmp_path / "plan.jsonl")


def test_broken_lines_are_counted_and_reported(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"t": 1}\nnot json\n{"t":1,"scanner":"nowhere","rssi":-60,"mfr":{"004c":""}}\n')
    with pytest.raises(CommandError, match="heard nobody who opted in"):
        replay(broken, plan=SHOP, optins=shop / "optins.yaml", moves=tmp_path / "moves.jsonl")
    assert "2 malformed lines skipped (first: line 1, 2)" in capsys.readouterr().err
    assert (tmp_path / "moves.jsonl").read_text() == ""


def test_a_file_without_any_advertisement_is_said_to_be_no_recording(shop: Path, tmp_path: Path) -> None:
    dump = tmp_path / "dump.json"
    dump.write_text('{\n  "home_assistant": {"version": "2026.11"}\n}\n')
    with pytest.raises(CommandError, match="one JSON object a line"):
        replay(dump, plan=SHOP, optins=shop / "optins.yaml", moves=tmp_path / "moves.jsonl")


def test_strangers_in_a_recording_are_nobody(shop: Path) -> None:
    recording = read_recording(shop / "walk.jsonl.gz")
    heard = list(sightings(recording, read_optins(shop / "optins.yaml"), "drugstore", Console(stderr=True)))
    assert 0 < len(heard) < recording.advertisements
    assert {s.shopper for s in heard} <= {"s-1", "s-2", "s-3"}
    assert list(faults(recording)) == []


@pytest.mark.parametrize("missing", ["plan", "optins", "recording", "calibration"])
def test_a_missing_file_stops_with_one_line_and_writes_nothing(shop: Path, tmp_path: Path, missing: str) -> None:
    nowhere = tmp_path / "nowhere.file"
    paths = {"plan": SHOP, "optins": shop / "optins.yaml", "recording": shop / "walk.jsonl.gz", missing: nowhere}
    with pytest.raises(CommandError) as refused:
        replay(
            paths["recording"],
            plan=paths["plan"],
            optins=paths["optins"],
            moves=tmp_path / "moves.jsonl",
            calibration=paths.get("calibration"),
        )
    assert str(nowhere) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "moves.jsonl").exists()


def test_a_truth_file_for_each_recording_is_asked_for(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="1 recording but 0 truth files"):
        calibrate([shop / "walk.jsonl.gz"], plan=SHOP, optins=shop / "optins.yaml", truth=[], out=tmp_path / "cal.json")


def test_a_move_s_line_says_dwell_and_the_end_of_a_visit_only_where_there_is_one() -> None:
    enter = as_line(Move(1.23456, "s-1", MoveEvent.ENTER, None, 1.0))
    assert enter == '{"t":1.235,"shopper":"s-1","event":"enter","zone":null,"confidence":1.0}\n'
    over = json.loads(as_line(Move(9.0, "s-1", MoveEvent.EXIT, "wine", 0.9, 7.5, visit_over=True)))
    assert over["dwell_s"] == 7.5
    assert over["visit_over"] is True
