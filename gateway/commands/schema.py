"""`etalage schema`: JSON Schemas of what a shop writes, for editors that complete and check while one types."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import BaseModel

from gateway.mqtt.contract import UntitledJsonSchema
from gateway.settings import Settings
from gateway.zones.plan import StorePlan
from rules.format.document import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Written(StrEnum):
    """What a shop writes by hand."""

    RULE_BOOK = "rule-book"
    PLAN = "plan"
    SETTINGS = "settings"


MODELS: dict[Written, type[BaseModel]] = {
    Written.RULE_BOOK: Document,
    Written.PLAN: StorePlan,
    Written.SETTINGS: Settings,
}


def schema(
    of: Annotated[Written, typer.Argument(help="rule-book, plan or settings.", show_default=False)],
) -> None:
    """Print the JSON Schema of a rule book, a store plan or the settings."""
    typer.echo(json.dumps(editor_schema(of), indent=2, ensure_ascii=False))


def editor_schema(written: Written) -> dict[str, object]:
    """Return the JSON Schema of what is written: what an editor can check before `etalage` checks what it means."""
    made = MODELS[written].model_json_schema(by_alias=True, schema_generator=UntitledJsonSchema)
    return {"$schema": DIALECT, "title": f"Etalage {written.value}"} | {key: value for key, value in made.items() if key != "title"}
