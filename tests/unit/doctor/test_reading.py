"""What the kernel's files say, and what is said where they aren't there."""

from __future__ import annotations

from pathlib import Path

from gateway.doctor import reading
from gateway.doctor.judging import Adapter
from tests.support.mosquitto import free_port


def _write(sys: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (sys / name).parent.mkdir(parents=True, exist_ok=True)
        (sys / name).write_text(content)
    return sys


def test_adapters_are_read_and_connections_are_none(tmp_path: Path) -> None:
    sys = _write(
        tmp_path,
        {
            "class/bluetooth/hci0/address": "AA:BB:CC:DD:EE:FF\n",
            "class/bluetooth/hci0/rfkill0/soft": "0\n",
            "class/bluetooth/hci0:12/address": "",
            "class/bluetooth/hci1/rfkill1/soft": "1\n",
        },
    )
    assert reading.adapters(sys) == [Adapter("hci0", "aa:bb:cc:dd:ee:ff", blocked=False), Adapter("hci1", "", blocked=True)]
    assert reading.adapters(tmp_path / "nothing") == []


def test_the_worst_wear_counts_and_a_card_that_tells_none_has_none(tmp_path: Path) -> None:
    sys = _write(tmp_path, {"block/mmcblk0/device/life_time": "0x01 0x09\n", "block/mmcblk1/device/life_time": "nonsense\n"})
    assert reading.life_used(sys) == 0.9
    assert reading.life_used(tmp_path / "nothing") is None


def test_file_system_errors_add_up(tmp_path: Path) -> None:
    sys = _write(tmp_path, {"fs/ext4/mmcblk0p1/errors_count": "2\n", "fs/ext4/sda1/errors_count": "1\n", "fs/ext4/features/x": ""})
    assert reading.file_system_errors(sys) == 3


def test_a_port_where_nobody_listens_does_not_answer() -> None:
    assert not reading.page_answers(free_port())
