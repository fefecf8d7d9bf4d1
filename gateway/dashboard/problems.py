"""Errors as RFC 9457 problem details: what is wrong, where, and what to do, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from gateway.dashboard.languages import language_of
from gateway.dashboard.templating import html
from gateway.storage import NotInTime, WriterClosed
from rules.texts import N_, Language, Message, ngettext, text

MEDIA_TYPE = "application/problem+json"
CONFIRM = "confirm"
"""The code of the problem that a person mends by giving their password once more."""


class Problem(Exception):
    """Raised anywhere behind the door. `title` says what is wrong, `do` what to do; both English, with {placeholders}."""

    def __init__(self, status: int, code: str, title: Message, do: Message, **parameters: object) -> None:
        super().__init__(title if isinstance(title, str) else title.many)
        self.status = status
        self.code = code
        self.title = title
        self.do = do
        self.parameters = parameters


class Fault(BaseModel):
    """One part of a request that can't be taken."""

    path: str = Field(description="Where, as in `query.limit` or `body.offers[2].id`.")
    code: str
    text: str


class ProblemDetails(BaseModel):
    """The body of every error answer."""

    model_config = ConfigDict(json_schema_extra={"description": "RFC 9457 problem details."})

    type: str = Field(description="A URN that stays the same for this kind of problem.")
    title: str = Field(description="What is wrong.")
    status: int
    instance: str = Field(description="Where: the path that was asked for.")
    detail: str = Field(description="What to do.")
    errors: list[Fault] = Field(default_factory=list)


RESPONSES: dict[int | str, dict[str, object]] = {
    "4XX": {"model": ProblemDetails, "description": "What is wrong, where, and what to do."},
    "503": {"model": ProblemDetails, "description": "The database didn't take it in time; ask again."},
}
"""For a router's `responses`: every error has this one shape."""


def answer(request: HTTPConnection, problem: Problem, errors: list[Fault] | None = None) -> Response:
    """The response for a problem, in the language of the request: a page where a person went, problem details for a program."""
    language = language_of(request)
    details = ProblemDetails(
        type=f"urn:etalage:problem:{problem.code}",
        title=text(language, problem.title, **problem.parameters),
        status=problem.status,
        instance=request.url.path,
        detail=text(language, problem.do, **problem.parameters),
        errors=errors or [],
    )
    headers = {"WWW-Authenticate": 'Bearer realm="etalage"'} if problem.status == HTTPStatus.UNAUTHORIZED else None
    if "text/html" in request.headers.get("accept", ""):
        if problem.code == CONFIRM:
            return RedirectResponse(f"/confirm?next={quote(request.url.path, safe='')}", 303)
        return HTMLResponse(
            html(language, "error.html", path="/", title=details.title, detail=details.detail), problem.status, headers
        )
    return JSONResponse(details.model_dump(mode="json"), problem.status, headers, media_type=MEDIA_TYPE)


def answer_all(app: FastAPI) -> None:
    """Have every error of `app` answered as problem details."""
    app.add_exception_handler(Problem, _own)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotInTime, _not_written)
    app.add_exception_handler(WriterClosed, _not_written)
    app.add_exception_handler(Exception, _unexpected)


def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(request, error)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, title, do = HTTP_PROBLEMS.get(error.status_code, ("http", "{what}", "{why}"))
    phrase = HTTPStatus(error.status_code).phrase
    response = answer(request, Problem(error.status_code, code, title, do, what=phrase, why=error.detail))
    response.headers.update(error.headers or {})
    return response


HTTP_PROBLEMS: dict[int, tuple[str, str, str]] = {
    404: ("not_found", N_("There is nothing at this address."), N_("Check the address; /api/v1/openapi.json lists all.")),
    405: ("method_not_allowed", N_("This address doesn't take that method."), N_("See /api/v1/openapi.json for what it takes.")),
}
"""What the framework itself refuses, in words that have a translation."""

FAULTS: dict[str, Message] = {
    "missing": N_("This is needed."),
    "extra_forbidden": N_("There is no such field."),
    "json_invalid": N_("This is not valid JSON."),
    "string_pattern_mismatch": N_("This doesn't have the form {pattern}."),
    "string_too_short": ngettext("This must have at least one character.", "This must have at least {count} characters."),
    "string_too_long": ngettext("This may have at most one character.", "This may have at most {count} characters."),
    "too_short": ngettext("This must have at least one item.", "This must have at least {count} items."),
    "too_long": ngettext("This may have at most one item.", "This may have at most {count} items."),
    "greater_than": N_("This must be more than {gt}."),
    "greater_than_equal": N_("This must be {ge} or more."),
    "less_than": N_("This must be less than {lt}."),
    "less_than_equal": N_("This must be {le} or less."),
    "literal_error": N_("This must be one of {expected}."),
    "enum": N_("This must be one of {expected}."),
    "int_parsing": N_("This must be a whole number."),
    "int_type": N_("This must be a whole number."),
    "float_parsing": N_("This must be a number."),
    "float_type": N_("This must be a number."),
    "bool_parsing": N_("This must be true or false."),
    "string_type": N_("This must be text."),
    "list_type": N_("This must be a list."),
    "dict_type": N_("This must be an object."),
    "model_attributes_type": N_("This must be an object."),
    "looks_like_a_number": N_("9 to 15 digits alone look like a telephone or customer number; use the pseudonym of the app."),
    "not_rfc_3339": N_("This must be a time as RFC 3339 writes it, with its offset: 2026-11-21T10:00:00Z."),
    "wrong_key": N_("The key of a rotating identity is 32 hex digits."),
}
"""Pydantic speaks English only: its kinds of error, in words that have a translation."""
LENGTHS = ("min_length", "max_length")
"""What pydantic calls the number that a fault of length counts with."""
TOO_FAULTY = ngettext("The request has a fault.", "The request has {count} faults.")
OTHER_FAULT = N_("This can't be taken ({code}).")


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    language = language_of(request)
    faults = [Fault(path=_place(fault["loc"]), code=fault["type"], text=said(fault, language)) for fault in error.errors()]
    problem = Problem(422, "invalid", TOO_FAULTY, N_("Mend what `errors` lists."), count=len(faults))
    return answer(request, problem, faults)


def said(fault: Mapping[str, Any], language: Language) -> str:
    """Say one of pydantic's faults in a language."""
    values = {name: str(value).replace(" or ", ", ") for name, value in fault.get("ctx", {}).items()}
    count = next((values[name] for name in LENGTHS if name in values), None)
    return text(language, FAULTS.get(fault["type"], OTHER_FAULT), **{"code": fault["type"], "count": count, **values})


def _place(steps: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _not_written(request: Request, _error: Exception) -> Response:
    """A disk that is full or slow, a database that is locked, or the end of the gateway: nobody waits for that without an end."""
    return answer(
        request,
        Problem(
            503,
            "not_written",
            N_("The database didn't take this in time."),
            N_("It may be done later all the same: look, and ask again in a minute, a till with the same key."),
        ),
    )


def _unexpected(request: Request, _error: Exception) -> Response:
    """The server's log has the traceback; the answer tells nothing of our insides."""
    return answer(
        request, Problem(500, "internal", N_("Something went wrong in the gateway itself."), N_("Look in its log, and try again."))
    )
