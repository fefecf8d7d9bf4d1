"""The store plan: what is in force, the draft that is being drawn, versions, pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.languages import language_of
from gateway.dashboard.moments import twin_of
from gateway.dashboard.pictures import picture_of
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.objections import said
from gateway.storage import Connection, audit
from gateway.storage.users import Role
from gateway.zones.plan import PlanError, PlanFault, StorePlan, parse_plan, plan_faults
from gateway.zones.plan_folder import Document, Draft, DraftMoved, PlanVersion, checked
from gateway.zones.plan_in_force import PlanSource
from rules.texts import N_, Language


async def reporting(request: Request) -> list[str]:
    """Return the scanners that report; in the loop's thread, as the view wants it."""
    desk: PlanDesk = request.app.state.plan_desk
    return [scanner.scanner for scanner in desk.view.health().scanners]


Reporting = Annotated[list[str], Depends(reporting)]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
IfMatch = Annotated[str | None, Header(max_length=80, description="The draft's ETag: what the change was made on.")]
PARTS_MAX = 150
"""Zones, scanners, walls … of each. Twice what the largest shop known has; every pair of zones is compared."""
CORNERS_MAX = 100


class PlanNow(BaseModel):
    """The plan in force."""

    source: PlanSource = Field(description="`file`: named in the settings; `dashboard`: drawn there; `none`: nobody drew one yet.")
    plan: StorePlan
    version: int | None = Field(description="Of a drawn one.")
    calibrated: bool
    misfit: str = Field(description="Why a calibration that is there isn't used; empty where it is.")


class DraftNow(BaseModel):
    """What is being drawn, and what is wrong with it."""

    plan: Document
    who: str
    at_s: float
    faults: list[PlanFault] = Field(description="What keeps it from being put to work; none: nothing does.")
    fits_calibration: bool | None = Field(description="Whether the calibration of now still goes with it; null: there is none.")
    unplaced: list[str] = Field(description="Scanners that report, but don't stand in it.")
    at: ClassVar = twin_of("at_s")


class DrawnPlan(BaseModel):
    """A plan as it is drawn."""

    plan: Document


class VersionRow(BaseModel):
    """A plan that was put to work."""

    number: int
    at_s: float
    who: str
    zones: int
    scanners: int
    at: ClassVar = twin_of("at_s")


class Uploaded(BaseModel):
    """A picture that was kept."""

    name: str
    width_px: int
    height_px: int


def router(desk: PlanDesk) -> APIRouter:
    """Return the calls about the plan."""
    routes = APIRouter(tags=["plan"], responses=RESPONSES)
    _reading(routes, desk)
    _drawing(routes, desk)
    _pictures(routes, desk)
    return routes


def _reading(routes: APIRouter, desk: PlanDesk) -> None:
    @routes.get("/plan", dependencies=[Depends(require(Role.VIEWER))])
    def get_plan() -> PlanNow:
        """Return the plan that the readings of now go by."""
        plan, source, calibration, misfit = desk.in_force
        version = _newest(desk).number if source == "dashboard" else None
        return PlanNow(source=source, plan=plan, version=version, calibrated=calibration is not None, misfit=misfit)

    @routes.get("/plan/versions", dependencies=[Depends(require(Role.ADMIN))])
    def list_plan_versions() -> list[VersionRow]:
        """List the plans that were drawn and put to work, newest first."""
        return [version_row(version) for version in desk.folder.versions()]

    @routes.post("/plan/versions/{number}/live")
    def put_plan_version_to_work(request: Request, number: Annotated[int, Path(ge=1, le=10**6)], caller: Admin) -> VersionRow:
        """Go back to a plan of before: it becomes the newest version."""
        found = next((version for version in desk.folder.versions() if version.number == number), None)
        if found is None:
            raise Problem(404, "no_such_version", N_("There is no such version of the plan."), N_("GET /plan/versions lists them."))
        return version_row(put_to_work(desk, checked(found), caller.name))


