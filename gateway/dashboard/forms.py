"""The one way to write a form: a pydantic model whose fields carry their label, help and unit, and one macro that draws it.

    class ShopForm(BaseModel):
        name: Annotated[str, StringConstraints(min_length=1, max_length=60), Control(N_("Name of the shop"))]

`filled` reads what a browser sent; `rows` gives the template what it draws, faults beside their fields. Texts are English keys of
the catalogue; pydantic's own messages are said by `objections.FAULTS`. A new form is a model and a template (CONTRIBUTING.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from gateway.objections import said
from rules.texts import Language, Message, text

Sent = Mapping[str, list[str]]
"""The fields of a form as they were sent, each with all its values."""
M = TypeVar("M", bound=BaseModel)


class FieldRefused(Exception):
    """What was sent can't be taken, for a reason that only the room behind the form knows.

    `field`: where it is said; `message` is a key of the catalogue, with {places} for `values`.
    """

    def __init__(self, field: str, message: Message, **values: object) -> None:
        super().__init__(message if isinstance(message, str) else message.many)
        self.field = field
        self.message = message
        self.values = values


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values a field may have."""

    value: str
    label: str
    as_is: bool = False
    """The label is a name, and no key of the catalogue."""


@dataclass(frozen=True, slots=True)
class Control:
    """How a field is drawn. Texts are keys of the catalogue."""

    label: str
    help: str = ""
    unit: str = ""
    kind: str = "text"
    """An <input>'s type; or select, radio, textarea."""
    choices: tuple[Choice, ...] = ()
    autocomplete: str = "off"
    kept: bool = True
    """Whether what was typed is shown again with a fault, and kept in the tab until it is sent: never a password or a code."""


@dataclass(frozen=True, slots=True)
class FormRow:
    """One field, ready to draw."""

    name: str
    label: str
    help: str
    unit: str
    kind: str
    choices: tuple[tuple[str, str], ...]
    autocomplete: str
    kept: bool
    value: str
    fault: str
    needed: bool
    length_max: int | None
    fixed: bool = False
    """Set in the administrator's file: shown, and not to be changed here."""


@dataclass(frozen=True, slots=True)
class Filled(Generic[M]):
    """What was sent: the model, or None with the faults by field."""

    model: M | None
    values: Mapping[str, str]
    faults: Mapping[str, str]


def filled(model: type[M], sent: Sent, language: Language) -> Filled[M]:
    """Read a sent form. Unknown fields are left out; a field with blanks around it is taken without them."""
    values = {name: _value(model, name, sent[name]) for name in model.model_fields if sent.get(name)}
    shown = {name: value for name, value in values.items() if isinstance(value, str)}
    try:
        return Filled(model.model_validate(values), shown, {})
    except ValidationError as error:
        faults = {str(fault["loc"][0]): said(fault, language) for fault in reversed(error.errors()) if fault["loc"]}
        return Filled(None, shown, faults)


def rows(
    model: type[BaseModel],
    language: Language,
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    choices: Mapping[str, Collection[Choice]] | None = None,
    fixed: Collection[str] = (),
) -> list[FormRow]:
    """Return the rows of a form in a reader's language.

    `choices`: those that are known only now, by field; `fixed`: the fields that can't be changed here.
    """
    drawn = [
        _row(model, name, language, values or {}, faults or {}, tuple((choices or {}).get(name, ()))) for name in model.model_fields
    ]
    return [replace(row, fixed=row.name in fixed) for row in drawn]


def _row(
    model: type[BaseModel],
    name: str,
    language: Language,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    choices: tuple[Choice, ...],
) -> FormRow:
    field = model.model_fields[name]
    control = next(part for part in field.metadata if isinstance(part, Control))
    value = values.get(name, "" if field.is_required() or field.default is None else str(field.default))
    lengths = [part.max_length for part in field.metadata if getattr(part, "max_length", None) is not None]
    return FormRow(
        name=name,
        label=text(language, control.label),
        help=text(language, control.help) if control.help else "",
        unit=text(language, control.unit) if control.unit else "",
        kind=control.kind,
        choices=tuple((one.value, one.label if one.as_is else text(language, one.label)) for one in choices or control.choices),
        autocomplete=control.autocomplete,
        kept=control.kept,
        value=value if control.kept else "",
        fault=faults.get(name, ""),
        needed=field.is_required(),
        length_max=lengths[0] if lengths else None,
    )


def _value(model: type[BaseModel], name: str, sent: list[str]) -> str | list[str]:
    if get_origin(model.model_fields[name].annotation) in (list, tuple, frozenset, set):
        return sent
    control = next(part for part in model.model_fields[name].metadata if isinstance(part, Control))
    return sent[-1] if control.kind in ("password", "textarea") else sent[-1].strip()
