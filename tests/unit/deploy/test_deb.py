"""What goes into the Debian package: pins for a machine, licences, manual page and completion, unit files."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy.deb import licences, manual
from deploy.deb.build import ROOT, WHY_64_BIT, Target
from deploy.deb.wheels import pins, unpack
from gateway.__main__ import COMMANDS

LOCK = (ROOT / "deploy/requirements.txt").read_text(encoding="utf-8")
SERVICES = [ROOT / "deploy/systemd/etalage.service", ROOT / "deploy/deb/files/etalage-backup.service"]
"""Those that run day by day. `etalage-resume.service` is root's: it runs dpkg and systemctl, after a power cut in an update."""


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_pins_of_a_machine_are_one_version_each_with_hashes(python: str) -> None:
    found = list(pins(LOCK, python))
    names = [pin.name.partition("==")[0] for pin in found]
    assert len(names) == len(set(names))
    assert {"numpy", "bleak", "dbus-fast", "iotcore"} <= set(names)
    assert not {"colorama", "pyobjc-core"} & set(names)
    assert all(pin.hashes for pin in found)


def test_no_line_of_the_lock_is_overlooked() -> None:
    everywhere = {pin.name for python in ("3.11", "3.13") for pin in pins(LOCK, python)}
    lines = {
        line.split(" ")[0] for line in LOCK.splitlines() if "==" in line and "win32" not in line and "== 'darwin' \\" not in line
    }
    assert everywhere == lines


@pytest.mark.parametrize(
    ("expression", "goes"),
    [
        ("MIT", True),
        ("EPL-2.0 OR BSD-3-Clause", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("(GPL-2.0-only OR MIT) AND ISC", True),
        ("(GPL-2.0-only OR LGPL-3.0-only) AND ISC", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("MIT AND", False),
        ("MIT nonsense", False),
        ("", False),
    ],
)
def test_a_licence_goes_when_it_leaves_a_way(expression: str, goes: bool) -> None:
    assert licences.goes(expression) is goes


def _part(site: Path, name: str, header: str) -> None:
    folder = site / f"{name}-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1\n{header}\n")
    (folder / "LICENSE").write_text(f"of {name}")


def test_every_licence_text_is_gathered_and_a_part_that_may_not_be_passed_on_is_named(tmp_path: Path) -> None:
    site, doc = tmp_path / "site", tmp_path / "doc"
    _part(site, "good", "License-Expression: MIT")
    _part(site, "old", "Classifier: License :: OSI Approved :: BSD License")
    licences.write(site, doc, ROOT / "LICENSE")
    assert (doc / "licences/good/LICENSE").read_text() == "of good"
    assert "License: BSD-3-Clause" in (doc / "copyright").read_text()
    _part(site, "bad", "License-Expression: AGPL-3.0-only")
    _part(site, "silent", "")
    with pytest.raises(licences.LicenceError, match=r"bad 1: AGPL-3.0-only\nsilent 1: says no licence"):
        licences.write(site, doc, ROOT / "LICENSE")


def test_scripts_and_headers_of_a_wheel_are_left_out_and_its_libraries_put_in_place(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("a/__init__.py", "a-1.data/scripts/a", "a-1.data/headers/a.h", "a-1.data/platlib/a/lib.so"):
            archive.writestr(name, "")
    unpack(wheel, tmp_path / "site")
    assert {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.*")} == {"a/__init__.py", "a/lib.so"}


def test_the_manual_page_and_the_completion_name_every_command() -> None:
    page, completion = manual.page("1.0", 0), manual.completion()
    for command in {*COMMANDS, "demo"}:
        assert rf"\fBetalage {command}" in page
        assert command in completion.split('"") words="')[1].split('"')[0].split()


def test_the_completion_is_bash() -> None:
    subprocess.run(["bash", "-n"], input=manual.completion(), text=True, check=True)


def test_a_newer_debian_brings_the_package_that_fits() -> None:
    older, newer, next_one = (
        target.package_version for target in (Target("1.0", 12, "arm64"), Target("1.0", 13, "arm64"), Target("1.0.1", 12, "arm64"))
    )
    for one, other in ((older, newer), (newer, next_one)):
        subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=True)


@pytest.mark.parametrize("arch", ["armhf", "i386"])
def test_a_32_bit_package_is_refused_with_the_reason(arch: str) -> None:
    command = [str(ROOT / ".venv/bin/python"), "-m", "deploy.deb.build", "--arch", arch]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, f"{arch}: {WHY_64_BIT}")


@pytest.mark.parametrize("script", sorted((ROOT / "deploy/deb/files").glob("*.sh")), ids=lambda path: path.name)
def test_the_scripts_are_plain_sh(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_every_service_may_do_little(unit: Path) -> None:
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=True
    ).stdout
    exposure = float(told.rpartition("service: ")[2].split()[0])
    assert exposure <= 2.1
