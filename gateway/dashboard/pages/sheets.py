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
from rules.texts import Message, text


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
    words: Mapping[str, object] = field(default_factory=dict)
    """What fills the {places} of heading, lead and verb."""


def show(
    request: Request,
    sheet: Sheet[M],
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page."""
    language = language_of(request)
    return render(
        request,
        "sheet.html",
        status=status,
        framed=sheet.framed,
        heading=text(language, sheet.heading, **sheet.words),
        lead=text(language, sheet.lead, **sheet.words) if sheet.lead else "",
        verb=text(language, sheet.verb, **sheet.words),
        cancel=sheet.cancel,
        danger=sheet.danger,
        forgotten=sheet.forgotten,
        rows=rows(sheet.model, language, values, faults, sheet.choices),
        action=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    )


async def sent(request: Request, sheet: Sheet[M], take: Callable[[M], Awaitable[Response]]) -> Response:
    """Return what `take` makes of the form; the page again, nothing done, where it can't be taken: 422."""
    language = language_of(request)
    form = filled(sheet.model, request.state.form, language)
    faults = dict(form.faults)
    if form.model is not None:
        try:
            return await take(form.model)
        except FieldRefused as refused:
            faults[refused.field] = text(language, refused.message, **refused.values)
    return show(request, sheet, form.values, faults, 422)
