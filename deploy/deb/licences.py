"""The licences of everything in a package: gathered from what each part says of itself, and checked against Apache-2.0.

python -m deploy.deb.licences SITE_PACKAGES
"""

from __future__ import annotations

import email.message
import email.parser
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GO_WITH_APACHE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense", "Zlib"}
)
"""SPDX ids of licences that ask for their notice and no more, so that the whole can be passed on under Apache-2.0."""
SPELLED = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Apache Software License": "Apache-2.0",
}
"""How parts without an SPDX expression spell theirs. Jinja2's "BSD License" has three clauses, by its text."""


class LicenceError(Exception):
    """A part may not be passed on, or doesn't say under which licence; `str()` is a line for each."""


@dataclass(frozen=True, slots=True)
class Part:
    """One package inside ours."""

    name: str
    version: str
    licence: str
    """SPDX expression; empty where it says none."""
    folder: Path
    """Its dist-info."""

    @property
    def texts(self) -> list[Path]:
        """Return its licence texts and notices."""
        return sorted(
            path for path in self.folder.rglob("*") if re.match("licen[cs]e|notice|copying|edl|epl", path.name, re.IGNORECASE)
        )


def parts(site: Path) -> Iterator[Part]:
    """Yield every part below a site-packages folder, by name."""
    for folder in sorted(site.glob("*.dist-info"), key=lambda path: path.name.lower()):
        said = email.parser.BytesParser().parsebytes((folder / "METADATA").read_bytes())
        yield Part(str(said["Name"]), str(said["Version"]), _licence(said), folder)


def _licence(said: email.message.Message) -> str:
    if said["License-Expression"]:
        return str(said["License-Expression"])
    classes = [each.rpartition(":: ")[2] for each in said.get_all("Classifier", []) if each.startswith("License ::")]
    names = [str(said["License"] or ""), *classes]
    return next((SPELLED.get(name, name) for name in names if SPELLED.get(name, name) in GO_WITH_APACHE), names[0][:60])


def goes(expression: str) -> bool:
    """Tell whether an SPDX expression leaves a way to pass the part on under Apache-2.0: of an OR one side, of an AND all."""
    words = re.findall(r"[()]|[^\s()]+", expression)
    ways, rest = _either(words)
    return ways and not rest


def _either(words: list[str]) -> tuple[bool, list[str]]:
    value, words = _all_of(words)
    while words[:1] == ["OR"]:
        other, words = _all_of(words[1:])
        value = value or other
    return value, words


def _all_of(words: list[str]) -> tuple[bool, list[str]]:
    value, words = _one(words)
    while words[:1] == ["AND"]:
        other, words = _one(words[1:])
        value = value and other
    return value, words


def _one(words: list[str]) -> tuple[bool, list[str]]:
    if words[:1] == ["("]:
        value, words = _either(words[1:])
        return value, words[1:]
    return bool(words) and words[0] in GO_WITH_APACHE, words[1:]


def check(found: list[Part]) -> None:
    """Raise LicenceError for what may not be passed on."""
    wrong = [f"{part.name} {part.version}: {part.licence or 'says no licence'}" for part in found if not goes(part.licence)]
    if wrong:
        raise LicenceError("not to be passed on under Apache-2.0:\n" + "\n".join(wrong))


def write(site: Path, doc: Path, own: Path) -> None:
    """Write Debian's copyright file and every licence's text below `doc`. Raises LicenceError."""
    found = list(parts(site))
    check(found)
    doc.mkdir(parents=True, exist_ok=True)
    lines = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
        "Upstream-Name: etalage",
        "Comment: A virtual environment with everything that Etalage uses. The texts and copyright notices of each part are in",
        " /usr/share/doc/etalage/licences. This list is made from what each part says of itself.",
        "",
        "Files: *",
        "Copyright: The Etalage developers",
        "License: Apache-2.0",
        " On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.",
    ]
    for part in found:
        if part.name == "etalage":
            continue
        folder = doc / "licences" / part.name
        folder.mkdir(parents=True, exist_ok=True)
        for text in part.texts:
            if text.is_file():
                shutil.copy(text, folder / "-".join(text.relative_to(part.folder).parts))
        lines += [
            "",
            f"Files: usr/lib/etalage/*/{part.folder.name}",
            f"Copyright: see licences/{part.name}",
            f"License: {part.licence}",
        ]
    (doc / "copyright").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copy(own, doc / "licences" / "etalage")


def main() -> None:
    """Print each part with its licence; fail where one may not be passed on."""
    found = list(parts(Path(sys.argv[1])))
    for part in found:
        print(f"{part.name:24} {part.version:12} {part.licence}")
    try:
        check(found)
    except LicenceError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
