"""Drafts that a shop finishes with its own data protection officer: the privacy statement and the DPIA, in Dutch and English."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.privacy.consent_record import PURPOSE_DATA, PURPOSE_WORDS, RIGHTS, WITHDRAWAL
from gateway.privacy.report import Report, collected_table, kept_table, markdown_table
from gateway.settings import Settings
from rules import PURPOSES

# Markdown for a person to edit, no HTML: there is nothing to escape.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # noqa: S701
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def privacy_statement(made: Report, settings: Settings) -> str:
    """Return the draft of a privacy statement, filled in, as Markdown."""
    return _fill("statement", made, settings)


def impact_assessment(made: Report, settings: Settings) -> str:
    """Return the data protection impact assessment's template, filled in as far as the gateway knows the answers."""
    return _fill("dpia", made, settings)


def _fill(name: str, made: Report, settings: Settings) -> str:
    language = made.language
    blank = {"nl": "(in te vullen)", "en": "(to be filled in)"}[language]
    purposes = [(PURPOSE_WORDS[purpose][language], PURPOSE_DATA[purpose][language]) for purpose in PURPOSES]
    return _TEMPLATES.get_template(f"{name}.{language}.md").render(
        controller=settings.shoppers.controller or blank,
        contact=settings.shoppers.contact or blank,
        chain=settings.store.chain,
        store=settings.store.store,
        withdrawal=WITHDRAWAL[language],
        rights=RIGHTS[language],
        purposes=markdown_table(("doel", "gegevens") if language == "nl" else ("purpose", "data"), purposes).rstrip(),
        collected=collected_table(made).rstrip(),
        kept=kept_table(made).rstrip(),
        idle_days=settings.shoppers.idle_days,
        visits_days=settings.shoppers.visits_days,
        erasure_digests_days=settings.shoppers.erasure_digests_days,
        decisions_days=settings.offers.decisions_days,
    )
