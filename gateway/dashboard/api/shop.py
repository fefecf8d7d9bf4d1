"""What the shop says of itself: GET /shop/facts, and GET, PUT, DELETE /shop/facts/{name}."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from gateway.books.shop_facts import ShopFactNow, ShopFacts, unknown_fact
from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.languages import language_of
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.storage.users import Role
from rules import Book, BookError
from rules.texts import N_, Language

LARGEST = 1e12
"""A number beyond this is a slip, not a stock or a temperature."""

Name = Annotated[str, Path(max_length=64, description="As the rule book declares it under `shop_facts`.")]
Staff = Annotated[Caller, Depends(require(Role.STAFF))]
Whole = Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)]
Number = Annotated[StrictFloat, Field(ge=-LARGEST, le=LARGEST)]
Word = Annotated[StrictStr, Field(max_length=200)]


class NewValue(BaseModel):
    """What the shop says from now on."""

    model_config = ConfigDict(extra="forbid")
    value: StrictBool | Whole | Number | Word | Annotated[list[Word], Field(max_length=100)]


class Fact(BaseModel):
    """One fact: what the live rule books want to know, and what was said of it."""

    name: str
    type: str | None = Field(description="number, flag, choice, set or text; null: no live rule book declares it any more.")
    values: list[str] | None = Field(description="What it may be; null: anything of its type.")
    label: dict[str, str] | None = Field(description="By language.")
    fresh_for_s: float | None = Field(description="How long it counts after it was set; null: until it is changed.")
    value: bool | int | float | str | list[str] | None = Field(description="Null: nobody said.")
    set_at_s: float | None
    set_by: str | None
    counts: bool = Field(description="False: unknown to the rules, because nobody said, or too long ago.")
    set_at: ClassVar = twin_of("set_at_s", maybe=True)


class Today(BaseModel):
    """What the shop says now."""

    open: bool | None = Field(description="By the store plan's hours; null: it has none.")
    facts: list[Fact]


def router(shop: ShopFacts, live_books: Callable[[], Sequence[Book]], clock: Callable[[], float]) -> APIRouter:
    """The calls about the shop. The line goes by a new value within a second."""
    routes = APIRouter(tags=["shop"], responses=RESPONSES)
    viewer = Depends(require(Role.VIEWER))

    @routes.get("/shop/facts", dependencies=[viewer])
    def list_shop_facts() -> Today:
        """Tell whether the shop is open, and list every fact that a live rule book asks for, said or not."""
        now_s = clock()
        return Today(open=shop.open_at(now_s), facts=[_fact(fact, now_s) for fact in shop.every(live_books())])

    @routes.get("/shop/facts/{name}", dependencies=[viewer])
    def get_shop_fact(request: Request, name: Name) -> Fact:
        """Show one fact."""
        known = {fact.name: fact for fact in list_shop_facts().facts}
        if name not in known:
            raise _refused(unknown_fact(name, known), language_of(request))
        return known[name]

    @routes.put("/shop/facts/{name}")
    def set_shop_fact(request: Request, name: Name, new: NewValue, caller: Staff) -> Fact:
        """Set a fact. Setting the same value again makes it fresh again."""
        try:
            shop.set(live_books(), name, new.value, clock(), caller.name)
        except BookError as error:
            raise _refused(error, language_of(request)) from error
        return get_shop_fact(request, name)

    @routes.delete("/shop/facts/{name}", status_code=204, dependencies=[Depends(require(Role.STAFF))])
    def clear_shop_fact(request: Request, name: Name) -> None:
        """Say no more of a fact: it is unknown, and what needs it isn't offered."""
        try:
            shop.clear(live_books(), name)
        except BookError as error:
            raise _refused(error, language_of(request)) from error

    return routes


def _refused(error: BookError, language: Language) -> Problem:
    (problem,) = error.problems
    status, code = (404, "no_such_fact") if problem.code == "unknown_field" else (422, "wrong_value")
    title, do = N_("The shop can't say that: {why}"), N_("GET /shop/facts lists what can be said.")
    return Problem(status, code, title, do, why=problem.text(language))


def _fact(fact: ShopFactNow, now_s: float) -> Fact:
    field = fact.field
    return Fact(
        name=fact.name,
        type=field.type.value if field else None,
        values=sorted(field.values) if field and field.values else None,
        label={**field.label} if field else None,
        fresh_for_s=field.fresh_for_s if field else None,
        value=fact.value,
        set_at_s=fact.set_at_s,
        set_by=fact.set_by,
        counts=fact.counts_at(now_s),
    )
