"""One frozen tree of settings: defaults here, a TOML file over them, `ETALAGE_…` variables over that.

Every field has its unit in its name, a default and a sentence of help; docs/settings.md is made from them. A word this tree doesn't
know stops the start, with the nearest word it does know.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway import box_settings
from rules.texts import Language

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
    plan: Path | None = Field(
        None,
        description="Store plan as a file (zones, scanners, fixed beacons, opening hours), for who prefers that: the dashboard's "
        "plan editor then only shows it. Unset: the plan that is drawn there.",
    )
    rule_book: Path | None = Field(None, description="Rule book that goes live at the first start; later ones by API or command.")
    calibration: Path | None = Field(None, description="Calibration of this place, as `etalage calibrate` wrote it.")
    optins: Path | None = Field(None, description="Opt-ins known beforehand, for a shop without an app backend (loyalty fobs).")


class ShopSettings(Section):
    """What the shop says of itself for good. It wins over the store plan, and is set in the dashboard."""

    name: str = Field("", max_length=60, description="Name of the shop, as pages show it; empty: the store plan's.")
    timezone: str = Field("", max_length=64, description="Its time zone, as Europe/Amsterdam; empty: the store plan's.")
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], tuple[str, str]] = Field(
        {}, description='Opening hours by day, as mon = ["09:00", "18:00"]; a day left out is closed. Empty: the store plan\'s.'
    )


class RadioSettings(Section):
    """What this box itself hears."""

    adapters: dict[TopicId, str] = Field(
        {"pi-1": "hci0"},
        description="This box's Bluetooth adapters: the scanner's id in the store plan, and the adapter's name (hci0) or address. "
        "An address keeps its place when USB sticks are swapped. Empty: this box itself hears nothing.",
    )
    source: Literal["auto", "mgmt", "bleak"] = Field(
        "auto",
        description="How the adapters are read: the kernel's management socket (needs CAP_NET_ADMIN), BlueZ through bleak, or the "
        "first that this process may use.",
    )
    uuids: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")], ...] = Field(
        (),
        description="The beacon uuids of this shop, 32 hex digits each: what the scanner role passes on, `etalage record` writes, "
        "and the scanners' quality is measured by.",
    )
    beacon_interval_ms: int | None = Field(
        None,
        ge=20,
        le=10_240,
        description="Advertising interval of the shop's beacons, in ms, if they share one; else it is estimated.",
    )
    others: dict[Literal["espresense", "theengs", "minew", "shelly", "raddec"], str] = Field(
        {}, description="Other makers' scanners to listen to: the format, and the MQTT topic filter they publish on."
    )
    names: dict[str, TopicId] = Field(
        {}, description="What another scanner calls itself (room name, address), and its id in the store plan, where they differ."
    )
    may_power_cycle: bool = Field(
        True,
        description="A deaf adapter may be powered off and on, and reset. Off where something else on this box uses Bluetooth.",
    )


class ZonesSettings(Section):
    """How readings become zones."""

    step_s: float = Field(1.0, ge=0.25, le=5, description="Readings of so many seconds are judged together.")
    false_entry_cost: float = Field(
        10.0,
        ge=1,
        le=1000,
        description="How many times worse a false entry is than staying in the old zone a moment too long: an entry is announced "
        "when its odds are better than this. Lower is faster, higher is calmer; docs/zones.md has the curve.",
    )
    gone_after_s: float = Field(30.0, ge=5, le=3600, description="Nothing heard of a shopper for so long means they left the shop.")
    dwell_steps_s: tuple[float, ...] = Field(
        (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600),
        description="Lengths of a stay at which a dwell move is made, in seconds, rising.",
    )
    learns: bool = Field(
        True, description="Keep learning what is heard where, slowly, from those who are followed. A restart unlearns."
    )
    most_shoppers: int = Field(
        5000, ge=1, description="Shoppers followed at the same time at most; bounds memory (about 8 kB each)."
    )


class ShoppersSettings(Section):
    """Consent, identities, profiles and how long anything is kept."""

    controller: str = Field("", description="Who answers for the data (controller): name and address, as in the privacy statement.")
    contact: str = Field("", description="Where shoppers turn to with questions and requests: an e-mail address or a web page.")
    idle_days: int = Field(
        730, ge=30, le=3660, description="Days without a visit or a new consent after which a consent lapses: all is erased."
    )
    visits_days: int = Field(400, ge=90, le=3660, description="Days a finished visit is kept; stages look back on 90.")
    journey_days: int = Field(
        400, ge=365, le=3660, description="Days kept: what a shopper did with offers, why a stage changed; stages look back on 365."
    )
    purchases_days: int = Field(
        400, ge=1, le=3660, description="Days a purchase is kept: amounts, and the product groups that a rule reads."
    )
    profile_days: int = Field(400, ge=1, le=3660, description="Days a profile's value is kept after it was last sent or answered.")
    attention_days: int = Field(90, ge=1, le=3660, description="Days an untouched attention budget is kept; by then it is full.")
    consent_events_days: int = Field(
        1826, ge=365, le=3660, description="Days it is kept how a standing consent came about, to prove it (GDPR article 7)."
    )
    erasures_days: int = Field(
        1826, ge=30, le=3660, description="Days the proof of an erasure is kept: time, number of rows, no name."
    )
    erasure_digests_days: int = Field(
        400,
        ge=30,
        le=3660,
        description="Days a proof keeps its keyed hash, against late messages and old backups; keep no backup longer than this.",
    )
    backups: Path | None = Field(
        None, description="Folder for backups, better on another disk; the one copy of the keys lies there and follows erasures."
    )


class OffersSettings(Section):
    """Promises and vouchers."""

    history_days: int = Field(
        400, ge=1, le=3660, description="Days of a shopper's history that limits and cool-downs look back on; a year's limit fits."
    )
    decisions_days: int = Field(30, ge=1, le=3660, description="Days a decision's log entry is kept, for reports and replay.")
    promises_days: int = Field(
        400, ge=1, le=3660, description="Days a promise, its receipts and redemptions are kept after the promise's end."
    )
    late_receipt_hours: float = Field(
        48.0,
        ge=0,
        le=720,
        description="Hours after a voucher's end in which a receipt of an earlier redemption is still taken; until then its share "
        "of the caps is not given out again.",
    )
    gateways: int = Field(
        1,
        ge=1,
        le=100,
        description="Gateways of this venue that hold the same offers, each with a database of its own: each may give out its part "
        "of every cap and pool. On one shared database, or with one gateway: 1.",
    )
    gateway_number: int = Field(1, ge=1, le=100, description="Which of those this one is, from 1; each number is used once.")
    reward_days: int = Field(30, ge=1, le=366, description="Days the reward of an invitation can be redeemed.")
    cap_retry_s: float = Field(
        60.0, ge=0, description="Seconds an offer whose cap was found reached is left out of decisions before it is tried again."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.gateway_number > self.gateways:
            raise ValueError(f"gateway_number {self.gateway_number} is more than gateways ({self.gateways}); count from 1")
        return self


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class MqttSettings(Section):
    """The link to the store app's backend."""

    brokers: tuple[Annotated[str, StringConstraints(pattern=r"^mqtts?://[^/@\s]+$")], ...] = Field(
        ("mqtt://127.0.0.1:1883",),
        min_length=1,
        description="Brokers in order of preference, as mqtt://host:port or, over TLS, mqtts://host:port.",
    )
    protocol: Literal["auto", "5", "3.1.1"] = Field("auto", description="MQTT version; auto tries 5 first, then 3.1.1.")
    allow_plain: bool = Field(False, description="Let mqtt:// leave this machine without TLS.")
    user: str | None = Field(None, description="User name at the broker.")
    password_file: Path | None = Field(None, description="File whose first line is the password; readable by its owner only.")
    ca_file: Path | None = Field(None, description="Certificates to trust in place of the system's, as PEM.")
    certificate_file: Path | None = Field(None, description="Client certificate, as PEM.")
    key_file: Path | None = Field(None, description="The client certificate's key, as PEM; readable by its owner only.")
    keepalive_s: int = Field(30, ge=5, le=1200, description="Silence after which the broker is asked whether it is there.")
    window: int = Field(16, ge=1, le=20, description="Most messages under way to the broker at once.")
    pause_max_s: float = Field(60.0, ge=1, description="Longest pause between two attempts to connect.")
    session_kept_s: int = Field(7 * 86_400, ge=60, description="How long the broker keeps messages for this box while it is away.")
    seen_kept_s: float = Field(14 * 86_400.0, ge=3600, description="How long a taken message is remembered, to know a repetition.")
    inbound_max_bytes: int = Field(65_536, ge=1024, description="Largest message that is read; a larger one is refused.")
    status_every_s: float = Field(60.0, ge=5, description="How often the box's health is published.")
    occupancy_every_s: float = Field(60.0, ge=5, le=240, description="How often the zones' head counts are published.")
    home_assistant: bool = Field(False, description="Publish discovery messages, so that Home Assistant shows zones and box.")

    @model_validator(mode="after")
    def _kept_private(self) -> MqttSettings:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together; give both or neither")
        for broker in self.brokers:
            parts = urlsplit(broker)
            if parts.scheme == "mqtt" and parts.hostname not in LOOPBACK and not self.allow_plain:
                raise ValueError(f"{broker} would send shoppers' data in the clear; use mqtts://, or set allow_plain = true")
        return self


