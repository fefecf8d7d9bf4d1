"""Another language is one line and one catalogue: with a made-up one, nothing is said past the catalogue.

The product is copied, the line and the catalogue are added to the copy, and a process of its own says everything it can say there.
The made-up language wraps every text in ⟦ ⟧, so a sentence that came past the catalogue shows.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from rules.texts.catalogue import Language

ROOT = Path(__file__).parents[4]
PLACES = (
    "page",
    "stream",
    "refusals",
    "reasons",
    "faults",
    "lifecycle",
    "health",
    "report",
    "dossier",
    "papers",
    "phone",
    "replies",
)
LINE = '    EN = "en"\n'
SPEAKER = Path(__file__).with_name("says_everything.py")
UNSAID = re.compile(r"[^\W\d_]{2,}")
"""Two letters together are a word of some language."""


def _made_up(said: str | tuple[str, ...] | list[str]) -> str | tuple[str, ...]:
    """A text, or each form of one that has a plural, in the made-up language."""
    if isinstance(said, str):
        return said if said == "1.5" else f"⟦{said}⟧"
    return tuple(f"⟦{one}⟧" for one in said)


def pseudo(written: Catalog) -> bytes:
    """A catalogue in which every text is its English between brackets."""
    catalogue = Catalog(locale="en_US_POSIX")
    for message in written:
        if message.id:
            catalogue.add(message.id, _made_up(message.id))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """Everything the product says in the made-up language, by where it says it."""
    copy = tmp_path_factory.mktemp("product")
    for room in ("rules", "gateway", "firmware_sim"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "guest"))
    texts = copy / "rules" / "texts"
    source = (texts / "catalogue.py").read_text()
    assert LINE in source
    (texts / "catalogue.py").write_text(source.replace(LINE, LINE + '    QX = "qx"\n'))
    folder = texts / "locale" / "qx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "etalage.mo").write_bytes(pseudo(read_po((texts / "locale/nl/LC_MESSAGES/etalage.po").open("rb"), locale="nl")))
    path = {"PYTHONPATH": f"{copy}{os.pathsep}{ROOT}"}
    run = subprocess.run([sys.executable, str(SPEAKER)], env=path, cwd=copy, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return {place: list(texts) for place, texts in json.loads(run.stdout).items()}


def past_the_catalogue(text: str) -> str:
    """What of a text stands outside the brackets of the made-up language."""
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = inner
    return " ".join(UNSAID.findall(text))


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_said_past_the_catalogue(said: Mapping[str, list[str]], place: str) -> None:
    assert said[place]
    assert [(text, past) for text in said[place] if (past := past_the_catalogue(text))] == []


def test_the_made_up_language_is_offered_on_the_page(said: Mapping[str, list[str]]) -> None:
    assert "qx" in said["languages"]
    assert {language.value for language in Language} < set(said["languages"])
