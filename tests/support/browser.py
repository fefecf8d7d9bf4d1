"""A person's browser without a screen: it keeps cookies, follows redirects, and sends the forms that a page has."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx
from fastapi import FastAPI

FORM = re.compile(r"<form\b(?P<marks>[^>]*)>(?P<inside>.*?)</form>", re.S)
ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')
FIELD = re.compile(r"<(?:input|select|textarea)\b([^>]*)>")


@dataclass
class Browser:
    """Goes to pages of one application from one address."""

    app: FastAPI
    address: str = "192.168.1.7"
    base: str = "https://192.168.1.20:8443"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    page: httpx.Response | None = None

    async def go(self, path: str, **headers: str) -> httpx.Response:
        """Open a page, and what it leads on to."""
        return await self._call("GET", path, headers=headers)

    async def send(self, values: dict[str, str] | None = None, form: int = 0, **headers: str) -> httpx.Response:
        """Fill in a form of the page that is open, and send it."""
        assert self.page is not None
        found = [match for match in FORM.finditer(self.page.text) if 'method="post"' in match["marks"]][form]
        marks = dict(ATTRIBUTE.findall(found["marks"]))
        hidden = [dict(ATTRIBUTE.findall(attributes)) for attributes in FIELD.findall(found["inside"])]
        sent = {one["name"]: html.unescape(one.get("value", "")) for one in hidden if one.get("type") == "hidden"} | (values or {})
        origin = {"Origin": self.base} | headers
        action = html.unescape(marks.get("action", str(self.page.url.raw_path.decode())))
        return await self._call("POST", action, data=sent, headers=origin)

    async def _call(self, method: str, path: str, *, data: dict[str, str] | None = None, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, client=(self.address, 50_000), raise_app_exceptions=False)
        accept = {"Accept": "text/html", "Accept-Language": "en"} | headers
        url = urljoin(self.base, path)
        async with httpx.AsyncClient(transport=transport, cookies=self.cookies, follow_redirects=True) as client:
            self.page = await client.request(method, url, data=data, headers=accept)
            self.cookies = client.cookies
        return self.page
