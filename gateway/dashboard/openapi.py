"""The OpenAPI document: what FastAPI knows of the calls, and what it doesn't: who may call, and what streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import Mount, compile_path

from gateway.dashboard import problems
from gateway.dashboard.access.callers import RIGHTS, Required
from gateway.dashboard.access.csrf import HEADER, SESSION_COOKIE
from gateway.dashboard.hub import STREAMED
from gateway.dashboard.reading import STREAM
from gateway.storage.users import Role

JsonObject = dict[str, Any]
"""A part of the document, as FastAPI makes it."""
REF = "#/components/schemas/{model}"
SERVERS = [
    {"url": "/", "description": "The box that serves this document."},
    {
        "url": "https://{box}:{port}",
        "description": "A box in the shop's network.",
        "variables": {
            "box": {"default": "etalage.local", "description": "Its name or address."},
            "port": {"default": "8443", "description": "As `dashboard.tls_port`."},
        },
    },
]
SECURITY_SCHEMES: Mapping[str, JsonObject] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "For programs. `etalage users token --role …` makes one.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": f"For the dashboard's own pages: a signed-in browser. A change also needs its CSRF token in `{HEADER}`.",
    },
}


class DescribedApi(FastAPI):
    """FastAPI with a document that a client can be generated from."""

    def openapi(self) -> JsonObject:
        """Return the document; made once."""
        if self.openapi_schema is None:
            document: JsonObject = super().openapi()
            document["servers"] = SERVERS
            document["components"]["securitySchemes"] = dict(SECURITY_SCHEMES)
            document["components"]["schemas"] |= _streamed()
            roles = dict(_roles(self))
            for path, calls in document["paths"].items():
                for method, call in calls.items():
                    _describe(call, roles.get((path, method)))
            document["paths"][STREAM]["get"]["responses"]["200"]["content"] = _stream_content()
            _untitle(document)
            self.openapi_schema = document
        return self.openapi_schema


def operation_id(route: APIRoute) -> str:
    """Return what a call is named in a generated client: as its function is here, `list_zones`."""
    return route.name


def methods_at(app: FastAPI, path: str) -> frozenset[str]:
    """Return the methods that a path takes; none: there is nothing at it."""
    found = {method for route in _routes(app) if compile_path(route.path)[0].match(path) for method in route.methods or ()}
    mounted = {"GET"} if any(isinstance(route, Mount) and path.startswith(f"{route.path}/") for route in app.routes) else set()
    return frozenset(found | mounted)


def _describe(call: JsonObject, role: Role | None) -> None:
    """Say in one call of the document what it does, who may do it, and what its errors look like."""
    summary, _, _more = call["description"].partition(". ")
    call["summary"] = summary.removesuffix(".").split("\n")[0]
    for status in problems.RESPONSES.keys() & call["responses"].keys():
        call["responses"][status]["content"] = {problems.MEDIA_TYPE: {"schema": {"$ref": REF.format(model="ProblemDetails")}}}
    if role is not None:
        may = [one.value for one, rights in RIGHTS.items() if role in rights]
        call["description"] += f"\n\nNeeds the role {role.value}; who may: {', '.join(may)}."
        call["x-role"] = role.value
        call["security"] = [{"token": []}, {"session": []}]


def _roles(app: FastAPI) -> Iterator[tuple[tuple[str, str], Role]]:
    """Yield (path, method) of each call with the role that it asks for."""
    for route in _routes(app):
        role = next(_required(route.dependant), None)
        if role is not None:
            yield from (((route.path, method.lower()), role) for method in route.methods or ())


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yield every route that a function of ours answers."""
    for included in app.routes:
        yield from getattr(included, "effective_route_contexts", list)()  # FastAPI keeps included routers whole


def _required(dependant: Dependant) -> Iterator[Role]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Required):
            yield inner.call.role
        yield from _required(inner)


def _streamed() -> JsonObject:
    """Return the schemas of what the live stream sends, and of one of its events."""
    made: JsonObject = {}
    events = []
    for event, model in STREAMED.items():
        schema = TypeAdapter(model).json_schema(mode="serialization", ref_template=REF)
        made |= schema.pop("$defs", {})
        made[model.__name__] = schema
        data = {"$ref": REF.format(model=model.__name__)}
        events.append(
            {
                "type": "object",
                "required": ["event", "data"],
                "properties": {"event": {"const": event, "type": "string"}, "data": data},
            }
        )
    return {**made, "LiveEvent": {"description": "One event of the live stream: its name, and what `data` holds.", "oneOf": events}}


def _stream_content() -> JsonObject:
    """Return the stream as OpenAPI 3.1 can say it: text, each event of which is a LiveEvent (3.2 has `itemSchema` for it)."""
    told = "Server-sent events. `event` and the JSON in `data` are those of LiveEvent; feed rows carry an `id` to resume after."
    return {
        "text/event-stream": {
            "schema": {"type": "string", "description": told},
            "x-item-schema": {"$ref": REF.format(model="LiveEvent")},
        }
    }


def _untitle(node: object) -> None:
    """Take away the titles of properties and parameters: generators make types of them. A model keeps its name."""
    if isinstance(node, list):
        for one in node:
            _untitle(one)
    elif isinstance(node, dict):
        if (
            "properties" not in node
            and isinstance(node.get("title"), str)
            and {"type", "anyOf", "$ref", "const", "enum"} & node.keys()
        ):
            del node["title"]
        for value in node.values():
            _untitle(value)
