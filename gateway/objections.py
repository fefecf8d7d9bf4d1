"""Why something that was sent is not taken: a code for machines, and a text of the catalogue for people.

Rooms say which text it is; whoever answers says it in a language: the wire in the shop's, a page in its reader's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from rules.texts import N_, Language, Message, ngettext, text


class Objection(NamedTuple):
    """One reason why a message, or a part of it, was not taken."""

    path: str
    """Where, as in `data.purposes[2]`; empty: all of it."""
    code: str
    message: Message
    values: Mapping[str, object] = MappingProxyType({})
    """What stands in the message's {places}; never what was sent."""

    def said(self, language: Language) -> str:
        """Return the sentence for a person."""
        return text(language, self.message, **self.values)


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
OTHER_FAULT = N_("This can't be taken ({code}).")


def fault_message(fault: Mapping[str, Any]) -> tuple[Message, dict[str, object]]:
    """Return one of pydantic's faults as a message with its values. None of them is what was sent."""
    values = {name: str(value).replace(" or ", ", ") for name, value in fault.get("ctx", {}).items()}
    count = next((values[name] for name in LENGTHS if name in values), None)
    return FAULTS.get(fault["type"], OTHER_FAULT), {"code": fault["type"], "count": count, **values}


def said(fault: Mapping[str, Any], language: Language) -> str:
    """Say one of pydantic's faults in a language."""
    message, values = fault_message(fault)
    return text(language, message, **values)
