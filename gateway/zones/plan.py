"""The store plan: zones, scanners, fixed beacons, walls, doors and opening hours, read from a document and checked whole.

What can be wrong with a plan stands in FAULTS, once for the command line, the API and the plan editor.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.settings import ShopSettings
from gateway.zones import geometry
from rules.local_time import Local, Spans, is_open
from rules.texts import N_, Language, text

SMALLEST_ZONE_M2 = 0.05
"""A zone below this has no area: a drawing error, not a place where somebody can stand."""
LARGEST_OVERLAP_M2 = 0.02
"""Two zones may share this much: rounding of hand-typed corners."""
DEFAULT_WALL_LOSS_DB = 3.0
"""What a shelf takes off a signal when the plan doesn't say."""

FAULTS = {
    "zone_no_area": N_("zone {id} has no area; draw at least three corners that enclose it"),
    "zone_crosses": N_("the outline of zone {id} crosses itself; list its corners in order"),
    "nowhere": N_("{id} is nowhere; give its zone, its place `at: [x, y]`, or both"),
    "id_twice": N_("id {id} is used twice; give each zone and each scanner or beacon its own"),
    "no_such_zone": N_("{id} stands in zone {zone}, which the plan doesn't have"),
    "no_such_neighbours": N_("neighbours {one} and {other}: the plan doesn't have both"),
    "overlap": N_("zones {one} and {other} overlap by {shared_m2} m²; redraw one of them"),
    "door_no_wall": N_("door {id} lies on no wall; draw it from one spot of a wall to another"),
    "no_zones": N_("the plan has no zone yet; draw one"),
    "no_scanners": N_("the plan has no scanner yet; put one where it will hang"),
}
"""What can be wrong with a plan, by code; keys of the catalogue."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class PlanError(ValueError):
    """The plan can't be used; the text is one line: file, place, what is wrong, what to do."""


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown timezone {name!r}; write one like Europe/Amsterdam") from error
    return name


def _clock_text(value: object) -> object:
    """YAML 1.1 reads an unquoted 09:30 as the number 570: turn it back."""
    return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) and 0 <= value <= 1440 else value


def _one_name_for_all(value: object) -> object:
    return {"nl": value, "en": value} if isinstance(value, str) else value


def _line_of(value: object) -> object:
    """A wall may be written as its bare line of points."""
    return {"line": value} if isinstance(value, list) else value


def _fault(code: str, **values: str) -> PydanticCustomError:
    return PydanticCustomError(code, FAULTS[code], dict(values))


PlaceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
Coordinate = Annotated[FiniteFloat, Field(ge=-10_000, le=10_000)]
At = tuple[Coordinate, Coordinate]
ClockTime = Annotated[
    str,
    BeforeValidator(_clock_text, json_schema_input_type=str | int),
    Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"),
]
Names = Annotated[dict[str, str], BeforeValidator(_one_name_for_all, json_schema_input_type=str | dict[str, str])]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Zone(_Part):
    """A named part of the shop. Without `polygon` it is where its scanners are nearest."""

    id: PlaceId
    name: Names = Field(default_factory=dict)
    polygon: tuple[At, ...] | None = None

    def called(self, language: str) -> str:
        """Return the zone's name in a language, else in any language, else its id."""
        return self.name.get(language) or next(iter(self.name.values()), self.id)

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if self.polygon is None:
            return self
        if len(self.polygon) < 3 or geometry.area_m2(self.polygon) < SMALLEST_ZONE_M2:
            raise _fault("zone_no_area", id=self.id)
        if geometry.crosses_itself(self.polygon):
            raise _fault("zone_crosses", id=self.id)
        return self


class _Placed(_Part):
    id: PlaceId
    zone: str | None = None
    at: At | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.zone is None and self.at is None:
            raise _fault("nowhere", id=self.id)
        return self


class Scanner(_Placed):
    """A scanner with its zone, its place in metres, or both."""


class FixedBeacon(_Placed):
    """A beacon that hangs in the shop and is heard by shoppers' phones: the tracker takes it for a scanner at its place."""

    uuid: str | None = None
    major: int | None = Field(default=None, ge=0, le=0xFFFF)
    minor: int | None = Field(default=None, ge=0, le=0xFFFF)


