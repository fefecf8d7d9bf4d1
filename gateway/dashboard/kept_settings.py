"""What the dashboard sets for the box, checked together with the administrator's file before any of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway import box_settings
from gateway.box_settings import Tree, Value
from gateway.private_files import put_in_place
from gateway.settings import Settings, next_settings, set_by_administrator, with_kept


class KeptSettings:
    """The box's own settings. `config`: the administrator's file. Any thread; a change counts from the gateway's next start."""

    def __init__(self, config: Path | None, running: Settings) -> None:
        self._config = config
        self.running = running
        """The settings that this gateway started with."""
        self._path = running.storage.dashboard_path
        self.fixed = set_by_administrator(config)
        """What a page can't change, as `mqtt.brokers`."""

    def now(self) -> Settings:
        """Return the settings as the next start would read them. Raises SettingsError."""
        return next_settings(self._config, self.running)

    @property
    def version(self) -> str:
        """Return what tells the state of the kept settings from any other. Raises BoxSettingsError."""
        return box_settings.version(box_settings.read(self._path))

    @property
    def waits(self) -> bool:
        """Tell whether something was set that counts from the next start."""
        return self.now() != self.running

    def put(self, section: str, values: Mapping[str, Value | None]) -> None:
        """Keep settings of one section, all or none; None takes one away. What the administrator set stays.

        Raises SettingsError where the next start would refuse them, BoxSettingsError, OSError.
        """
        tree: Tree = dict(box_settings.read(self._path))
        kept = {**tree.get(section, {}), **{name: value for name, value in values.items() if value is not None}}
        tree[section] = {name: value for name, value in kept.items() if name not in values or values[name] is not None}
        with_kept(self._config, tree, self.running)
        box_settings.write(self._path, tree)

    def put_password(self, password: str) -> str:
        """Keep the broker's password in a file of its own; return its path, as a setting has it. Raises OSError."""
        path = self._path.with_name(box_settings.PASSWORD_FILE).absolute()
        put_in_place(path, f"{password}\n".encode())
        return str(path)
