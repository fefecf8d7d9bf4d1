"""Drafts that a shop finishes with its own data protection officer: the privacy statement and the DPIA."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.privacy.consent_record import PURPOSE_DATA, PURPOSE_WORDS, RIGHTS, WITHDRAWAL
from gateway.privacy.report import Report, collected_table, kept_table, markdown_table
from gateway.settings import Settings
from rules import PURPOSES
from rules.texts import N_, Language, catalogue, text

_FOLDER = Path(__file__).parent / "templates"


@cache
def _templates(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=False,  # noqa: S701 - Markdown for a person to edit, no HTML: there is nothing to escape
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    return environment


def privacy_statement(made: Report, settings: Settings) -> str:
    """Return the draft of a privacy statement, filled in, as Markdown."""
    return _fill("statement", made, settings)


def impact_assessment(made: Report, settings: Settings) -> str:
    """Return the data protection impact assessment's template, filled in as far as the gateway knows the answers."""
    return _fill("dpia", made, settings)


def _fill(name: str, made: Report, settings: Settings) -> str:
    language = made.language
    blank = text(language, N_("(to be filled in)"))
    purposes = [(text(language, PURPOSE_WORDS[purpose]), text(language, PURPOSE_DATA[purpose])) for purpose in PURPOSES]
    return (
        _templates(language)
        .get_template(f"{name}.md")
        .render(
            controller=settings.shoppers.controller or blank,
            contact=settings.shoppers.contact or blank,
            chain=settings.store.chain,
            store=settings.store.store,
            withdrawal=text(language, WITHDRAWAL),
            rights=text(language, RIGHTS),
            purposes=markdown_table((text(language, N_("purpose")), text(language, N_("data"))), purposes).rstrip(),
            collected=collected_table(made).rstrip(),
            kept=kept_table(made).rstrip(),
            idle_days=settings.shoppers.idle_days,
            visits_days=settings.shoppers.visits_days,
            erasure_digests_days=settings.shoppers.erasure_digests_days,
            decisions_days=settings.offers.decisions_days,
        )
    )
