"""A page that is one form: shown, sent, and shown again with what is wrong beside its fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from gateway.dashboard.forms import Choice, FieldRefused, M, filled, rows
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from rules.texts import N_, Language, Message, text

CONFLICT = 412
"""Somebody saved something else since the form was opened."""
MEANWHILE = N_("Somebody else saved this meanwhile. What stands now is said at each field; save again to keep yours.")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[M]):
    """What stands on the page. Texts are keys of the catalogue."""

    model: type[M]
    heading: str
    verb: str
    lead: Message = ""
    cancel: str = ""
    danger: bool = False
    forgotten: bool = False
    """Whether it says what to do about a forgotten password."""
    framed: bool = True
    choices: Mapping[str, Collection[Choice]] = field(default_factory=dict)
    """Choices that are known only now, by field."""
    fixed: Collection[str] = ()
    """Fields that the administrator's settings hold: shown as `now` has them, whatever is sent."""
    now: Mapping[str, str] = field(default_factory=dict)
    """What stands now, by field: where somebody else saved meanwhile, it is said beside what was typed."""
    version: str = ""
    """Of `now`: a form that was opened at another one is not taken at once. Empty: the last to save wins."""
    words: Mapping[str, object] = field(default_factory=dict)
    """What fills the {places} of heading, lead and verb."""


def show(
    request: Request,
    sheet: Sheet[M],
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    template: str = "sheet.html",
    **context: object,
) -> HTMLResponse:
    """Return the page. `template`: one that extends sheet.html, and what it needs as `context`."""
    language = language_of(request)
    return render(
        request,
        template,
        status=status,
        framed=sheet.framed,
        heading=text(language, sheet.heading, **sheet.words),
        lead=text(language, sheet.lead, **sheet.words) if sheet.lead else "",
        verb=text(language, sheet.verb, **sheet.words),
        cancel=sheet.cancel,
        danger=sheet.danger,
        forgotten=sheet.forgotten,
        rows=rows(sheet.model, language, {**sheet.now, **(values or {})}, faults, sheet.choices, sheet.fixed),
        version=sheet.version,
        conflict=text(language, MEANWHILE) if status == CONFLICT else "",
        action=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **context,
    )


async def sent(
    request: Request,
    sheet: Sheet[M],
    take: Callable[[M], Awaitable[Response]],
    template: str = "sheet.html",
    context: Callable[[], Mapping[str, object]] = dict,
) -> Response:
    """Return what `take` makes of the form; the page again, nothing done, where it can't be taken: 422.

    A form that was opened before somebody else saved isn't taken at once either: 412. `context`: what the template needs then.
    """
    language, typed = language_of(request), request.state.form
    form = filled(sheet.model, {**typed, **{name: [sheet.now.get(name, "")] for name in sheet.fixed}}, language)
    if sheet.version and typed.get("version") != [sheet.version]:
        return show(request, sheet, form.values, _differences(sheet, form.values, language), CONFLICT, template, **context())
    faults = dict(form.faults)
    if form.model is not None:
        try:
            return await take(form.model)
        except FieldRefused as refused:
            faults[refused.field] = text(language, refused.message, **refused.values)
    return show(request, sheet, form.values, faults, 422, template, **context())


def _differences(sheet: Sheet[M], typed: Mapping[str, str], language: Language) -> dict[str, str]:
    """Say of each field that differs what stands now."""
    return {
        name: text(language, N_("Now it is: {value}"), value=value or "–")
        for name, value in sheet.now.items()
        if typed.get(name, "") != value
    }
