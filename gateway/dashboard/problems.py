"""Errors as RFC 9457 problem details: what is wrong, where, and what to do, in the reader's language."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from gateway.dashboard.languages import language_of
from gateway.dashboard.templating import html
from gateway.objections import said
from gateway.storage import NotInTime, WriterClosed
from rules.texts import N_, Message, ngettext, text

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

TOO_FAULTY = ngettext("The request has a fault.", "The request has {count} faults.")


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    language = language_of(request)
    faults = [Fault(path=_place(fault["loc"]), code=fault["type"], text=said(fault, language)) for fault in error.errors()]
    problem = Problem(422, "invalid", TOO_FAULTY, N_("Mend what `errors` lists."), count=len(faults))
    return answer(request, problem, faults)


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
