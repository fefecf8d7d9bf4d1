"""A plan that is being drawn, judged: what is expected of its scanners, where more should go, and parts from elsewhere."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from gateway.dashboard.api import plans
from gateway.dashboard.api.plans import Admin, DrawnPlan, check_size, whole
from gateway.dashboard.languages import language_of
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.objections import said
from gateway.zones.advice import advise, propose
from gateway.zones.plan import Scanner, StorePlan, parse_plan, plan_faults
from gateway.zones.plan_folder import Document, Draft
from gateway.zones.plan_import import ImportRefused, bring, merged
from rules.texts import N_, Language, text


class Wanted(BaseModel):
    """A plan, and how many scanners more are thought of."""

    plan: Document
    count: int = Field(ge=1, le=12)


class ZoneExpected(BaseModel):
    """What is expected of a zone."""

    zone: str
    right: float = Field(description="Share of the time, 0 to 1, that somebody there is said to be there.")
    mistaken_for: str | None = Field(description="The zone said most often instead.")
    mistaken: float
    heard: bool = Field(description="False: no scanner hears this zone well enough.")


class Expected(BaseModel):
    """What is expected of a plan before anything hangs."""

    right: float = Field(description="Share of the time that the right zone is said, over all zones by their area.")
    zones: list[ZoneExpected]


class ProposedPlaces(BaseModel):
    """Proposed places for scanners, and what is expected with them."""

    places: list[tuple[float, float]]
    advice: Expected


class ToBring(BaseModel):
    """A file from elsewhere, and the plan that it is brought into."""

    text: str = Field(max_length=4_000_000)
    plan: Document


class BroughtIn(BaseModel):
    """The plan with what was brought in."""

    plan: Document
    said: str


def router(desk: PlanDesk) -> APIRouter:
    """Return all calls about the plan, and those that judge one and bring parts into it, which keep nothing."""
    routes = APIRouter(tags=["plan"], responses=RESPONSES)
    routes.include_router(plans.router(desk))

    @routes.post("/plan/advice")
    def advise_on_plan(request: Request, drawn: DrawnPlan, _caller: Admin) -> Expected:
        """Tell how well the zones of a plan can be told apart with its scanners."""
        return _expected(_usable(desk, drawn.plan, language_of(request)))

    @routes.post("/plan/places")
    def propose_places(request: Request, wanted: Wanted, _caller: Admin) -> ProposedPlaces:
        """Propose places for more scanners; takes some seconds. Those that stand are never moved."""
        somewhere: Document = {"id": "somewhere", "at": [0, 0]}
        plan = {**wanted.plan, "scanners": wanted.plan.get("scanners") or [somewhere]}
        usable = _usable(desk, plan, language_of(request))
        if not wanted.plan.get("scanners"):
            usable = usable.model_copy(update={"scanners": ()})
        try:
            places = propose(usable, wanted.count)
        except ValueError as error:
            raise Problem(422, "not_drawn", N_("Places can be proposed in drawn zones only."), N_("Draw a zone first.")) from error
        more = tuple(Scanner(id=f"proposed-{number}", at=at) for number, at in enumerate(places))
        return ProposedPlaces(places=places, advice=_expected(usable.model_copy(update={"scanners": (*usable.scanners, *more)})))

    @routes.post("/plan/import")
    def bring_into_plan(request: Request, wanted: ToBring, _caller: Admin) -> BroughtIn:
        """Add what a plan file, GeoJSON, IMDF, ESPresense configuration or CSV of scanners holds; nothing is kept yet."""
        try:
            brought = bring(wanted.text)
        except ImportRefused as refused:
            raise Problem(
                422, "not_brought", refused.message, N_("GeoJSON, IMDF, ESPresense's config.yaml, or a CSV of id, x, y, zone.")
            ) from refused
        plan = merged(wanted.plan, brought)
        check_size(plan)
        counts = {name: len(parts) for name, parts in brought.parts.items()}
        told = text(
            language_of(request), N_("{kind}: {zones} zones, {scanners} scanners, {walls} walls; {left} left out."),
            kind=brought.kind, left=brought.left_out, **{name: counts.get(name, 0) for name in ("zones", "scanners", "walls")},
        )  # fmt: skip
        return BroughtIn(plan=plan, said=told)

    return routes


def _usable(desk: PlanDesk, plan: Document, language: Language) -> StorePlan:
    """Return a plan that is right. Raises Problem."""
    check_size(plan)
    document = whole(desk, Draft(plan=plan))
    faults = plan_faults(document, language, said)
    if faults:
        raise Problem(
            422, "faulty_plan", N_("This plan can't be judged yet: {what}."), N_("Mend it, then try again."), what=faults[0].text
        )
    return parse_plan(document, "draft")


def _expected(plan: StorePlan) -> Expected:
    advice = advise(plan)
    return Expected(right=round(advice.right, 3), zones=[ZoneExpected(**asdict(zone)) for zone in advice.zones])