def _drawing(routes: APIRouter, desk: PlanDesk) -> None:
    @routes.get("/plan/draft")
    def get_plan_draft(request: Request, response: Response, reports: Reporting, _caller: Admin) -> DraftNow:
        """Return what is being drawn, its faults, and its ETag."""
        draft = desk.folder.draft()
        response.headers["ETag"] = f'"{draft.tag}"'
        return draft_now(desk, draft, language_of(request), reports)

    @routes.put("/plan/draft")
    def save_plan_draft(
        request: Request, response: Response, drawn: DrawnPlan, reports: Reporting, caller: Admin, if_match: IfMatch = None
    ) -> DraftNow:
        """Keep what was drawn, faulty or not; live readings go on with the plan in force."""
        check_drawable(desk)
        check_size(drawn.plan)
        try:
            draft = desk.folder.save_draft(drawn.plan, (if_match or "").strip('"'), caller.name, desk.now_s())
        except DraftMoved as moved:
            raise Problem(
                412 if if_match else 428, "draft_moved", N_("{who} saved this plan meanwhile."),
                N_("Load it again, or send it once more with the ETag of now."), who=moved.who or "etalage",
            ) from moved  # fmt: skip
        except OSError as error:
            raise _not_kept(error) from error
        response.headers["ETag"] = f'"{draft.tag}"'
        return draft_now(desk, draft, language_of(request), reports)

    @routes.post("/plan/live")
    def put_plan_to_work(request: Request, caller: Admin, if_match: IfMatch = None) -> VersionRow:
        """Put the draft to work: visits end, and the gateway starts anew with it within seconds."""
        check_drawable(desk)
        draft = desk.folder.draft()
        if draft.tag != (if_match or "").strip('"'):
            raise Problem(
                412, "draft_moved", N_("{who} saved this plan meanwhile."), N_("Look at it, then put it to work."), who=draft.who
            )
        document = whole(desk, draft)
        faults = plan_faults(document, language_of(request), said)
        if faults:
            raise Problem(
                422,
                "faulty_plan",
                N_("This plan can't be put to work: {what}."),
                N_("Mend it, then try again."),
                what=faults[0].text,
            )
        return version_row(put_to_work(desk, parse_plan(document, "draft"), caller.name))


def _pictures(routes: APIRouter, desk: PlanDesk) -> None:
    @routes.post("/plan/pictures", status_code=201)
    async def upload_plan_picture(request: Request, _caller: Admin) -> Uploaded:
        """Keep a picture to draw over: the body is the PNG or JPEG itself."""
        check_drawable(desk)
        content = await request.body()
        found = picture_of(content)
        if found is None:
            raise Problem(415, "no_picture", N_("Only PNG or JPEG, up to 20 MB."), N_("Save the plan as one of these first."))
        if not found.fits:
            raise Problem(
                422, "picture_size", N_("This picture is {width} by {height} pixels; no browser could draw it."),
                N_("Make it at most 10,000 on a side, and 50 million in all."), width=found.width_px, height=found.height_px,
            )  # fmt: skip
        try:
            name = desk.folder.save_picture(content, found.ending)
        except OSError as error:
            raise _not_kept(error) from error
        return Uploaded(name=name, width_px=found.width_px, height_px=found.height_px)

    @routes.get("/plan/pictures/{name}", dependencies=[Depends(require(Role.VIEWER))], response_class=FileResponse)
    def get_plan_picture(name: Annotated[str, Path(max_length=64)]) -> FileResponse:
        """Return a picture that was uploaded."""
        path = desk.folder.picture(name)
        if path is None:
            raise Problem(404, "no_such_picture", N_("There is no such picture."), N_("Upload it again."))
        kind = "image/png" if path.suffix == ".png" else "image/jpeg"
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=31536000, immutable"})


