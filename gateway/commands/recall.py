"""`etalage recall`: a wrong offer, taken back while it is unsent."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import opened
from gateway.commands.showing import AsJson, counted, print_json
from gateway.mqtt.topics import identity_of
from gateway.offers.ledger import Ledger
from gateway.storage import promises, waiting


def recall(
    offer: Annotated[str, typer.Argument(help="The offer's id, as its book writes it.")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Take back what of an offer still waits to be sent, and tell the backend. Pause its book first, or more follows.

    What may have been shown stands: it is honoured until its end.
    """
    with opened(config) as gateway:
        with gateway.store.read() as connection:
            known = promises.page(connection, offer=offer, limit=1)
        live = [book.id for book in gateway.live_books() if any(rule.id == offer for rule in book.rules)]
        if not known and not live:
            raise CommandError(f"no live book has an offer {offer!r}, and none was promised; look at its id in the book")
        ledger = Ledger(gateway.store, identity_of(gateway.settings.store).source, gateway.settings.offers)
        recalled = waiting.in_thread(ledger.recall(offer, gateway.now_s()))
    if as_json:
        print_json({"offer": offer, **recalled._asdict(), "live_in": live})
        return
    typer.echo(f"{offer}: {counted(recalled.taken_back, 'promise')} taken back; {recalled.stand} may have been shown and stand.")
    if live:
        typer.echo(f"It is still live in {', '.join(live)}: pause that, or more follows.", err=True)
