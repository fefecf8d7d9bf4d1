"""`etalage contract`: writes the MQTT contract's documents, or says whether they are current."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.commands.showing import AsJson, print_json
from gateway.mqtt.contract import documents


def contract(
    folder: Annotated[Path, typer.Option(help="Where asyncapi.yaml and schemas/ stand.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a document is not current.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write docs/asyncapi.yaml and docs/schemas/ from the message models."""
    made = documents()
    old = {f"schemas/{path.name}" for path in (folder / "schemas").glob("*.json")} - made.keys()
    stale = sorted(old | {name for name, text in made.items() if _read(folder / name) != text})
    if as_json:
        print_json({"documents": sorted(made), "stale": stale})
    if check:
        if stale:
            raise CommandError(f"not current: {', '.join(stale)}; run `etalage contract`")
        _say(f"All {len(made)} documents are current.", quiet=as_json)
        return
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for name in old:
        (folder / name).unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    _say(f"{len(made)} documents written below {folder}.", quiet=as_json)


def _say(words: str, *, quiet: bool) -> None:
    if not quiet:
        typer.echo(words)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