def put_to_work(desk: PlanDesk, plan: StorePlan, who: str) -> PlanVersion:
    """Keep a plan as the newest version, write down who did it, and have the gateway take it up. Raises Problem."""
    check_drawable(desk)
    misfit = desk.misfit_of_books(plan.zone_ids)
    if misfit is not None:
        raise Problem(
            409, "book_misfit", N_("A live rule book doesn't go with this plan: {why}."),
            N_("Change that book first, or keep the zone in the plan."), why=misfit,
        )  # fmt: skip
    try:
        version = desk.folder.put_to_work(plan, who, desk.now_s())
    except OSError as error:
        raise _not_kept(error) from error

    def note(connection: Connection) -> None:
        audit.note(connection, desk.now_s(), who, "put_plan_to_work", str(version.number))

    desk.store.writer.submit(note)
    desk.renew()
    return version


def check_drawable(desk: PlanDesk) -> None:
    """Raise Problem where the settings' file is the truth."""
    if desk.from_file:
        raise Problem(
            409, "plan_in_file", N_("This plan stands in a file that the settings name."),
            N_("Change it there; or take `plan` out of the settings, and bring the file in with `etalage plan import`."),
        )  # fmt: skip


def check_size(plan: Document) -> None:
    """Raise Problem for a plan beyond what is checked in the time of one call."""
    for name, parts in plan.items():
        shapes = parts if isinstance(parts, list) else []
        longest = max((len(line) for part in shapes for line in _lines(part)), default=0)
        if len(shapes) > PARTS_MAX or longest > CORNERS_MAX:
            raise Problem(
                422, "too_many_parts", N_("This plan has too many {name}."), N_("At most {most}, of {corners} corners each."),
                name=name, most=PARTS_MAX, corners=CORNERS_MAX,
            )  # fmt: skip


def _lines(part: object) -> list[list[object]]:
    inside = part.values() if isinstance(part, dict) else [part]
    return [line for line in inside if isinstance(line, list)]


def version_row(version: PlanVersion) -> VersionRow:
    """Return a version without its plan."""
    zones, scanners = (version.plan.get(name) for name in ("zones", "scanners"))
    counts = [len(parts) if isinstance(parts, list) else 0 for parts in (zones, scanners)]
    return VersionRow(number=version.number, at_s=version.at_s, who=version.who, zones=counts[0], scanners=counts[1])


def _newest(desk: PlanDesk) -> PlanVersion:
    newest = desk.folder.newest()
    if newest is None:
        raise PlanError("the plan in force is gone from its folder")
    return newest


def whole(desk: PlanDesk, draft: Draft) -> Document:
    """Return a draft's plan with what the plan in force says of the shop itself, where nothing else was said."""
    kept = desk.in_force.plan.model_dump(mode="json", include={"store", "hours", "timezone"}, exclude_defaults=True)
    return kept | draft.plan


def draft_now(desk: PlanDesk, draft: Draft, language: Language, reports: Iterable[str]) -> DraftNow:
    """Return a draft with what is to be said of it."""
    document = whole(desk, draft)
    faults = plan_faults(document, language, said)
    calibration = desk.in_force.calibration
    fits = None
    if calibration is not None:
        fits = not faults and parse_plan(document).fingerprint() == calibration.plan
    scanners = draft.plan.get("scanners")
    placed = {part.get("id") for part in scanners if isinstance(part, dict)} if isinstance(scanners, list) else set()
    unplaced = [scanner for scanner in reports if scanner not in placed]
    return DraftNow(
        plan=draft.plan, who=draft.who, at_s=draft.at_s, faults=faults, fits_calibration=fits, unplaced=unplaced[:PARTS_MAX]
    )


def _not_kept(error: OSError) -> Problem:
    return Problem(
        507,
        "not_kept",
        N_("This couldn't be kept on the box ({why})."),
        N_("See whether its disk is full."),
        why=error.strerror or "?",
    )
