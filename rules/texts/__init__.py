"""What the product says to people, in every language it speaks: one mechanism, one catalogue."""

from rules.texts.catalogue import (
    LANGUAGES,
    N_,
    WRITTEN,
    Counted,
    Language,
    Message,
    Words,
    catalogue,
    in_all,
    in_each,
    known_language,
    ngettext,
    own_name,
    spoken,
    text,
    unfilled,
)

__all__ = [
    "LANGUAGES",
    "N_",
    "WRITTEN",
    "Counted",
    "Language",
    "Message",
    "Words",
    "catalogue",
    "in_all",
    "in_each",
    "known_language",
    "ngettext",
    "own_name",
    "spoken",
    "text",
    "unfilled",
]