class StorageSettings(Section):
    """The database file."""

    path: Path = Field(Path("etalage.db"), description="SQLite file. Its folder must be writable by the gateway only.")
    keys: Path | None = Field(
        None, description="File of the keys that seal backups; beside the database, ending in .keys, unless named here."
    )
    url: SecretStr | None = Field(
        None,
        description="Another database in place of the file, as an SQLAlchemy URL (PostgreSQL, several gateways in a venue).",
    )
    group_commit_max: int = Field(256, ge=1, le=10_000, description="Most pieces of work that share one commit.")
    busy_timeout_s: float = Field(5.0, gt=0, description="How long a write waits for another process's lock before the next try.")
    wal_limit_mb: int = Field(16, ge=1, description="Size the write-ahead log is cut back to, in MB.")
    free_space_min_mb: int = Field(64, ge=0, description="Below this much free disk the box stops making new promises, in MB.")

    @property
    def keys_path(self) -> Path:
        """Return where the keys file is."""
        return self.keys if self.keys is not None else self.path.with_suffix(".keys")

    @property
    def dashboard_path(self) -> Path:
        """Return where the settings are that the dashboard keeps."""
        return self.path.parent / box_settings.FILE

    @property
    def clock_path(self) -> Path:
        """Return where the last trusted time is kept."""
        return self.path.with_suffix(".clock")


