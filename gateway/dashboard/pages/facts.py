"""The pages about what the shop says of itself today: weather, stock, whatever a live rule book asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, StringConstraints

from gateway.books.shop_facts import FactValue, ShopFactNow, ShopFacts
from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.forms import Choice, Control, FieldRefused
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.dashboard.problems import Problem
from gateway.dashboard.sentences import local_moment
from gateway.storage.users import Role
from rules import Book, BookError
from rules.format.fields import FieldType
from rules.format.literals import typed_fact
from rules.texts import N_, Language, spoken, text

Staff = Annotated[Caller, Depends(require(Role.STAFF))]
TYPED_MAX = 400
Said = Annotated[str, StringConstraints(min_length=1, max_length=TYPED_MAX)]
YES, NO = "true", "false"
YES_OR_NO = (Choice(YES, N_("yes")), Choice(NO, N_("no")))


class FactForm(BaseModel):
    """What the shop says, as a person types it."""

    value: Said


class ChosenForm(FactForm):
    """One of a few values."""

    value: Annotated[Said, Control(N_("What is it now?"), kind="radio")]


class TypedForm(FactForm):
    """A number, a word or words."""

    value: Annotated[Said, Control(N_("What is it now?"))]


class WordsForm(FactForm):
    """Several words."""

    value: Annotated[Said, Control(N_("What is it now?"), N_("Words with commas between them."))]


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact as the page shows it."""

    name: str
    label: str
    value: str
    """Empty: nobody said."""
    said: str
    """Who said it, and when."""
    until: str
    """How long it counts; empty: until it is changed."""
    counts: bool


def router(shop: ShopFacts, live_books: Callable[[], Sequence[Book]], now_s: Callable[[], float], timezone: str) -> APIRouter:
    """The pages under /shop/facts."""
    routes = APIRouter(include_in_schema=False)

    def find(name: str) -> ShopFactNow:
        for fact in shop.every(live_books()):
            if fact.name == name and fact.field is not None:
                return fact
        raise Problem(404, "no_such_fact", N_("No live rule book asks for that."), N_("See what is asked under Shop, Today."))

    @routes.get("/shop/facts")
    def facts_page(request: Request, _caller: Staff) -> HTMLResponse:
        """Show what the rule books ask the shop, and what it said."""
        language, at_s = language_of(request), now_s()
        rows = [_row(fact, at_s, timezone, language) for fact in shop.every(live_books())]
        return render(request, "facts.html", rows=rows, open=shop.open_at(at_s))

    @routes.get("/shop/facts/{name}")
    def fact_page(request: Request, name: str, _caller: Staff) -> HTMLResponse:
        """One fact to be said."""
        language, fact = language_of(request), find(name)
        return show(request, _sheet(fact, language), {"value": _typed(fact.value)})

    @routes.post("/shop/facts/{name}")
    async def say(request: Request, name: str, caller: Staff) -> Response:
        """Say it; the line goes by it within a second."""
        language, fact = language_of(request), find(name)

        async def take(form: FactForm) -> Response:
            assert fact.field is not None  # `find` looks
            value = typed_fact(fact.field, form.value)
            try:
                await asyncio.to_thread(shop.set, live_books(), name, value, now_s(), caller.name)
            except BookError as error:
                raise FieldRefused("value", "{why}", why=error.problems[0].message(language)) from error
            return see_other(
                "/shop/facts", N_("{fact}: {value}"), {"fact": _label(fact, language), "value": _shown(value, language)[:80]}
            )

        return await sent(request, _sheet(fact, language), take)

    @routes.post("/shop/facts/{name}/clear")
    async def clear(name: str, _caller: Staff) -> Response:
        """Say no more of it."""
        find(name)
        await asyncio.to_thread(shop.clear, live_books(), name)
        return see_other("/shop/facts", N_("Not said any more."))

    return routes


def _sheet(fact: ShopFactNow, language: Language) -> Sheet[FactForm]:
    """Return the form for a fact: to choose from where there is something to choose, else to type."""
    assert fact.field is not None
    kind, choices = fact.field.type, tuple(Choice(value, value, as_is=True) for value in sorted(fact.field.values or ()))
    if kind is FieldType.FLAG:
        choices = YES_OR_NO
    one_of = bool(choices) and kind is not FieldType.SET
    model: type[FactForm] = ChosenForm if one_of else WordsForm if kind is FieldType.SET else TypedForm
    return Sheet(
        model,
        "{fact}",
        N_("Say it"),
        _lasts(fact, language),
        "/shop/facts",
        choices={"value": choices} if one_of else {},
        words={"fact": _label(fact, language)},
    )


def _lasts(fact: ShopFactNow, language: Language) -> str:
    fresh_for_s = fact.field.fresh_for_s if fact.field is not None else None
    if fresh_for_s is None:
        return N_("It counts until it is changed.")
    return text(language, N_("It counts for {hours} hours; say it again, and it counts anew."), hours=f"{fresh_for_s / 3600:g}")


def _row(fact: ShopFactNow, at_s: float, timezone: str, language: Language) -> FactRow:
    fresh_for_s = fact.field.fresh_for_s if fact.field is not None else None
    said = fact.set_at_s is not None and fact.value is not None
    return FactRow(
        name=fact.name if fact.field is not None else "",
        label=_label(fact, language),
        value=_shown(fact.value, language) if fact.value is not None else "",
        said=f"{fact.set_by}, {local_moment(fact.set_at_s, timezone, language)}" if said and fact.set_at_s is not None else "",
        until="" if fresh_for_s is None or fact.set_at_s is None else local_moment(fact.set_at_s + fresh_for_s, timezone, language),
        counts=fact.counts_at(at_s),
    )


def _label(fact: ShopFactNow, language: Language) -> str:
    return fact.name if fact.field is None else spoken(fact.field.label, language)


def _shown(value: FactValue, language: Language) -> str:
    if isinstance(value, bool):
        return text(language, N_("yes") if value else N_("no"))
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def _typed(value: FactValue | None) -> str:
    """Return a value as its form has it."""
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
