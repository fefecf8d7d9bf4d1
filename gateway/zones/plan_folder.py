"""Keeps the plan that is drawn in the dashboard, in a folder beside the database: the draft, the versions put to work, pictures.

    draft.json          what is being drawn, faulty or not
    v1.json, v2.json …  what was put to work; the highest is in force, and going back makes a new one
    picture-….png|jpg   what is drawn over, by the hash of its bytes
    calibration.json    what a walk taught, with the ones before it beside it

Each file is written whole beside its place and then put there: a full disk or a power cut leaves what was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from gateway.zones.plan import PlanError, StorePlan, parse_plan

Document = dict[str, JsonValue]
"""A plan as it is drawn: perhaps not usable yet."""
VERSIONS_KEPT = 50
"""So many plans can be gone back to; a shop is rebuilt a few times a year."""
_VERSION = re.compile(r"^v(\d+)\.json$")


class PlanVersion(BaseModel):
    """A plan that was put to work."""

    model_config = ConfigDict(frozen=True)

    number: int
    at_s: float
    who: str
    plan: Document = Field(repr=False)


class DraftMoved(Exception):
    """Somebody else saved the draft since it was read."""

    def __init__(self, who: str, at_s: float) -> None:
        super().__init__("the draft was saved by somebody else")
        self.who, self.at_s = who, at_s


class Draft(BaseModel):
    """What is being drawn."""

    model_config = ConfigDict(frozen=True)

    plan: Document
    who: str = ""
    at_s: float = 0.0

    @property
    def tag(self) -> str:
        """Return what tells this draft from the ones before it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class PlanFolder:
    """The plans of one box. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @property
    def calibration(self) -> Path:
        """Return where what a walk taught is kept."""
        return self._path / "calibration.json"

    def draft(self) -> Draft:
        """Return the draft; where there is none, the plan in force; where there is none of those, an empty one."""
        try:
            return Draft.model_validate_json(self._read("draft.json"))
        except (FileNotFoundError, ValidationError):  # one that a fault of the disk made unreadable is no draft
            newest = self.newest()
            return Draft(plan={}) if newest is None else Draft(plan=newest.plan, who=newest.who, at_s=newest.at_s)

    def save_draft(self, plan: Document, tag: str, who: str, at_s: float) -> Draft:
        """Keep what was drawn on the draft that is known by `tag`. Raises DraftMoved, OSError."""
        with self._lock:
            kept = self.draft()
            if kept.tag != tag:
                raise DraftMoved(kept.who, kept.at_s)
            if kept.plan == plan:
                return kept
            draft = Draft(plan=plan, who=who, at_s=at_s)
            self._write("draft.json", draft.model_dump_json().encode())
            return draft

    def versions(self) -> list[PlanVersion]:
        """Return what was put to work, newest first."""
        return [self._version(number) for number in reversed(self._numbers())]

    def newest(self) -> PlanVersion | None:
        """Return the version in force."""
        numbers = self._numbers()
        return self._version(numbers[-1]) if numbers else None

    def put_to_work(self, plan: StorePlan, who: str, at_s: float) -> PlanVersion:
        """Make a checked plan the one in force, and the draft that drawing goes on from. Raises OSError."""
        document: Document = json.loads(plan.model_dump_json(exclude_defaults=True))
        with self._lock:
            numbers = self._numbers()
            version = PlanVersion(number=1 + max(numbers, default=0), at_s=at_s, who=who, plan=document)
            self._write(f"v{version.number}.json", version.model_dump_json().encode())
            self._write("draft.json", Draft(plan=document, who=who, at_s=at_s).model_dump_json().encode())
            for number in numbers[: -VERSIONS_KEPT + 1]:
                (self._path / f"v{number}.json").unlink(missing_ok=True)
        return version

    def save_picture(self, content: bytes, ending: str) -> str:
        """Keep a picture; returns its name. Raises OSError."""
        name = f"picture-{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        self._write(name, content)
        return name

    def picture(self, name: str) -> Path | None:
        """Return where a picture of ours is; None for any other name."""
        path = self._path / name
        return path if re.fullmatch(r"picture-[0-9a-f]{16}\.(png|jpg)", name) and path.is_file() else None

    def _numbers(self) -> list[int]:
        names = os.listdir(self._path) if self._path.is_dir() else []
        return sorted(int(match[1]) for match in map(_VERSION.match, names) if match)

    def _version(self, number: int) -> PlanVersion:
        path = self._path / f"v{number}.json"
        try:
            return PlanVersion.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise PlanError(f"{path}: can't be read; remove it, and the plan before it is in force again") from error

    def _read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path / f"{name}.new"
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path / name)
        finally:
            fresh.unlink(missing_ok=True)


def checked(version: PlanVersion) -> StorePlan:
    """Return the plan of a version. Raises PlanError."""
    return parse_plan(version.plan, f"version {version.number} of the plan")
