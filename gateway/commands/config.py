"""Which settings a command works with: those of `--config`, or else those of the box."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.settings import Settings, SettingsError, load_settings

SETTINGS_FILE = Path("/etc/etalage/etalage.toml")
"""Where an installed box has them."""

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help=f"The gateway's settings, as TOML; {SETTINGS_FILE} where none are named.")
]


def settings_file(config: Path | None) -> Path | None:
    """Return the settings to read: as named, or else the box's; None where the environment holds them all. Raises CommandError."""
    if config is not None:
        return config
    if SETTINGS_FILE.exists():
        return SETTINGS_FILE
    if any(name.startswith("ETALAGE_") for name in os.environ):
        return None
    raise CommandError(f"{SETTINGS_FILE}: there are no settings here; name yours, as in --config etalage.toml")


def settings_of(config: Path | None) -> Settings:
    """Load the settings. Raises CommandError."""
    try:
        return load_settings(settings_file(config))
    except SettingsError as error:
        raise CommandError(str(error)) from error


def settings_if_any(config: Path | None) -> Settings:
    """Load the settings, or the defaults on a box that has none yet: for what needs no shop. Raises CommandError."""
    if config is None and not SETTINGS_FILE.exists():
        return load_settings(None)
    return settings_of(config)
