"""`etalage erase`: everything about one shopper, gone."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands.config import Config
from gateway.commands.opened import opened
from gateway.commands.showing import AsJson, counted, print_json
from gateway.mqtt.topics import identity_of
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import consents, retention, waiting
from gateway.storage.keys import KEYS_COPY


def erase(
    shopper: Annotated[str, typer.Argument(help="The shopper's pseudonym.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Erase all data of a shopper, backups' included (GDPR article 17). A running gateway forgets them within ten seconds."""
    with opened(config) as gateway:
        settings, store, keys = gateway.settings, gateway.store, gateway.keys()
        with store.read() as connection:
            known = consents.find(connection, shopper) is not None
        if not yes:
            told = "" if known else " Nothing is held about them now; a message that is still on its way would then be refused."
            typer.confirm(f"Erase all data of shopper {shopper}?{told} This can't be taken back", abort=True)
        source = identity_of(settings.store).source
        people = People(store, Identities(settings.store.store), keys, gateway.now_s, source=source)
        outcome = waiting.in_thread(store.writer.transact(lambda tx: people.withdraw(tx, shopper)))
        folder = settings.shoppers.backups
        scrubbed = retention.scrub(store.engine, keys, [folder / KEYS_COPY] if folder is not None else [], people.marks)
    if as_json:
        print_json({"shopper": shopper, "erased": outcome.taken, "scrubbed": scrubbed})
        return
    if not outcome.taken:
        typer.echo(f"Nothing was held about {shopper}, so nothing was erased. A message still on its way will be refused.")
        return
    after = "and so are the bytes" if scrubbed else "the bytes go with the running gateway's next scrub"
    typer.echo(f"Everything about {shopper} is erased, {after}. What they were promised is still honoured, without a name.")
    days = settings.shoppers.erasure_digests_days
    typer.echo(f"How often they used offers with a worth is kept for {counted(days, 'day')}, under a hash that names nobody.")
