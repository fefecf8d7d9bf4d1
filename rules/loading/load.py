"""Loading a book: read, check each value, check what must fit together, compile. All faults at once, each with its place."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rules.engine.book import Book, assemble
from rules.engine.rule import Rule
from rules.format.conditions import Vocabulary, fields_of, parse
from rules.format.document import Document
from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import Field
from rules.format.reading import path_text, read_document
from rules.loading.checks import check_document, check_questions, declared_fields
from rules.loading.compiling import compile_rule
from rules.loading.setting_aside import with_stand_ins
from rules.texts import LANGUAGES

_CODES = {
    "string_type": "text_expected",
    "string_pattern_mismatch": "id_expected",
    "finite_number": "number_expected",
    "bool_type": "wrong_value",
    "tuple_type": "list_expected",
    "list_type": "list_expected",
    "dict_type": "map_expected",
    "model_type": "map_expected",
    "model_attributes_type": "map_expected",
    **{code: code for code in ("duration", "hours_span", "whole_cents", "unprintable", "blank")},
}
_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length")
_BOUND_SIGNS = {"ge": "≥ ", "gt": "> ", "le": "≤ ", "lt": "< ", "min_length": "≥ ", "max_length": "≤ "}


def load_book(source: str | Path, zones: Collection[str] | None = None) -> Book:
    """The book in a file (a Path, or a one-line text that ends in .yaml, .yml or .json) or in the text itself.

    `zones`: the store plan's zone ids; when given, a zone the plan lacks is refused. Raises BookError with every fault found.
    """
    path = _path(source)
    file = str(path) if path is not None else ""
    text = str(source) if path is None else _file_text(path)
    data = read_document(text, file)
    try:
        return load_data(data, zones)
    except BookError as error:
        raise BookError(_placed(error.problems, data, text, file)) from None


def load_data(data: object, zones: Collection[str] | None = None) -> Book:
    """The book in plain data, as JSON gives it. Raises BookError; its problems have paths but no lines."""
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        problems = problems_of(error)
        raise BookError([*problems, *_besides(data, problems, zones)]) from None
    except UnicodeError:  # half a surrogate pair, which JSON can spell and nothing can print
        raise BookError([BookProblem("syntax", values={"why": "characters that are not allowed"})]) from None
    checked = _checked(document, zones)
    if checked.problems:
        raise BookError(checked.problems)
    return assemble(data, document, checked.rules, checked.fields, checked.zone)


class _Checked(NamedTuple):
    """A document compiled as far as it goes, and all that is wrong with it."""

    rules: tuple[Rule, ...]
    fields: Mapping[str, Field]
    zone: ZoneInfo
    problems: list[BookProblem]


def _checked(document: Document, zones: Collection[str] | None) -> _Checked:
    problems = check_document(document, zones)
    broken = {problem.path.partition(".")[0] for problem in problems}
    fields = declared_fields(document, zones)
    words = Vocabulary(fields, frozenset(offer.id for offer in document.offers))
    zone = ZoneInfo("UTC") if "timezone" in broken else ZoneInfo(document.timezone)
    rules: list[Rule] = []
    reads: set[str] = set()
    for index, offer in enumerate(document.offers):
        place = f"offers[{index}]"
        try:
            if place not in broken:
                rules.append(compile_rule(index, offer, document, words, zone))
                reads |= rules[-1].reads().keys()
            elif offer.if_ is not None:  # the rest of the offer can't be compiled, but its condition can be read
                reads |= fields_of(parse(offer.if_, "if", words)).keys()
        except BookError as error:
            problems += [replace(problem, path=f"{place}.{problem.path}") for problem in error.problems]
            broken.add(place)
    if not any(place.startswith("offers[") for place in broken):
        problems += check_questions(document, reads)
    return _Checked(tuple(rules), fields, zone, problems)


def _besides(data: object, problems: Sequence[BookProblem], zones: Collection[str] | None) -> list[BookProblem]:
    """Return what else is wrong with a document some of whose values can't be read: those are set aside, the rest is checked."""
    mended = with_stand_ins(data, problems)
    if mended is None:
        return []
    try:
        document = Document.model_validate(mended.data)
    except (ValidationError, UnicodeError):
        return []
    return [problem for problem in _checked(document, zones).problems if not mended.concerns(problem)]


