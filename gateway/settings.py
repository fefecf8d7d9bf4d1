"""One frozen tree of settings: defaults here, a TOML file over them, `ETALAGE_…` variables over that.

Every field has its unit in its name, a default and a sentence of help; docs/settings.md is made from them. A word this tree doesn't
know stops the start, with the nearest word it does know.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

TopicId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
"""An id that may stand in a topic: lower case, digits, `_` and `-`."""


class SettingsError(Exception):
    """The configuration can't be used; `str()` is one line per fault: where, what, and what to do."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(Section):
    """Which shop this box stands in, and the files that describe it."""

    chain: TopicId = Field("demo-chain", description="Id of the chain, as in every topic.")
    store: TopicId = Field("demo", description="Id of this shop, as in every topic.")
    gateway: TopicId = Field("gw-1", description="Id of this box, unique in the shop.")
    plan: Path = Field(Path("plan.yaml"), description="Store plan: zones, scanners, fixed beacons, opening hours.")
    rule_book: Path | None = Field(
        None, description="Rule book that goes live at the first start; later ones by API or command."
    )
    calibration: Path | None = Field(None, description="Calibration of this place, as `etalage calibrate` wrote it.")
    optins: Path | None = Field(None, description="Opt-ins known beforehand, for a shop without an app backend (loyalty fobs).")


class RadioSettings(Section):
    """What this box itself hears."""

    adapters: dict[TopicId, str] = Field(
        {"pi-1": "hci0"},
        description="This box's Bluetooth adapters: the scanner's id in the store plan, and the adapter's name (hci0) or its address. "
        "An address keeps its place when USB sticks are swapped. Empty: this box itself hears nothing.",
    )
    source: Literal["auto", "mgmt", "bleak"] = Field(
        "auto",
        description="How the adapters are read: the kernel's management socket (needs CAP_NET_ADMIN), BlueZ through bleak, or the first "
        "that this process may use.",
    )
    uuids: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")], ...] = Field(
        (),
        description="The beacon uuids of this shop, 32 hex digits each: what the scanner role passes on, `etalage record` writes, and the "
        "ears' quality is measured by.",
    )
    beacon_interval_ms: int | None = Field(
        None, ge=20, le=10_240, description="Advertising interval of the shop's beacons, in ms, if they share one; else it is estimated."
    )
    may_power_cycle: bool = Field(
        True, description="A deaf adapter may be powered off and on, and reset. Off where something else on this box uses Bluetooth."
    )


class ZonesSettings(Section):
    """How readings become zones."""


class ShoppersSettings(Section):
    """Consent, identities, profiles and how long anything is kept."""


class OffersSettings(Section):
    """Promises and vouchers."""


class MqttSettings(Section):
    """The link to the store app's backend."""


class StorageSettings(Section):
    """The database file."""

    path: Path = Field(Path("etalage.db"), description="SQLite file. Its folder must be writable by the gateway only.")
    url: SecretStr | None = Field(
        None,
        description="Another database in place of the file, as an SQLAlchemy URL (PostgreSQL, several gateways in a venue).",
    )
    group_commit_max: int = Field(256, ge=1, le=10_000, description="Most pieces of work that share one commit.")
    busy_timeout_s: float = Field(
        5.0, gt=0, description="How long a write waits for another process's lock before the next try."
    )
    wal_limit_mb: int = Field(16, ge=1, description="Size the write-ahead log is cut back to, in MB.")
    free_space_min_mb: int = Field(64, ge=1, description="Below this much free disk the box stops making new promises, in MB.")


class DashboardSettings(Section):
    """The local web page."""

    enabled: bool = Field(True, description="Serve the dashboard and the API.")
    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs users to be set up first.")
    port: int = Field(8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")


class LogSettings(Section):
    """What the log says."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least serious line that is written.")
    format: Literal["console", "json"] = Field("console", description="For a person at a terminal, or one JSON object a line.")


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="ETALAGE_", env_nested_delimiter="__")

    store: StoreSettings = Field(default=StoreSettings(), description="Which shop this is.")
    radio: RadioSettings = Field(default=RadioSettings(), description="What this box hears.")
    zones: ZonesSettings = Field(default=ZonesSettings(), description="How readings become zones.")
    shoppers: ShoppersSettings = Field(default=ShoppersSettings(), description="Consent, identities, profiles, retention.")
    offers: OffersSettings = Field(default=OffersSettings(), description="Promises and vouchers.")
    mqtt: MqttSettings = Field(default=MqttSettings(), description="The link to the backend.")
    storage: StorageSettings = Field(default=StorageSettings(), description="The database.")
    dashboard: DashboardSettings = Field(default=DashboardSettings(), description="The local web page.")
    log: LogSettings = Field(default=LogSettings(), description="What the log says.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else speaks."""
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """The settings from `path` (TOML) and the environment; relative paths count from the file's folder.

    Raises SettingsError with one line per fault.
    """
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: can't be read ({error.strerror}); give the path of an existing file") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML ({error}); mend that line") from error
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        source = str(path) if path else "environment"
        raise SettingsError("\n".join(f"{source}: {_fault(fault)}" for fault in error.errors())) from error
    return _anchored(settings, path.parent if path else Path())


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{where}: {fault['msg']} (got {_shown(fault)})"
    known = _known_words(fault["loc"][:-1])
    near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
    return f"{where}: no such setting; " + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}")


def _shown(fault: Any) -> str:
    """A wrong value helps to find the fault, but what may be a secret is not repeated."""
    secret = any(word in str(part) for part in fault["loc"] for word in ("password", "url", "key", "secret"))
    return "a value not shown here" if secret else repr(fault["input"])[:80]


def _known_words(place: tuple[str, ...]) -> list[str]:
    model: Any = Settings
    for part in place:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """The same settings with every relative path counted from `folder`."""
    changed = {}
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        paths = {key: folder / value for key, value in section if isinstance(value, Path)}
        changed[name] = section.model_copy(update=paths)
    return settings.model_copy(update=changed)
