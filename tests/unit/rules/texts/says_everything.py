"""Says, in the made-up language `qx`, what the product can say, and prints it as JSON: place to texts.

A process of its own: it runs in a copy of the product to which the language was added. What a shop wrote itself (the names in its
plan, its rule book's own words) is digits here, or a dot, so that every word left is the product's.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import httpx

import rules
from firmware_sim.phone.words import spoken_words
from gateway.books.lifecycle import _REFUSALS as BOOK_REFUSALS
from gateway.clock import Trust
from gateway.dashboard.app import create_app
from gateway.dashboard.panel import panel
from gateway.dashboard.sentences import happened, words_for_script
from gateway.dashboard.view import DatabaseNow, FeedItem, FeedItemKind, LinkNow
from gateway.messages import OptInGiven
from gateway.mqtt import handlers, intake
from gateway.objections import FAULTS, OTHER_FAULT, Objection
from gateway.offers import ledger
from gateway.privacy.consent_record import PURPOSE_WORDS
from gateway.privacy.dossier import _SAY
from gateway.privacy.papers import impact_assessment, privacy_statement
from gateway.privacy.report import privacy_report
from gateway.radio.health import REASONS, WORDS
from gateway.settings import DashboardSettings, Settings, StorageSettings
from gateway.shoppers import intake as shoppers_intake
from gateway.shoppers import purchases
from gateway.shoppers.profiles import _WHY
from gateway.storage import open_store
from gateway.zones.plan import StorePlan
from rules import BookError, explain, load_book, load_data
from rules.texts import LANGUAGES, Language, text
from rules.texts.messages import GATES, PROBLEMS
from rules.workbench.cases import situation_of_case
from rules.workbench.lifecycle import BookAction, LifecycleError, Version, step
from tests.support.pretend_view import PretendView

QX = Language("qx")
PLACES = ("pattern", "gt", "ge", "lt", "le", "expected", "count", "code")
"""What stands in the messages about faulty fields."""
NOT_SAID = ("zones", "language", "timezone")
SPOKEN_PARTS = ("title", "aria-label", "alt", "placeholder")
ZONE = {"id": "1", "polygon": [[0, 0], [4, 0], [4, 4], [0, 4]]}
PLAN = StorePlan.model_validate({"store": "1", "timezone": "Etc/UTC", "zones": [ZONE], "scanners": [{"id": "1", "zone": "1"}]})


class Spoken(HTMLParser):
    """The texts of a page that a person reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("script", "style")
        if dict(attrs).get("hreflang") or tag == "abbr":  # a language says its own name in itself
            return
        self.texts += [value for name, value in attrs if name in SPOKEN_PARTS and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip() not in ("", "Etalage", *(language.upper() for language in LANGUAGES)):
            self.texts.append(data.strip())


def without(words: set[str], said: str) -> str:
    """`said`, with a shop's own words as dots."""
    return re.sub(r"[\w.-]+", lambda match: "·" if match[0] in words else match[0], said)


async def page_and_refusals(view: PretendView, store: Any) -> tuple[list[str], list[str]]:
    app = create_app(view, settings=DashboardSettings(), store=store)
    spoken, refused = Spoken(), []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("127.0.0.1", 1)), base_url="http://127.0.0.1") as here:
        spoken.feed((await here.get("/?lang=qx")).text.replace("1 · Etalage", ""))
        refused += [(await here.get(path)).json() for path in ("/nothing?lang=qx", "/api/v1/events?limit=0&after=x&lang=qx")]
        refused.append((await here.post("/?lang=qx")).json())
        refused.append((await here.get("/?lang=qx", headers={"Host": "evil.example"})).json())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("10.0.0.9", 1)), base_url="http://127.0.0.1") as there:
        refused.append((await there.get("/?lang=qx")).json())
        refused.append((await there.get("/?lang=qx", headers={"Authorization": "Bearer 1"})).json())
    return spoken.texts, [part for one in refused for part in (one["title"], one["detail"], *(e["text"] for e in one["errors"]))]


def reasons() -> Iterator[str]:
    for path in sorted((Path(rules.__file__).parent / "books").glob("*.yaml")):
        book = load_book(path)
        own = set(re.findall(r"[\w.-]+", path.read_text())) | {"enter", "dwell", "exit", "in", "for"} | set(book.fields)
        for given in book.document.cases:
            situation = situation_of_case(book, given.given)
            for one in explain(book, situation):
                yield text(QX, GATES[one.gate])
                yield without(own, one.reason.expected[QX])
                yield without(own, one.reason.actual[QX])


