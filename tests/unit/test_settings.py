from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gateway.settings import Settings, SettingsError, load_settings


def fields(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, object, object]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{place}{name}.")
        else:
            yield f"{place}{name}", field, getattr(field, "description", None)


@pytest.mark.parametrize(
    ("place", "field", "help_text"), list(fields(Settings)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_setting_has_a_default_and_a_sentence_of_help(place: str, field: FieldInfo, help_text: object) -> None:
    assert not field.is_required(), place
    assert isinstance(help_text, str), place
    assert help_text.rstrip().endswith("."), place


def test_an_unknown_setting_is_refused_with_the_nearest_known_word(tmp_path: Path) -> None:
    path = tmp_path / "etalage.toml"
    path.write_text("[dashboard]\nprot = 80\n")
    with pytest.raises(SettingsError, match=r"etalage\.toml: dashboard\.prot: no such setting; did you mean 'port'\?"):
        load_settings(path)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "etalage.toml"
    path.write_text('[dashboard]\nport = -1\n[store]\nchain = "Not A Topic"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert len(str(caught.value).splitlines()) == 2


def test_a_wrong_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "etalage.toml"
    path.write_text("[storage]\nurl = 12345678\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert "12345678" not in str(caught.value)


def test_a_file_that_is_missing_or_no_toml_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings(tmp_path / "no.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[store\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(broken)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "etalage.toml"
    path.write_text('[dashboard]\nport = 1234\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("ETALAGE_DASHBOARD__PORT", "4321")
    settings = load_settings(path)
    assert (settings.dashboard.port, settings.dashboard.host) == (4321, "127.0.0.2")


def test_relative_paths_count_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "etalage.toml"
    path.write_text('[storage]\npath = "data/etalage.db"\n')
    assert load_settings(path).storage.path == tmp_path / "data" / "etalage.db"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().dashboard.port = 1  # type: ignore[misc]  # the point of the test
