"""The HTTP API, /api/v1: one module per room.

Each module has a function `router(...) -> fastapi.APIRouter` that takes what the room's calls need (a ledger, a store, …) and gives
routes with paths from the resource on (`/redemptions`). The app hands the routers to `create_app(..., routers=[...])`, which puts
them under /api/v1 and behind the door. A route says who may call it with `Depends(require(Role.STAFF))`, and raises `Problem`.
"""