class DashboardSettings(Section):
    """The local web page."""

    enabled: bool = Field(True, description="Serve the dashboard and the API.")
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on: 0.0.0.0 for the shop's whole network. Until the box is claimed it lets nobody in.",
    )
    port: int = Field(
        8080, ge=0, le=65535, description="TCP port of plain HTTP; 0 takes a free one. From elsewhere it only leads to HTTPS."
    )
    tls: Literal["own", "files", "off"] = Field(
        "own",
        description="Beyond this box: HTTPS with a certificate that the box makes itself (own), with the shop's own one (files), "
        "or plain HTTP, behind a proxy that does TLS (off).",
    )
    tls_port: int = Field(8443, ge=0, le=65535, description="TCP port of HTTPS; 0 takes a free one.")
    certificate: Path | None = Field(None, description='With `tls = "files"`: the certificate and those that signed it, as PEM.')
    certificate_key: Path | None = Field(None, description='With `tls = "files"`: its key, as PEM without a password.')
    hosts: tuple[str, ...] = Field((), description="Names this box goes by in a browser's address bar, beside its addresses.")
    trust_this_box: bool = Field(
        True,
        description="Callers on this box may look without a token. Set it to false behind a proxy: all its callers look local.",
    )
    language: Language = Field(Language.NL, description="Language for who hasn't chosen one and whose browser asks for neither.")
    audit_days: int = Field(400, ge=30, le=3660, description="Days the record of who did what in the dashboard is kept.")

    @model_validator(mode="after")
    def _files_are_named(self) -> DashboardSettings:
        if self.tls == "files" and (self.certificate is None or self.certificate_key is None):
            raise ValueError('tls = "files" needs `certificate` and `certificate_key`: the paths of two PEM files')
        return self