class Wall(_Part):
    """A wall or shelf: a line of points that people walk around and signals lose `loss_db` through."""

    line: tuple[At, ...] = Field(min_length=2)
    loss_db: float = Field(default=DEFAULT_WALL_LOSS_DB, ge=0, le=60)

    def pieces(self) -> Iterator[tuple[At, At]]:
        """Yield its straight pieces."""
        return pairwise(self.line)


class Door(_Part):
    """An opening in a wall: people pass, and signals lose nothing."""

    line: tuple[At, At]


class Hours(_Part):
    """Opening hours of one day, in the shop's timezone; hours that end before they begin run past midnight."""

    opens: ClockTime
    closes: ClockTime

    @property
    def span(self) -> tuple[int, int]:
        """Return both as minutes since local midnight."""
        return _minutes(self.opens), _minutes(self.closes)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.opens == self.closes:
            raise ValueError(f"opens and closes at {self.opens}; write 00:00 and 24:00 for all day, null for closed")
        return self


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _some_day_opens(hours: dict[Day, Hours | None]) -> dict[Day, Hours | None]:
    """A day that isn't listed is closed, so hours of nothing but closed days would close the shop for good."""
    if hours and not any(hours.values()):
        raise ValueError("no day has opening hours; a day that isn't listed is closed, so list those on which the shop opens")
    return hours


def _hours_pair(value: object) -> object:
    return {"opens": value[0], "closes": value[1]} if isinstance(value, list) and len(value) == 2 else value


DayHours = Annotated[Hours | None, BeforeValidator(_hours_pair, json_schema_input_type=Hours | tuple[ClockTime, ClockTime] | None)]
"""Hours of one day, also written as a pair; None: closed."""


