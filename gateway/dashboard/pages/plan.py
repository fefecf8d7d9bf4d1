"""The pages about the plan: what is in use with its versions, and the editor."""

from __future__ import annotations

import json
from typing import Annotated

import yaml
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.api.plans import Admin, Reporting, draft_now, put_to_work, version_row, whole
from gateway.dashboard.drawing import draw, level
from gateway.dashboard.languages import language_of
from gateway.dashboard.naming import scanner_name
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.sentences import local_moment
from gateway.dashboard.view import View
from gateway.storage.users import Role
from gateway.zones.plan_folder import checked
from gateway.zones.plan_in_force import PlanSource
from rules.texts import N_, Language, text, unfilled

TOOLS = (
    ("select", N_("Select"), "v"),
    ("zones", N_("Zone"), "z"),
    ("walls", N_("Wall"), "w"),
    ("doors", N_("Door"), "d"),
    ("scanners", N_("Scanner"), "s"),
    ("beacons", N_("Beacon"), "b"),
    ("measure", N_("Measure"), "m"),
)
"""Each tool of the editor, with its name and its key."""
SOURCES: dict[PlanSource, str] = {
    "file": N_("This plan stands in a file that the settings name; it is changed there."),
    "dashboard": N_("This plan was drawn here. Readings go by it."),
    "none": N_("Nobody drew the shop yet: the box only knows whether somebody is in it."),
}
WORDS = {
    "one_zones": N_("zone"),
    "one_scanners": N_("scanner"),
    "one_beacons": N_("beacon"),
    "one_walls": N_("wall"),
    "one_doors": N_("door"),
    "nothing_yet": N_("Nothing drawn yet. Choose Zone, and click the corners of the first part of your shop."),
    "choose_title": N_("Nothing chosen"),
    "choose": N_("Choose a part in the drawing or in the list: its names and numbers come here."),
    "name": N_("Name"),
    "id": N_("Id, as it reports itself"),
    "loss": N_("Takes off a signal, dB"),
    "points": N_("Points"),
    "point": N_("point"),
    "add_point": N_("Add a point"),
    "remove_point": N_("Remove point"),
    "remove": N_("Remove"),
    "show": N_("Show"),
    "kept": N_("Draft kept."),
    "away": N_("The box doesn't answer; nothing is lost, it is tried again with the next change."),
    "keep_mine": N_("Keep mine"),
    "take_theirs": N_("Take theirs"),
    "too_large": N_("Only PNG or JPEG, up to 20 MB."),
    "taking_up": N_("The box takes up the new plan; a few seconds…"),
    "unplaced": N_("Not placed yet: {ids}"),
    "misfit": N_("The measurement of the last walk won't fit this plan; walk again after you put it to work."),
    "elsewhere": N_("elsewhere"),
    "advice_zone": N_("Expected: right in {right}%; else mostly taken for {other} ({mistaken}%)."),
    "advice_all": N_("Expected: the right zone {right} minutes out of 10."),
    "how_far": N_("How many metres apart are these two points?"),
    "hint_zones": N_("Click the corners of the zone, or move the plan under the cross and set points."),
    "hint_walls": N_("Click from corner to corner of the wall or shelf."),
    "hint_doors": N_("Click both sides of an opening in a wall."),
    "hint_scanners": N_("Click where the scanner hangs, or will hang."),
    "hint_beacons": N_("Click where the fixed beacon hangs."),
    "hint_measure": N_("Click two points of the picture whose distance you know."),
}
"""What the editor's script says."""


def router(desk: PlanDesk, view: View) -> APIRouter:
    """Return the pages under /shop/plan."""
    routes = APIRouter(include_in_schema=False)
    plan = view.plan
    drawing = draw(plan)

    @routes.get("/shop/plan")
    async def plan_page(request: Request, caller: Annotated[Caller, Depends(require(Role.VIEWER))]) -> HTMLResponse:
        """Show the plan in use, and the versions before it."""
        language, frame = language_of(request), view.frame()
        rows = [version_row(version) for version in desk.folder.versions()]
        return render(
            request,
            "plan_page.html",
            plan=plan,
            drawing=drawing,
            frame=frame,
            zone_now={zone.zone: zone for zone in frame.zones},
            level=level,
            scanner_name=scanner_name,
            may_draw=caller.may(Role.ADMIN),
            from_file=desk.from_file,
            nothing=desk.in_force.source == "none",
            source=text(language, SOURCES[desk.in_force.source]),
            misfit=desk.in_force.misfit,
            versions=[(row, local_moment(row.at_s, plan.timezone, language), number == 0) for number, row in enumerate(rows)],
        )

    @routes.get("/shop/plan/edit")
    def edit(request: Request, reports: Reporting, _caller: Admin) -> HTMLResponse:
        """Show the editor with the draft."""
        language, draft = language_of(request), desk.folder.draft()
        told = draft_now(desk, draft, language, reports).model_dump(mode="json")
        told["plan"] = plan.model_dump(mode="json", exclude_defaults=True) if desk.from_file else whole(desk, draft)
        data = {"draft": told, "tag": f'"{draft.tag}"', "read_only": desk.from_file, "words": _words(language)}
        tools = [(tool, text(language, name), key) for tool, name, key in TOOLS]
        return render(request, "plan_edit.html", data=data, tools=tools, read_only=desk.from_file)

    @routes.get("/shop/plan/file")
    def file(_caller: Admin) -> Response:
        """Return the plan in use as a plan file."""
        document = json.loads(plan.model_dump_json(exclude_defaults=True))
        content = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        return Response(content, media_type="application/yaml", headers={"Content-Disposition": 'attachment; filename="plan.yaml"'})

    @routes.post("/shop/plan/versions/{number}")
    def back(number: int, caller: Admin) -> RedirectResponse:
        """Put a plan of before to work again."""
        found = next((version for version in desk.folder.versions() if version.number == number), None)
        if found is None:
            return see_other("/shop/plan", N_("There is no such version of the plan."))
        put_to_work(desk, checked(found), caller.name)
        return see_other("/shop/plan", N_("The box takes up the new plan; a few seconds…"))

    return routes


def _words(language: Language) -> dict[str, str]:
    return {name: unfilled(language, said) for name, said in WORDS.items()}
