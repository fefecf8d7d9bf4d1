"""The demo's staff: somebody of each role, with a link that lets the person at the screen in as them."""

from __future__ import annotations

import contextlib
import secrets

from gateway.settings import StorageSettings
from gateway.storage import Connection, accounts, open_store
from gateway.storage.accounts import LinkKind
from gateway.storage.users import Role, create_token
from rules.texts import Language

STAFF = {Role.OWNER: "Sanne", Role.ADMIN: "Wim", Role.MARKETEER: "Joost", Role.STAFF: "Fatima", Role.VIEWER: "Noor"}
GOOD_FOR_S = 86_400.0
LINKS_EACH = 5
"""A link works once; who reloads, or has a phone beside the PC, needs another."""


def let_in(storage: StorageSettings, now_s: float) -> tuple[dict[Role, list[str]], str]:
    """Make the staff in a database that isn't claimed. Blocks.

    Return the paths of the pages that let one in, by role, and a token of an administrator's for programs.
    """
    links = {role: [secrets.token_urlsafe(16) for _ in range(LINKS_EACH)] for role in STAFF}

    def make(connection: Connection) -> str:
        for role, name in STAFF.items():
            accounts.add(connection, name, role, Language.NL, None, now_s)
            for secret in links[role]:
                accounts.add_link(connection, secret, name, LinkKind.ENTER, now_s + GOOD_FOR_S)
        return create_token(connection, name="demo", role=Role.ADMIN, at_s=now_s)

    with contextlib.closing(open_store(storage)) as store:
        token = store.writer.write_blocking(make)
    return {role: [f"enter/{secret}" for secret in paths] for role, paths in links.items()}, token
