"""Builds the Debian packages from the hashed pins, without emulation: `make deb`.

python -m deploy.deb.build [--debian 12 13] [--arch amd64 arm64] [--out dist]

A package holds a virtual environment of its own (/usr/lib/etalage/<version>), put together from wheels for the target: nothing is
fetched or compiled when it is installed. The same checkout gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deploy.deb import licences, manual, wheels

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "files"
PYTHON_OF = {12: "3.11", 13: "3.13"}
"""Debian release to the Python it ships. Raspberry Pi OS follows Debian in both."""
SOURCES = ("gateway", "rules", "firmware_sim", "pyproject.toml", "README.md", "LICENSE")
NOT_NEEDED = (
    "bin",
    "setuptools*",
    "_distutils_hack",
    "distutils-precedence.pth",
    "numpy/**/tests",
    "numpy/_core/include",
    "**/*.pyi",
)
"""What the wheels bring that no gateway ever runs: a fifth of the package."""
DEPENDS = (
    "adduser, bluez, dbus, init-system-helpers (>= 1.52), libc6 (>= 2.28), libgcc-s1, libstdc++6, mosquitto (>= 2.0), openssl, "
    "systemd | systemd-standalone-sysusers"
)
DESCRIPTION = """in-store beacon personalization gateway
 Hears the iBeacon advertisements of shoppers who opted in, knows their zone,
 decides by the shop's own rules which offer would help here and now, promises
 it and tells the store app's backend by MQTT. Staff run it from a local web
 page. Nobody who did not opt in leaves a trace.
 .
 It is complete: all Python packages it uses are inside, at the versions it was
 tested with."""
WHY_64_BIT = (
    "32-bit systems are not served: cffi, numpy, PyYAML, dbus-fast and others publish no packages for them. "
    "Use the 64-bit Raspberry Pi OS; every Pi from the 3 on runs it."
)


@dataclass(frozen=True, slots=True)
class Target:
    """One package: for which Debian and which processor."""

    version: str
    debian: int
    arch: str

    @property
    def package_version(self) -> str:
        """Return the version as dpkg orders it: an upgrade of Debian brings the package that fits."""
        return f"{self.version}~deb{self.debian}"

    @property
    def python(self) -> str:
        """Return the Python of that Debian."""
        return PYTHON_OF[self.debian]

    @property
    def file(self) -> str:
        """Return the package's file name."""
        return f"etalage_{self.package_version}_{self.arch}.deb"


def own_version() -> str:
    """Read the version of this checkout."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def moment_of_source() -> int:
    """Return the time that the package's files bear, in seconds since 1970: that of the last commit, or SOURCE_DATE_EPOCH."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    told = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode or not told.stdout.strip():
        raise SystemExit("This is no git checkout; set SOURCE_DATE_EPOCH to the time of the release, in seconds since 1970.")
    return int(told.stdout)


def build(target: Target, out: Path, work: Path) -> Path:
    """Build one package into `out` and return its file; `work` is an empty folder. Raises SystemExit with what to do."""
    root = work / "root"
    home = root / "usr/lib/etalage" / target.package_version
    site = home / "lib" / f"python{target.python}" / "site-packages"
    site.mkdir(parents=True)
    for wheel in wheels.gathered(ROOT / "deploy/requirements.txt", target.arch, target.python):
        wheels.unpack(wheel, site)
    wheels.unpack(_own_wheel(work), site)
    licences.write(site, root / "usr/share/doc/etalage", ROOT / "LICENSE")
    for pattern in NOT_NEEDED:
        for found in list(site.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    _environment(home, target.python)
    _compile(site, target.python, root)
    _system_files(root, target, moment_of_source())
    return _packed(root, target, out)


def _own_wheel(work: Path) -> Path:
    """Build this checkout's wheel, from a copy: a build leaves folders of its own behind."""
    copy = work / "source"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(work), str(copy)]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=alone)
    (made,) = work.glob("etalage-*.whl")
    return made


