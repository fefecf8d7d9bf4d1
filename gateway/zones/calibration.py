"""What a walk through the shop taught about it: the levels that differ from the plan's physics, spot by spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from gateway.zones.place import Place
from gateway.zones.plan import StorePlan

VERSION = 1


class CalibrationError(ValueError):
    """A calibration can't be used; the text is one line."""


class Calibration(BaseModel):
    """A learned place, for one plan only."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: Annotated[int, Field(ge=VERSION, le=VERSION)] = VERSION
    plan: str
    receivers: tuple[str, ...]
    level_db: tuple[tuple[FiniteFloat, ...], ...]
    spread_db: tuple[tuple[Annotated[FiniteFloat, Field(gt=0)], ...], ...]


def load_calibration(path: Path) -> Calibration:
    try:
        return Calibration.model_validate(json.loads(path.read_text()))
    except (OSError, ValueError, ValidationError) as error:
        raise CalibrationError(f"{path}: {error}") from error


def calibrated(place: Place, plan: StorePlan, calibration: Calibration) -> Place:
    raise CalibrationError("not yet")
