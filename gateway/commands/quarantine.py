"""`etalage quarantine`: messages that the broker would not take, listed and sent again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import opened
from gateway.commands.showing import AsJson, counted, moment, print_json
from gateway.storage.quarantine import quarantined, retry

quarantine = typer.Typer(no_args_is_help=True, help="Messages set aside because they broke every connection they were sent on.")


@quarantine.command(name="list")
def show(as_json: AsJson = False, config: Config = None) -> None:
    """Show what was set aside, newest first, and why. Never what it says: that is a shopper's."""
    with opened(config) as gateway, gateway.store.read() as connection:
        found = quarantined(connection)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = Table("id", "topic", "set aside", "ends", "reason")
    for one in found:
        table.add_row(one.event_id, one.topic, moment(one.quarantined_at_s), moment(one.expires_at_s), one.reason)
    Console().print(table if found else "Nothing is set aside.")


@quarantine.command(name="retry")
def send_again(
    event_id: Annotated[str | None, typer.Argument(help="One message, as `etalage quarantine list` shows it; none: all.")] = None,
    config: Config = None,
) -> None:
    """Send a message again, or all of them, once the cause is gone. A running gateway sees it within seconds."""
    with opened(config) as gateway:
        moved = gateway.store.writer.write_blocking(lambda connection: retry(connection, event_id))
    if event_id is not None and moved == 0:
        raise CommandError(f"no message {event_id} is set aside; `etalage quarantine list` shows those that are")
    typer.echo(f"{counted(moved, 'message')} set to go again.")