def faults() -> Iterator[str]:
    broken: dict[str, Any] = {
        "book": "b",
        "salt": "1",
        "offers": [{"id": "1", "kind": "voucher", "at": {"event": "entr"}, "wat": 1}],
    }
    try:
        load_data(broken)
    except BookError as error:
        yield from (replace(problem, path="", nearest=None).text(QX) for problem in error.problems)
    yield from _filled(PROBLEMS.values())


def lifecycle() -> Iterator[str]:
    for action in BookAction:
        try:
            step(Version("1", "1"), action, "1", 0.0)
        except LifecycleError as error:
            yield error.words[QX]
    yield from _filled(BOOK_REFUSALS.values())


def _filled(messages: Iterable[str]) -> Iterator[str]:
    """Say messages with a 1 in each place."""
    messages = list(messages)
    places = {name: "1" for message in messages for name in re.findall(r"(?<!\{)\{(\w+)\}", message)}
    yield from (text(QX, message, **places) for message in messages)


def replies() -> Iterator[str]:
    """What the wire is answered: every objection that a room has ready, and those to messages that are wrong in many ways."""
    rooms = (handlers, intake, ledger, purchases, shoppers_intake)
    found = [value for room in rooms for value in vars(room).values() if isinstance(value, Objection)]
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "1",
        "type": OptInGiven.TYPE,
        "time": "1",
        "data": {"purposes": [1]},
        "x": 1,
    }
    for body in (b"x" * 100, b"{", b"[]", b"{}", json.dumps(event).encode()):
        refused = intake.read(body, {OptInGiven.TYPE}, 99 if body.startswith(b"x") else 10_000)
        assert isinstance(refused, intake.Refused)
        found += refused.reasons
    for one in found:
        yield one._replace(values=dict.fromkeys(one.values, "1")).said(QX)
    yield from (text(QX, message) for message in _WHY.values())
    yield from (text(QX, message, **dict.fromkeys(PLACES, "1")) for message in (*FAULTS.values(), OTHER_FAULT))


def main() -> None:
    """Say everything."""
    view = PretendView(PLAN, seed=1)
    view.come(["s-1"])
    view.link, view.database, view.trust = LinkNow("1", False, 1, failure="1"), DatabaseNow(1, "1"), Trust(False, "stepped")
    kinds = [kind for part in get_args(FeedItemKind) for kind in (get_args(part) or (part,))]
    with TemporaryDirectory() as folder:
        store = open_store(StorageSettings(path=Path(folder) / "etalage.db"))
        page, refusals = asyncio.run(page_and_refusals(view, store))
        with store.read() as connection:
            made = privacy_report(connection, [], Settings(), 0.0, QX)
        store.close()
    script = words_for_script(PLAN, QX)
    happenings: dict[str, str] = script.pop("happened")  # type: ignore[assignment]
    shown = panel(view.health())
    papers = [paper(made, Settings()) for paper in (privacy_statement, impact_assessment)]
    numbers = {name: "1" for message in WORDS.values() for name in re.findall(r"\{(\w+)\}", message)}
    said = {
        "languages": [language.value for language in LANGUAGES],
        "page": page,
        "stream": [
            *(happened(FeedItem(0.0, kind, 1, "1", 1.0, "1"), PLAN, QX) for kind in kinds),
            *(re.sub(r"\{\w+\}", "", sentence) for sentence in happenings.values()),
            *(
                re.sub(r"\{\w+\}", "", str(script[name]))
                for name in ("visitor", "somebody", "anOffer", "quoted", "unknown", "connecting")
            ),
            *(line.words[QX] for line in (shown.link, shown.database, shown.clock, *shown.scanners)),
            shown.heading[QX],
            shown.scanners_heading[QX],
        ],
        "refusals": refusals,
        "replies": list(replies()),
        "reasons": list(reasons()),
        "faults": list(faults()),
        "lifecycle": list(lifecycle()),
        "health": [*(text(QX, message, **numbers) for message in WORDS.values()), *(text(QX, reason) for reason in REASONS)],
        "report": [part for line in made.collected for part in (line.label, line.why, line.supplier)]
        + [part for line in made.kept for part in (line.holds, line.how_long)],
        "dossier": [text(QX, message) for message in (*_SAY.values(), *PURPOSE_WORDS.values())],
        "phone": [said for name, said in spoken_words()[QX].items() if not name.startswith("other")],
        "papers": [re.sub(r"`[^`]*`", "", paragraph) for paper in papers for paragraph in paper.split("\n\n")],
    }
    print(json.dumps(said, ensure_ascii=False))


if __name__ == "__main__":
    main()