class LogSettings(Section):
    """What the log says."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least serious line that is written.")
    format: Literal["console", "json"] = Field("console", description="For a person at a terminal, or one JSON object a line.")


_PREFIX = "ETALAGE_"
"""What the environment's settings begin with."""


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__")

    store: StoreSettings = Field(default=StoreSettings(), description="Which shop this is.")
    shop: ShopSettings = Field(default=ShopSettings(), description="What the shop says of itself for good.")
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
    """The settings from `path` (TOML), the environment, and below both what the dashboard keeps.

    Relative paths count from the file's folder. Raises SettingsError with one line per fault.
    """
    settings = with_kept(path, {})
    try:
        kept = box_settings.read(settings.storage.dashboard_path)
    except box_settings.BoxSettingsError as error:
        raise SettingsError(str(error)) from error
    return with_kept(path, kept) if kept else settings


def next_settings(path: Path | None, running: Settings) -> Settings:
    """Return the settings that a new start reads. Raises SettingsError.

    `path`: the administrator's file; None where `running` were given otherwise, and only what the dashboard keeps can have changed.
    """
    try:
        return with_kept(path, box_settings.read(running.storage.dashboard_path), running)
    except box_settings.BoxSettingsError as error:
        raise SettingsError(str(error)) from error


def with_kept(path: Path | None, kept: box_settings.Tree, running: Settings | None = None) -> Settings:
    """Return the settings as they would be over what the dashboard would keep; without a file, from those that run.

    Raises SettingsError.
    """
    source = str(path) if path else "environment"
    if path is None and running is not None:
        return _checked(box_settings.merged(running.model_dump(), kept), f"{source}, {box_settings.FILE}")
    settings = _checked(box_settings.merged(kept, read_tree(path)), f"{source}, {box_settings.FILE}" if kept else source)
    return _anchored(settings, path.parent if path else Path())


def read_tree(path: Path | None) -> dict[str, object]:
    """Return an administrator's file as it stands; nothing without one. Raises SettingsError."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror}); give the path of an existing file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML ({error}); mend that line") from error


def set_by_administrator(path: Path | None) -> frozenset[str]:
    """Return what the administrator's file and the environment set, as `mqtt.brokers`: a page shows it and can't change it."""
    named = {f"{section}.{name}" for section, values in read_tree(path).items() if isinstance(values, dict) for name in values}
    for section, names in box_settings.KEPT.items():
        named |= {f"{section}.{name}" for name in names if f"{_PREFIX}{section}__{name}".upper() in os.environ}
    return frozenset(named)


def _checked(tree: Mapping[str, object], source: str) -> Settings:
    try:
        return Settings(**tree)  # type: ignore[arg-type]  # sections as they were written, checked here
    except ValidationError as error:
        raise SettingsError("\n".join(f"{source}: {_fault(fault)}" for fault in error.errors())) from error


def _fault(fault: ErrorDetails) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        message = fault["msg"].removeprefix("Value error, ")  # of a check of ours, over a whole section
        return f"{where}: {message}" if isinstance(fault["input"], dict) else f"{where}: {message} (got {_shown(fault)})"
    known = _known_words(fault["loc"][:-1])
    near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
    return f"{where}: no such setting; " + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}")


def _shown(fault: ErrorDetails) -> str:
    """A wrong value helps to find the fault, but what may be a secret is not repeated."""
    secret = any(word in str(part) for part in fault["loc"] for word in ("password", "url", "key", "secret"))
    return "a value not shown here" if secret else repr(fault["input"])[:80]


def _known_words(place: tuple[int | str, ...]) -> list[str]:
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
