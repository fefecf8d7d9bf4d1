"""The pinned wheels for another machine than this one: chosen by its markers, fetched by pip, checked by hash, unpacked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

MACHINE_OF = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of a processor to that in a wheel's file name."""
PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_26", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34")
"""What Debian 12's C library (2.36) can load."""
_PIN = re.compile(
    r"^(?P<pin>[\w.-]+==[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\\n(?P<hashes>(?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of the lock: a package at a version, and the hashes its files may have."""

    name: str
    hashes: frozenset[str]
    """sha256, in hex."""


def pins(lock: str, python: str) -> Iterator[Pin]:
    """Yield what a lock wants on Linux with that Python."""
    world = {
        "sys_platform": "linux",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
    }
    for found in _PIN.finditer(lock):
        if found["marker"] is None or Marker(found["marker"]).evaluate(world):
            yield Pin(found["pin"], frozenset(re.findall("sha256:([0-9a-f]{64})", found["hashes"])))


def gathered(lock: Path, arch: str, python: str) -> list[Path]:
    """Return one wheel for each pin, in order of name, fetching what isn't there yet. Raises SystemExit."""
    wanted = list(pins(lock.read_text(encoding="utf-8"), python))
    folder = cache() / "wheels" / f"{arch}-{python}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := _matched(wanted, folder)):
        _fetch(wanted, arch, python, folder)
        found = _matched(wanted, folder)
    if not found:
        raise SystemExit(f"{folder}: holds other files than the lock names; remove that folder and build again")
    return found


def _matched(wanted: list[Pin], folder: Path) -> list[Path] | None:
    """Return the files that the pins allow, or None where one lacks."""
    by_hash = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in sorted(folder.glob("*.whl"))}
    found = [next((by_hash[digest] for digest in sorted(pin.hashes) if digest in by_hash), None) for pin in wanted]
    return sorted(path for path in found if path is not None) if None not in found else None


def _fetch(wanted: list[Pin], arch: str, python: str, folder: Path) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_{MACHINE_OF[arch]}")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lines:
        for pin in wanted:
            lines.write(" ".join([pin.name, *(f"--hash=sha256:{digest}" for digest in sorted(pin.hashes))]) + "\n")
        lines.flush()
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--python-version", python, *platforms, "-d", str(folder), "-r", lines.name]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("The wheels can't be fetched; see pip's lines above. Building needs the network once.")


def unpack(wheel: Path, site: Path) -> None:
    """Unpack a wheel; scripts and headers it brings for a virtual environment are left out."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            first, _, rest = entry.filename.partition("/")
            kind, _, inner = rest.partition("/")
            if not first.endswith(".data"):
                archive.extract(entry, site)
            elif kind in ("purelib", "platlib") and not entry.is_dir():
                (site / inner).parent.mkdir(parents=True, exist_ok=True)
                (site / inner).write_bytes(archive.read(entry))


def interpreter(python: str) -> str:
    """Return a Python of exactly that release, from the path or from pyenv: byte code fits no other. Raises SystemExit."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in (shutil.which(f"python{python}"), *sorted(str(path) for path in pyenv.glob(f"{python}.*/bin/python{python}"))):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    raise SystemExit(
        f"There is no python{python} here, which the byte code for that Debian needs. Install it, or name one Debian only."
    )


def cache() -> Path:
    """Return where what can be fetched or made again is kept: outside the checkout, so that the next one has it too."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "etalage"
