"""The built wheel, alone in an empty environment with the pinned packages: all it needs is in it, and the demo runs from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)  # a slow disk or network may fill the environment
ROOT = Path(__file__).parents[2]
BARE = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


DATED = {**BARE, "SOURCE_DATE_EPOCH": "1795737600"}
"""A build that is to be the same again says when it was: setuptools gives the files in the wheel that date."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return built(tmp_path_factory)


def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built from a copy: a build leaves folders of its own behind."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for room in ("gateway", "rules", "firmware_sim"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)]
    subprocess.run(build, check=True, capture_output=True, cwd=out, env=DATED)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def etalage(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that has the wheel and its pinned packages and nothing of this checkout."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([ROOT / "deploy" / "make-venv.sh", sys.executable, venv], check=True, capture_output=True, env=BARE)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for what in (["--require-hashes", "-r", str(ROOT / "deploy" / "requirements.txt")], ["--no-deps", str(wheel)]):
        subprocess.run([*pip, *what], check=True, capture_output=True, env=BARE)
    return venv / "bin" / "etalage"


def test_no_test_and_no_secret_is_in_it(wheel: Path) -> None:
    inside = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in inside if not name.endswith(".dist-info")} == {"gateway", "rules", "firmware_sim"}


def test_two_builds_are_the_same_to_the_byte(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert built(tmp_path_factory).read_bytes() == wheel.read_bytes()


def test_the_demo_runs_from_it(etalage: Path, tmp_path: Path) -> None:
    command = [str(etalage), "demo", "--minutes", "0.5", "--no-browser", "--json", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=BARE, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["advertisements_heard"] > 0


def test_its_settings_rule_books_and_contract_are_in_it(etalage: Path, tmp_path: Path) -> None:
    for words in (["--version"], ["settings"], ["contract", "--folder", str(tmp_path)]):
        done = subprocess.run([etalage, *words], capture_output=True, text=True, cwd=tmp_path, env=BARE, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "asyncapi.yaml").is_file()
