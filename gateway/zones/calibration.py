"""Keeps what walks through the shop taught: levels that differ from the plan's path loss, state by state.

A calibration belongs to one plan and says so by the plan's fingerprint. It is a JSON file; writing over one keeps the old one
beside it (`cal.v1.json`, `cal.v2.json`), so that a worse walk can be taken back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from gateway.private_files import SHARED, open_to_write
from gateway.zones.place_model import PlaceModel
from gateway.zones.plan import StorePlan

VERSION = 2
LARGEST_FILE_BYTES = 20_000_000
"""A plan of 240 cells and 100 scanners takes half a MB."""

Row = tuple[Annotated[FiniteFloat, Field(ge=-100, le=100)], ...]
Spread = tuple[Annotated[FiniteFloat, Field(gt=0, le=100)], ...]


class CalibrationError(ValueError):
    """A calibration can't be used, or can't be learned; the text is one line: file, what is wrong, what to do."""


class Calibration(BaseModel):
    """A learned place, for one plan only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=VERSION, le=VERSION)] = VERSION
    plan: str
    """Fingerprint of the plan it was learned with."""
    walked_s: float = Field(ge=0)
    """Seconds of walking with known zones behind it."""
    learned_until_s: float
    """Time of the last reading that went in."""
    trust: float = Field(ge=0, le=1)
    """How far the walks were followed: 0 where the plan alone did as well on walks that were left out."""
    walked: tuple[str, ...] = ()
    """Zones without a scanner of their own that were walked."""
    scanners: tuple[str, ...]
    level_db: tuple[Row, ...]
    """Per state: level at each scanner above the plan's path loss, dB."""
    spread_db: tuple[Spread, ...]
    """Per state: how far each level may still be off, dB."""

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        widths = {len(row) for row in (*self.level_db, *self.spread_db)}
        if widths != {len(self.scanners)} or len(self.level_db) != len(self.spread_db):
            raise ValueError("its rows don't fit its scanners")
        return self


def load_calibration(path: Path) -> Calibration:
    """Read a calibration. Raises CalibrationError."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise CalibrationError(f"{path}: larger than {LARGEST_FILE_BYTES // 1_000_000} MB; is this a calibration?")
        return Calibration.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CalibrationError(f"{path}: can't be read ({error.strerror}); give a file made by `etalage calibrate`") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        text = f"{place}: {first['msg']}" if place else first["msg"]
        raise CalibrationError(f"{path}: no calibration of this version ({text}); run `etalage calibrate` again") from error
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"{path}: is not JSON; give a file made by `etalage calibrate`") from error


def save_calibration(calibration: Calibration, path: Path) -> Path | None:
    """Write a calibration; returns where the one it replaces is kept. Raises CalibrationError."""
    fresh, kept = path.with_name(f"{path.name}.new"), None
    try:
        with open_to_write(fresh, SHARED) as file:
            file.write(f"{calibration.model_dump_json()}\n".encode())
        if path.exists():
            kept = _free_version(path)
            path.rename(kept)
        fresh.rename(path)
    except OSError as error:
        raise CalibrationError(f"{path}: can't be written ({error.strerror}); name a file in an existing folder") from error
    return kept


def _free_version(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.v{number}{path.suffix}")).exists():
        number += 1
    return kept


def calibrated(place: PlaceModel, plan: StorePlan, calibration: Calibration) -> PlaceModel:
    """Return the place with the learned levels on top of the plan's. Raises CalibrationError when it is another plan's."""
    shape = (len(calibration.level_db), len(calibration.scanners))
    if calibration.plan != plan.fingerprint() or shape != place.level_dbm.shape:
        raise CalibrationError(
            f"this calibration was made for another plan than {plan.store}'s (zones, scanners or walls differ); walk again"
        )
    level_dbm = place.level_dbm + np.asarray(calibration.level_db)
    return replace(
        place,
        zones_of_scanner=_answered(place, level_dbm, calibration.walked),
        level_dbm=level_dbm,
        spread_db=np.asarray(calibration.spread_db, dtype=float),
    )


def _answered(place: PlaceModel, level_dbm: NDArray[np.float64], walked: Sequence[str]) -> tuple[frozenset[int], ...]:
    """Return each scanner's zones; a walked zone without a scanner of its own is answered for by the one that hears it best."""
    answers = [set(zones) for zones in place.zones_of_scanner]
    for zone in walked:
        states = place.zone_of_state == place.zones.index(zone)
        if states.any() and not any(place.zones.index(zone) in zones for zones in answers):
            answers[int(level_dbm[states].mean(0).argmax())].add(place.zones.index(zone))
    return tuple(map(frozenset, answers))