class StorePlan(_Part):
    """All that is fixed about a shop: zones, scanners, beacons, walls, hours."""

    store: str
    zones: tuple[Zone, ...] = Field(min_length=1)
    scanners: tuple[Scanner, ...] = Field(min_length=1)
    beacons: tuple[FixedBeacon, ...] = ()
    walls: tuple[Annotated[Wall, BeforeValidator(_line_of, json_schema_input_type=Wall | list[At])], ...] = ()
    doors: tuple[Annotated[Door, BeforeValidator(_line_of, json_schema_input_type=Door | list[At])], ...] = ()
    neighbours: tuple[tuple[str, str], ...] | None = None
    """Pairs of zones one can walk between directly; None: taken from the drawing."""
    hours: Annotated[dict[Day, DayHours], AfterValidator(_some_day_opens)] = Field(default_factory=dict)
    """By day; none at all: nothing is known of them. Once any are given, a day that isn't listed is closed."""
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Europe/Amsterdam"
    floor: int | str | None = None
    picture: str | None = None
    picture_box: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    """Where the picture lies: its left, lower, right and upper edge in metres."""

    @property
    def zone_ids(self) -> tuple[str, ...]:
        """Return the zones' ids in the plan's order."""
        return tuple(zone.id for zone in self.zones)

    @property
    def anchors(self) -> tuple[_Placed, ...]:
        """Return everything a sighting can name, the scanners and then the fixed beacons."""
        return (*self.scanners, *self.beacons)

    def barriers(self) -> list[tuple[At, At, float]]:
        """Return the straight pieces of all walls with the dB each takes off, without what the doors leave open."""
        doors = [door.line for door in self.doors]
        return [(*part, wall.loss_db) for wall in self.walls for piece in wall.pieces() for part in geometry.opened(*piece, doors)]

    def open_at(self, at_s: float) -> bool | None:
        """Tell whether the shop is open at a moment (epoch seconds), by its own local time; None: no hours are given."""
        if not self.hours:
            return None
        spans: dict[str, Spans] = {day: (hours.span,) for day, hours in self.hours.items() if hours is not None}
        return is_open(spans, Local(at_s, ZoneInfo(self.timezone)))

    def fingerprint(self) -> str:
        """Return a hash over what a calibration depends on: zones, scanners, walls and doors, not names or hours."""
        what = self.model_dump_json(
            include={"zones": {"__all__": {"id", "polygon"}}, "scanners": True, "beacons": True, "walls": True}
        )
        doors = self.model_dump_json(include={"doors"}) if self.doors else ""  # plans without one keep the hash they had
        return hashlib.sha256((what + doors).encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Self:
        """Raise the first fault between parts; with a list as context, put them all there."""
        for fault in self._misfits():
            if not isinstance(info.context, list):
                raise fault
            info.context.append(fault)
        return self

    def _misfits(self) -> Iterator[PydanticCustomError]:
        for parts in (self.zones, self.anchors):
            for name in (name for name, times in Counter(part.id for part in parts).items() if times > 1):
                yield _fault("id_twice", id=name)
        known = set(self.zone_ids)
        for part in self.anchors:
            if part.zone is not None and part.zone not in known:
                yield _fault("no_such_zone", id=part.id, zone=part.zone)
        for pair in self.neighbours or ():
            if not known.issuperset(pair):
                yield _fault("no_such_neighbours", one=pair[0], other=pair[1])
        pieces = [piece for wall in self.walls for piece in wall.pieces()]
        for number, door in enumerate(self.doors, start=1):
            if not any(geometry.lies_on(door.line, piece) for piece in pieces):
                yield _fault("door_no_wall", id=str(number))
        for one, other in combinations([zone for zone in self.zones if zone.polygon], 2):
            shared_m2 = geometry.shared_area_m2(one.polygon or (), other.polygon or ())
            if shared_m2 > LARGEST_OVERLAP_M2:
                yield _fault("overlap", one=one.id, other=other.id, shared_m2=f"{shared_m2:.2f}")


class PlanFault(BaseModel):
    """One thing that keeps a plan from being put to work."""

    code: str
    path: str = Field(description="Where, as in `zones[2].polygon`; empty for what lies between parts.")
    ids: list[str] = Field(description="The parts it concerns.")
    text: str


Say = Callable[[Mapping[str, object], Language], str]
"""Says one of pydantic's own faults in a language."""


def plan_faults(document: Mapping[str, object], language: Language, say: Say) -> list[PlanFault]:
    """Return everything that is wrong with a plan that is still being drawn, in a reader's language; empty: it can be used."""
    missing = [name for name in ("zones", "scanners") if not document.get(name)]
    found = [PlanFault(code=f"no_{name}", path=name, ids=[], text=text(language, FAULTS[f"no_{name}"])) for name in missing]
    between: list[PydanticCustomError] = []
    try:
        StorePlan.model_validate(document, context=between)
    except ValidationError as error:
        # Pydantic counts faulty zones out, and then misses them: a list that is faulty or empty was told already.
        found += [_told(one, language, say) for one in error.errors() if one["loc"] not in (("zones",), ("scanners",))]
    misfits: list[ErrorDetails] = [
        {"type": one.type, "loc": (), "msg": one.message(), "input": None, "ctx": one.context or {}} for one in between
    ]
    return found + [_told(one, language, say) for one in misfits]


def _told(fault: ErrorDetails, language: Language, say: Say) -> PlanFault:
    code, values = fault["type"], {name: str(value) for name, value in fault.get("ctx", {}).items()}
    said = text(language, FAULTS[code], **values) if code in FAULTS else say(fault, language)
    ids = [values[name] for name in ("id", "one", "other") if name in values and code != "door_no_wall"]
    return PlanFault(code=code, path=_place(fault["loc"]), ids=ids, text=said)


def _place(steps: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def load_plan(path: Path | str) -> StorePlan:
    """Read and check a `plan.yaml`. Raises PlanError with one line that names file and place."""
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path}: can't be read ({error.strerror}); give the path of a plan.yaml") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise PlanError(f"{path}{line}: is not YAML ({getattr(error, 'problem', None) or 'unreadable'})") from error
    return parse_plan(document, str(path))


def with_shop(plan: StorePlan, shop: ShopSettings) -> StorePlan:
    """Return the plan with what the shop's settings say of name, time zone and hours. Raises PlanError."""
    said = {"store": shop.name, "timezone": shop.timezone, "hours": {day: list(hours) for day, hours in shop.hours.items()}}
    said = {name: value for name, value in said.items() if value}
    return parse_plan({**plan.model_dump(mode="json"), **said}, "[shop] of the settings") if said else plan


def parse_plan(document: object, source: str = "plan") -> StorePlan:
    """Check a plan that is already parsed (YAML or JSON). Raises PlanError with one line."""
    if not isinstance(document, dict):
        raise PlanError(f"{source}: a plan is a mapping with store, zones and scanners")
    try:
        return StorePlan.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place, what = _place(first["loc"]), first["msg"].removeprefix("Value error, ")
        raise PlanError(f"{source}: {place + ': ' if place else ''}{what}") from error
