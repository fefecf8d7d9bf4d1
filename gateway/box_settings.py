"""The settings that the dashboard keeps for the box: a TOML file of the service's own, beside the database.

It lies under the administrator's file: what stands there wins, and is shown as such. Only the settings in KEPT may stand in it, so
that nobody can lead the database or the keys elsewhere by a page. Whole or not at all: it is written beside, then put in place.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from gateway.private_files import put_in_place

FILE, PASSWORD_FILE = "settings.toml", "mqtt.password"
"""In the folder of the database."""
KEPT: Mapping[str, frozenset[str]] = {
    "shop": frozenset({"name", "timezone", "hours"}),
    "shoppers": frozenset({"controller", "contact", "visits_days"}),
    "mqtt": frozenset({"brokers", "user", "password_file", "ca_file", "allow_plain"}),
    "dashboard": frozenset({"language"}),
}
"""By section: what the dashboard may set. Few, and none that could keep the gateway from starting where it started before."""

Value = str | bool | int | list[str] | dict[str, list[str]]
Tree = dict[str, dict[str, Value]]
"""Section to its settings."""


class BoxSettingsError(Exception):
    """The file can't be used; `str()` says where, what, and what to do."""


def read(path: Path) -> Tree:
    """Return what the dashboard set so far; nothing where there is no file. Raises BoxSettingsError."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BoxSettingsError(f"{path}: can't be read ({error.strerror}); give it to the gateway's user") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoxSettingsError(f"{path}: not valid TOML ({error}); mend or remove it: the dashboard makes another") from error
    for section, values in tree.items():
        for name in values if isinstance(values, dict) else (section,):
            if name not in KEPT.get(section, ()):
                raise BoxSettingsError(f"{path}: {section}.{name} isn't for this file; put it into the administrator's settings")
    return tree


def write(path: Path, tree: Tree) -> None:
    """Put the settings in place, readable by the service alone. Raises OSError, and then the old ones stand."""
    put_in_place(path, written(tree).encode())


def written(tree: Tree) -> str:
    """Return the tree as TOML. JSON's text is TOML's too for what KEPT holds: strings, numbers, flags, lists of strings."""
    lines = ["# Kept by the dashboard. What stands in the administrator's settings wins over this."]
    for section, values in sorted(tree.items()):
        tables = {name: value for name, value in values.items() if isinstance(value, dict)}
        lines += ["", f"[{section}]"]
        lines += [f"{name} = {_plain(value)}" for name, value in sorted(values.items()) if name not in tables]
        for name, table in sorted(tables.items()):
            lines += ["", f"[{section}.{name}]", *(f"{key} = {_plain(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def version(tree: Mapping[str, object]) -> str:
    """Return what tells one state of the settings from another, for whoever saves an older one."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:16]


def merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return both trees as one: a setting of `over` wins, a section of both is of both."""
    result = dict(under)
    for name, value in over.items():
        below = result.get(name)
        result[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _plain(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
