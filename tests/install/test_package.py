"""The package on a Debian that boots: installed, found well, upgraded by a version with a migration, removed and purged."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.deb.build import Target, build, own_version
from gateway.storage.migrate import HEAD
from tests.install.booted import boot

HERE = Path(__file__).parent
DEBIANS = [int(each) for each in os.environ.get("ETALAGE_DEBIANS", "12 13").split()]
BROKEN, NEWER, NEWER_HEAD = "98.0", "99.0", "9999"
MIGRATION = f'''"""Stands for a change of the tables."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEWER_HEAD}", "{HEAD}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table("only_in_a_test", sa.Column("id", sa.Integer(), primary_key=True))
'''
pytestmark = pytest.mark.timeout(1800)


def _newer(package: Path, debian: int, work: Path, *, broken: bool = False) -> Path:
    """Return the package as a later release would be, with a migration more; a broken one migrates and dies."""
    subprocess.run(["dpkg-deb", "-R", str(package), str(work)], check=True)
    old, new = (f"{version}~deb{debian}" for version in (own_version(), BROKEN if broken else NEWER))
    home = work / "usr/lib/etalage" / new
    (work / "usr/lib/etalage" / old).rename(home)
    (site,) = home.glob("lib/python3.*/site-packages")
    (site / "gateway/storage/migrations/versions/9999_only_in_a_test.py").write_text(MIGRATION)
    for file, was, becomes in (
        (site / "gateway/storage/migrate.py", f'HEAD = "{HEAD}"', f'HEAD = "{NEWER_HEAD}"'),
        (site / "gateway/__init__.py", f'"{own_version()}"', f'"{NEWER}"'),
    ):
        text = file.read_text()
        assert was in text
        file.write_text(text.replace(was, becomes))
        for stale in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            stale.unlink()
    if broken:  # after it has brought the tables up to date
        app, begins = site / "gateway/app.py", "    def _take_address(self) -> Listener:\n"
        assert begins in app.read_text()
        app.write_text(app.read_text().replace(begins, begins + "        raise SystemExit(1)\n"))
        for stale in (app.parent / "__pycache__").glob("app.*.pyc"):
            stale.unlink()
    for script in (work / "DEBIAN").iterdir():
        script.write_text(script.read_text().replace(old, new))
    made = work.with_suffix(".deb")
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", str(work), str(made)], check=True)
    return made


@pytest.fixture(scope="module", params=DEBIANS, ids="debian-{}".format)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the guest said."""
    debian, folder = request.param, tmp_path_factory.mktemp("package")
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "work").mkdir()
    first = build(Target(own_version(), debian, arch), folder, folder / "work")
    files = {"first.deb": first, "second.deb": _newer(first, debian, folder / "newer")}
    files["broken.deb"] = _newer(first, debian, folder / "broken", broken=True)
    said = boot(debian, HERE / "guest.sh", files)
    shutil.rmtree(folder)
    return said


def test_it_installs_and_the_claim_page_answers(found: dict[str, str]) -> None:
    assert found["install"] == "ok"
    assert found["page"] == "200 1"
    assert found["service"] == "active enabled active"
    assert found["code"] == "1"


def test_a_stock_mosquitto_lets_the_gateway_in_and_no_stranger(found: dict[str, str]) -> None:
    assert found["broker"] == "active 1"
    assert "not authorised" in found["anonymous"].lower()


def test_settings_and_secrets_are_read_by_those_who_may(found: dict[str, str]) -> None:
    assert found["rights"] == "root:etalage:640 etalage:etalage:400 etalage:etalage:700"


def test_the_nightly_backup_is_made(found: dict[str, str]) -> None:
    assert found["backup"] == "1"


def test_the_doctor_finds_nothing_broken_but_the_adapter_that_no_container_has(found: dict[str, str]) -> None:
    assert found["doctor"] == "1 adapter"


def test_the_demo_promises_offers(found: dict[str, str]) -> None:
    assert int(found["demo"].split()[0]) > 0


def test_an_upgrade_migrates_keeps_the_version_before_and_leaves_the_settings(found: dict[str, str]) -> None:
    assert found["upgrade"] == "ok"
    assert found["page-after"] == "200 1"
    assert found["migrated"] == f"{HEAD} {NEWER_HEAD}"
    assert found["kept"].startswith(own_version())
    assert found["version"] == f"etalage {NEWER}"
    assert found["settings"] == "1"


def test_a_version_that_migrates_and_dies_gives_way_to_the_one_before_with_its_data(found: dict[str, str]) -> None:
    assert found["broken"] == f"1 etalage {own_version()} {HEAD} active done"
    assert found["page-again"] == "200 1"


def test_a_roll_back_over_changed_tables_asks_first_and_takes_seconds(found: dict[str, str]) -> None:
    assert found["unwilling"] == f"1 etalage {NEWER}"
    assert found["rollback"] == f"etalage {own_version()} {HEAD} 200 1 1"


def test_remove_leaves_the_data_and_purge_leaves_nothing(found: dict[str, str]) -> None:
    assert found["remove"] == "gone /var/lib/etalage/etalage.db"
    assert found["purge"] == ""
    assert found["account"] == ""
    assert found["mosquitto"] == "active"


@pytest.mark.parametrize("debian", DEBIANS)
def test_two_builds_are_one(debian: int, tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        (tmp_path / name / "work").mkdir(parents=True)
        made.append(build(Target(own_version(), debian, "arm64"), tmp_path / name, tmp_path / name / "work").read_bytes())
    assert made[0] == made[1]
    assert len(made[0]) < 45e6
