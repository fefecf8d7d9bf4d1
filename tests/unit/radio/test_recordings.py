"""Recordings: what is written comes back, and what is broken is counted."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gateway.model import RSSI_MISSING_DBM, Advertisement, Measurement, Quantity
from gateway.radio.recordings import RecordingError, RecordingWriter, read_recording

PAYLOAD = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
GOOD = '{"t":1567783106.707,"scanner":"sensor22","address":"C0:00:00:00:00:01","rssi":-78,"mfr":{"004c":"0215aa"}}'
HEARD = [Advertisement(1000.125 + i, "pi-1", "C0:00:00:00:00:01", -60 - i, PAYLOAD) for i in range(5)]


@pytest.mark.parametrize("name", ["walk.jsonl", "walk.jsonl.gz"])
def test_what_is_written_comes_back_without_the_address(tmp_path: Path, name: str) -> None:
    with RecordingWriter(tmp_path / name) as writer:
        for advertisement in HEARD:
            writer.write(advertisement)
    recording = read_recording(tmp_path / name)
    assert list(recording) == [advertisement._replace(address="") for advertisement in HEARD]
    assert (writer.written, recording.advertisements, recording.malformed) == (5, 5, 0)


def test_addresses_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "walk.jsonl", with_addresses=True) as writer:
        writer.write(HEARD[0])
    assert list(read_recording(tmp_path / "walk.jsonl")) == [HEARD[0]]


def test_the_published_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(GOOD + "\n")
    assert list(read_recording(path)) == [Advertisement(1567783106.707, "sensor22", "C0:00:00:00:00:01", -78, b"\x02\x15\xaa")]


def test_distance_and_bearing_come_back_beside_a_level_or_in_its_place(tmp_path: Path) -> None:
    measured = (Measurement(Quantity.DISTANCE, 3.25, 0.5), Measurement(Quantity.BEARING, -90.0, 5.0))
    heard = [HEARD[0]._replace(address="", measured=measured), HEARD[1]._replace(address="", measured=measured[1:])]
    heard.append(heard[1]._replace(rssi_dbm=RSSI_MISSING_DBM))
    with RecordingWriter(tmp_path / "walk.jsonl") as writer:
        for advertisement in heard:
            writer.write(advertisement)
    assert list(read_recording(tmp_path / "walk.jsonl")) == heard


@pytest.mark.parametrize(
    "said",
    [
        '"distance_m":3',
        '"distance_m":-1,"distance_sd_m":1',
        '"distance_m":3,"distance_sd_m":0',
        '"distance_m":3,"distance_sd_m":1e-200',
        '"distance_m":NaN,"distance_sd_m":1',
        '"bearing_deg":3,"bearing_sd_deg":"x"',
        '"bearing_deg":999,"bearing_sd_deg":1',
    ],
)
def test_a_line_with_an_impossible_measurement_is_skipped(tmp_path: Path, said: str) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(GOOD.replace('"rssi"', f'{said},"rssi"') + "\n")
    recording = read_recording(path)
    assert list(recording) == []
    assert recording.malformed == 1


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "null",
        "{}",
        GOOD[:-5],
        GOOD.replace("-78", "-78.5"),
        GOOD.replace("-78", "true"),
        GOOD.replace("-78", "21"),
        GOOD.replace("-78", "-128"),
        GOOD.replace("0215aa", "0215a"),
        GOOD.replace("0215aa", "zz"),
        GOOD.replace("1567783106.707", "NaN"),
        GOOD.replace("1567783106.707", "1e999"),
        GOOD.replace("1567783106.707", '"soon"'),
        GOOD.replace('"sensor22"', "22"),
        GOOD.replace('"sensor22"', '""'),
        GOOD.replace('"C0:00:00:00:00:01"', "1"),
        GOOD.replace('{"004c":"0215aa"}', "[]"),
        GOOD.replace("0215aa", "00" * 3000),
        "[" * 5000,
        "\x00\x01\x02",
    ],
)
def test_a_malformed_line_is_counted_and_skipped(tmp_path: Path, line: str) -> None:
    path = tmp_path / "walk.jsonl"
    path.write_text(f"{GOOD}\n{line}\n{GOOD}\n")
    recording = read_recording(path)
    assert len(list(recording)) == 2
    assert (recording.malformed, recording.malformed_lines) == (1, [2])


@pytest.mark.parametrize(
    "line",
    [
        "\ufeff" + GOOD,
        GOOD.replace("004c", "004C"),
        GOOD.replace("004c", "0x004C"),
        GOOD.replace("004c", "4c"),
        GOOD.replace("0215aa", "02 15 AA"),
        GOOD.replace("1567783106.707", "1567783106707"),
        GOOD.replace("1567783106.707", "1567783106707.0"),
        GOOD.replace("1567783106.707", '"2019-09-06T15:18:26.707Z"'),
        GOOD.replace("1567783106.707", '"2019-09-06T17:18:26.707+02:00"'),
        GOOD.replace("1567783106.707", '"1567783106.707"'),
    ],
)
def test_a_line_in_another_dress_is_the_same_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "walk.jsonl"
    path.write_text(line + "\r\n", encoding="utf-8")
    (heard,) = read_recording(path)
    assert heard.at_s == pytest.approx(1567783106.707, abs=0.001)
    assert heard.payload == b"\x02\x15\xaa"


def test_only_the_first_few_line_numbers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl"
    path.write_text("x\n" * 100)
    recording = read_recording(path)
    assert list(recording) == []
    assert (recording.malformed, recording.malformed_lines) == (100, [1, 2, 3, 4, 5])


def test_other_companies_data_leave_an_empty_payload(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl"
    path.write_text(GOOD.replace("004c", "0059") + "\n\n")
    recording = read_recording(path)
    assert [advertisement.payload for advertisement in recording] == [b""]
    assert recording.malformed == 0


def test_progress_is_in_bytes_of_the_file_and_ends_at_its_size(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write((GOOD + "\n") * 10_000)
    recording = read_recording(path)
    seen = [recording.bytes_read for _ in recording]
    assert seen == sorted(seen)
    assert seen[0] > 0
    assert recording.bytes_read == recording.bytes_total == path.stat().st_size


def test_a_compressed_file_that_ends_too_early_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for i in range(5000):
            file.write(GOOD.replace("106.707", f"{i}.5") + "\n")
    path.write_bytes(path.read_bytes()[:-2000])
    recording = read_recording(path)
    assert 0 < len(list(recording)) < 5000
    assert recording.truncated
    assert recording.malformed >= 1


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="give the path of a recording"):
        read_recording(tmp_path / "none.jsonl")


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="can't be written"):
        RecordingWriter(path)
    assert path.read_text() == "precious"
