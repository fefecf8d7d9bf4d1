"""The page about backups: make one, see that it can be restored, take it elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.backups import Backups
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.problems import Problem
from gateway.dashboard.sentences import local_moment
from gateway.storage import Store, audit
from gateway.storage.backup_file import BackupError
from gateway.storage.keys import KeysError
from gateway.storage.users import Role
from rules.texts import N_

Staff = Annotated[Caller, Depends(require(Role.STAFF))]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
FreshAdmin = Annotated[Caller, Depends(require(Role.ADMIN, fresh=True))]
MEGABYTE = 1_000_000


def router(backups: Backups, store: Store, now_s: Callable[[], float], timezone: str) -> APIRouter:
    """The pages under /shop/backup."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/backup")
    def backup_page(request: Request, caller: Staff) -> HTMLResponse:
        """Show the backups there are."""
        language = language_of(request)
        rows = [
            (file.name, local_moment(file.made_at_s, timezone, language), f"{max(file.size_bytes / MEGABYTE, 0.1):.1f} MB")
            for file in backups.every()
        ]
        return render(request, "backup.html", rows=rows, folder=backups.folder, may_make=caller.may(Role.ADMIN))

    @routes.post("/shop/backup")
    async def make(caller: Admin) -> Response:
        """Make one, and prove that it can be restored."""
        try:
            name = await asyncio.to_thread(backups.make)
        except (BackupError, KeysError, OSError) as error:
            raise Problem(503, "no_backup", N_("The backup could not be made."), "{why}", why=error) from error
        await store.writer.write(lambda connection: audit.note(connection, now_s(), caller.name, "made_backup", name))
        return see_other("/shop/backup", N_("Made, and restored as a test: {name}."), {"name": name})

    @routes.get("/shop/backup/{name}")
    async def download(name: str, caller: FreshAdmin) -> FileResponse:
        """Give a backup to take elsewhere. Without the keys it tells of nobody."""
        path = await asyncio.to_thread(backups.path_of, name)
        if path is None:
            raise Problem(404, "no_such_backup", N_("There is no such backup."), N_("See which there are under Shop, Backups."))
        await store.writer.write(lambda connection: audit.note(connection, now_s(), caller.name, "took_backup", name))
        return FileResponse(path, media_type="application/gzip", filename=name)

    return routes