def _environment(home: Path, python: str) -> None:
    """Make the unpacked wheels a virtual environment over the target's own Python, by hand: nothing of the target is run."""
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to(f"/usr/bin/python{python}")
    (home / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n")
    shutil.copy(FILES / "etalage.sh", home / "bin/etalage")


def _compile(site: Path, python: str, root: Path) -> None:
    """Compile to byte code, which depends on Python's version only; a Pi would take minutes for it at its first start."""
    command = [wheels.interpreter(python), "-I", "-m", "compileall", "-q", "-f", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    fixed = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    # Some wheels hold templates that aren't Python: what doesn't compile fails where it is imported, not here.
    subprocess.run([*command, "-s", str(root), str(site)], env=fixed, stdout=subprocess.DEVNULL, check=False)


def _system_files(root: Path, target: Target, moment: int) -> None:
    """Put units, configuration, examples and documentation where Debian has them."""
    units, share, doc = root / "usr/lib/systemd/system", root / "usr/share/etalage", root / "usr/share/doc/etalage"
    places = {
        FILES / "etalage.sysusers": root / "usr/lib/sysusers.d/etalage.conf",
        FILES / "etalage.tmpfiles": root / "usr/lib/tmpfiles.d/etalage.conf",
        FILES / "etalage-backup.service": units / "etalage-backup.service",
        FILES / "etalage-backup.timer": units / "etalage-backup.timer",
        FILES / "etalage-resume.service": units / "etalage-resume.service",
        FILES / "broker.sh": share / "broker.sh",
        FILES / "mosquitto-this-box.conf": share / "mosquitto/this-box.conf",
        ROOT / "deploy/bluetooth/bluetooth.service.d/etalage.conf": units / "bluetooth.service.d/etalage.conf",
        ROOT / "deploy/bluetooth/main.conf": share / "bluetooth/main.conf",
    }
    places |= {ROOT / "deploy" / name: share / "examples" / name for name in ("etalage.toml", "plan.yaml", "rules.yaml")}
    places |= {path: share / "mosquitto" / path.name for path in (ROOT / "deploy/mosquitto").iterdir()}
    places |= {path: doc / path.name for path in (ROOT / "docs").glob("*.md")}
    for source, place in places.items():
        _put(place, source.read_text(encoding="utf-8"), executable=source.suffix == ".sh")
    unit = (ROOT / "deploy/systemd/etalage.service").read_text(encoding="utf-8")
    unit = unit.replace("/opt/etalage/.venv/bin/etalage", "/usr/lib/etalage/current/bin/etalage")
    _put(units / "etalage.service", unit.replace("file:/opt/etalage/docs", "man:etalage(1) file:/usr/share/doc/etalage"))
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/etalage").symlink_to("../lib/etalage/current/bin/etalage")
    _put(root / "usr/share/bash-completion/completions/etalage", manual.completion())
    _zip(root / "usr/share/man/man1/etalage.1.gz", manual.page(target.version, moment))
    _zip(doc / "changelog.gz", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    _zip(doc / "changelog.Debian.gz", manual.debian_changelog(target.package_version, moment))
    _put(root / "usr/share/lintian/overrides/etalage", (FILES / "etalage.lintian-overrides").read_text(encoding="utf-8"))


def _put(place: Path, text: str, *, executable: bool = False) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    place.chmod(0o755 if executable else 0o644)


def _zip(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _packed(root: Path, target: Target, out: Path) -> Path:
    """Write the control files and pack the tree. Rights and times are set here, whatever the builder's own were."""
    for path in root.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.suffix == ".sh" or path.parent.name == "bin"
            path.chmod(0o755 if runs else 0o644)
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    size_kb = sum(path.stat().st_size // 1024 + 1 for path in files)
    control = root / "DEBIAN"
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)  # noqa: S324
    _put(control / "md5sums", sums)
    major, minor = target.python.split(".")
    _put(
        control / "control",
        f"Package: etalage\nVersion: {target.package_version}\nArchitecture: {target.arch}\n"
        "Maintainer: The Etalage developers <etalage@example.invalid>\n"
        f"Installed-Size: {size_kb}\n"
        f"Depends: python3 (>= {target.python}), python3 (<< {major}.{int(minor) + 1}), {DEPENDS}\n"
        "Recommends: avahi-daemon, systemd-timesyncd | time-daemon\nSection: net\nPriority: optional\n"
        f"Description: {DESCRIPTION}\n",
    )
    for script in ("preinst", "postinst", "prerm", "postrm"):
        text = (FILES / f"{script}.sh").read_text(encoding="utf-8").replace("@VERSION@", target.package_version)
        _put(control / script, text, executable=True)
    out.mkdir(parents=True, exist_ok=True)
    fixed = {**os.environ, "SOURCE_DATE_EPOCH": str(moment_of_source())}
    command = ["dpkg-deb", "-Zzstd", "-z9", "--root-owner-group", "--build", str(root), str(out / target.file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=fixed)
    return out / target.file


def main() -> None:
    """Build the packages that the command line names: all four, where it names none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--debian", type=int, nargs="+", choices=sorted(PYTHON_OF), default=sorted(PYTHON_OF))
    parser.add_argument("--arch", nargs="+", default=["amd64", "arm64"])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    if refused := [arch for arch in options.arch if arch not in wheels.MACHINE_OF]:
        raise SystemExit(f"{', '.join(refused)}: {WHY_64_BIT if re.match('arm|i.86', refused[0]) else 'give amd64 or arm64.'}")
    for debian in options.debian:
        for arch in options.arch:
            with tempfile.TemporaryDirectory(prefix="etalage-deb-") as work:
                made = build(Target(own_version(), debian, arch), options.out, Path(work))
            print(f"{made}: {made.stat().st_size / 1e6:.1f} MB, sha256 {hashlib.sha256(made.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
