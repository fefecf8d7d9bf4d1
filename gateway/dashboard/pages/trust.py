"""The page that explains a connection the browser warns of, and gives the box's own authority to install."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.dashboard.access.middleware import host_name
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.tls.authority import ServerCertificate

AUTHORITY_TYPE = "application/x-x509-ca-cert"


def router(certificate: ServerCertificate | None, tls_port: int | None) -> APIRouter:
    """The page at /trust, and the authority's certificate; without TLS there is nothing to trust."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/trust")
    def trust(request: Request) -> Response:
        """Show what the warning means, and the fingerprint to compare."""
        if certificate is None:
            return RedirectResponse("/", 303)
        return _page(request, certificate, tls_port)

    @routes.get("/trust/etalage.crt")
    def authority() -> Response:
        """The authority, for devices to install."""
        if certificate is None or certificate.authority is None:
            return Response(status_code=404)
        return Response(certificate.authority, media_type=AUTHORITY_TYPE)

    return routes


def _page(request: Request, certificate: ServerCertificate, tls_port: int | None) -> HTMLResponse:
    name = host_name(request.headers.get("host", "")) or ""
    shown = f"[{name}]" if ":" in name else name
    return render(
        request,
        "trust.html",
        framed=False,
        fingerprint=certificate.fingerprint,
        authority=certificate.authority is not None,
        safe_address=f"https://{shown}:{tls_port}/",
    )