def problems_of(error: ValidationError, model: type[BaseModel] = Document) -> list[BookProblem]:
    """Pydantic's faults with a `model` of the book, in our own words and with the nearest right one."""
    return [_problem(fault, model) for fault in error.errors(include_url=False) if not _echo(fault)]


def _path(source: str | Path) -> Path | None:
    if isinstance(source, Path):
        return source
    return Path(source) if "\n" not in source and source.endswith((".yaml", ".yml", ".json")) else None


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise BookError([BookProblem("unreadable", file=str(path), values={"why": str(why)})]) from None


def _placed(problems: Iterable[BookProblem], data: object, text: str, file: str) -> list[BookProblem]:
    """The same problems with their file, line and offer. Lines are worked out only now: a good book needs none."""
    lines: dict[tuple[str | int, ...], int] = {}
    read_document(text, file, lines)
    by_text = {path_text(path): line for path, line in lines.items()}
    return [replace(one, file=file, line=_line(one.path, by_text), offer=_offer(one.path, data)) for one in problems]


def _line(path: str, by_text: dict[str, int]) -> int | None:
    while path and path not in by_text:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return by_text.get(path)


def _offer(path: str, data: Any) -> str | None:
    if not path.startswith("offers["):
        return None
    offer = data["offers"][int(path[7 : path.index("]")])]
    return str(offer["id"]) if isinstance(offer, dict) and "id" in offer else None


def _echo(fault: ErrorDetails) -> bool:
    """A list is not too short because its items are faulty: pydantic counts only the good ones."""
    return bool(fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"])


def _problem(fault: ErrorDetails, whole: type[BaseModel]) -> BookProblem:
    """Pydantic's fault in our own words."""
    kind, loc = fault["type"], fault["loc"]
    path, last = path_text(loc), str(loc[-1]) if loc else ""
    value = str(fault["input"])[:80]
    context = fault.get("ctx", {})
    if kind == "missing":
        return BookProblem("missing", path, values={"key": last})
    if kind == "language_missing":
        language = context["key"]
        return BookProblem("translation", f"{path}.{language}", values={"key": language})
    if last == "[key]":
        named = str(loc[-2])
        return BookProblem("unknown_key", path_text(loc[:-1]), nearest=nearest(named, LANGUAGES), values={"key": named})
    if kind == "extra_forbidden":
        return BookProblem("unknown_key", path, nearest=nearest(last, _words_at(loc[:-1], whole)), values={"key": last})
    if kind in ("literal_error", "enum"):
        allowed = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        return BookProblem(
            "wrong_choice", path, nearest=nearest(value, allowed), values={"value": value, "allowed": ", ".join(allowed)}
        )
    bounds = ", ".join(f"{_BOUND_SIGNS[name]}{context[name]}" for name in _BOUNDS if name in context)
    if bounds:
        shown = value if "length" not in "".join(context) else last
        return BookProblem("out_of_range", path, values={"value": shown, "bounds": bounds})
    code = _CODES.get(kind, "number_expected" if kind.startswith(("int_", "float_")) else "wrong_value")
    return BookProblem(code, path, values={"value": value})


def _words_at(loc: tuple[str | int, ...], whole: type[BaseModel]) -> list[str]:
    """The words that the model at a place knows."""
    model: object = whole
    for step in loc:
        if isinstance(model, type) and issubclass(model, BaseModel):
            found = [field for name, field in model.model_fields.items() if step in (name, field.alias)]
            model = _model_in(found[0].annotation) if found else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: object) -> object:
    """The model inside an annotation such as `dict[Id, Label] | None`."""
    if get_origin(annotation) in (Union, types.UnionType, tuple, dict) or hasattr(annotation, "__metadata__"):
        inner = [_model_in(argument) for argument in get_args(annotation)]
        return next((one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return annotation
