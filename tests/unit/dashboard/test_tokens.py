"""API tokens: shown once, stored hashed, ended at once; and the command that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.commands import CommandError
from gateway.commands.users import users
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.users import Role, TokenError, any_token, create_token, find_token, list_tokens, revoke_token

AT_S = 1_795_255_200.0


def made(store: Store, name: str, role: Role = Role.TILL) -> str:
    return store.writer.submit(lambda connection: create_token(connection, name=name, role=role, at_s=AT_S)).result()


def test_a_token_is_found_by_itself_and_by_nothing_else(store: Store) -> None:
    secret = made(store, "till-1")
    with store.read() as connection:
        found = find_token(connection, secret)
        assert found is not None
        assert (found.name, found.role, found.made_at_s) == ("till-1", Role.TILL, AT_S)
        assert [find_token(connection, wrong) for wrong in (secret[:-1], secret + "x", "", "till-1", secret.upper())] == [None] * 5


def test_the_database_never_holds_the_token_itself(store: Store, tmp_path: Path) -> None:
    secret = made(store, "till-1")
    store.close()
    files = list(tmp_path.glob("etalage.db*"))
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)


def test_no_two_tokens_are_alike(store: Store) -> None:
    assert len({made(store, f"till-{number}") for number in range(20)}) == 20


@pytest.mark.parametrize("name", ["", "Till", "till 1", "-till", "x" * 65, "till\n", "kassa;drop table tokens"])
def test_a_name_that_can_t_stand_in_a_record_is_refused(store: Store, name: str) -> None:
    with pytest.raises(TokenError, match="lower-case"):
        made(store, name)


def test_no_token_is_an_owner_s(store: Store) -> None:
    with pytest.raises(TokenError, match="can't be an owner"):
        made(store, "boss", Role.OWNER)


def test_a_name_is_used_once_even_after_its_token_ended(store: Store) -> None:
    made(store, "till-1")
    store.writer.submit(lambda connection: revoke_token(connection, name="till-1", at_s=AT_S + 1)).result()
    with pytest.raises(TokenError, match="used before"):
        made(store, "till-1")


def test_a_revoked_token_is_nobody_s_and_stays_on_record(store: Store) -> None:
    secret = made(store, "till-1")
    store.writer.submit(lambda connection: revoke_token(connection, name="till-1", at_s=AT_S + 1)).result()
    with store.read() as connection:
        assert find_token(connection, secret) is None
        assert not any_token(connection)
        assert [(token.name, token.revoked_at_s) for token in list_tokens(connection)] == [("till-1", AT_S + 1)]


def test_a_token_that_isn_t_in_force_can_t_be_revoked(store: Store) -> None:
    with pytest.raises(TokenError, match="etalage users list"):
        store.writer.submit(lambda connection: revoke_token(connection, name="nobody", at_s=AT_S)).result()


def test_any_token_can_be_asked_for_by_role(store: Store) -> None:
    made(store, "till-1")
    with store.read() as connection:
        assert any_token(connection)
        assert any_token(connection, Role.TILL)
        assert not any_token(connection, Role.ADMIN)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "etalage.toml"
    path.write_text('[storage]\npath = "shop.db"\n')
    return str(path)


def test_the_command_prints_the_token_alone_on_standard_output(config: str) -> None:
    run = CliRunner()
    answer = run.invoke(users, ["token", "--role", "till", "--config", config])
    assert answer.exit_code == 0
    assert answer.stdout.strip().startswith("etalage_")
    assert len(answer.stdout.split()) == 1
    assert "till-1" in answer.stderr
    again = run.invoke(users, ["token", "--role", "till", "-c", config])
    assert "till-2" in again.stderr


def test_the_command_lists_and_revokes(config: str, tmp_path: Path) -> None:
    run = CliRunner()
    open_store(StorageSettings(path=tmp_path / "shop.db")).close()
    assert "Nobody yet" in run.invoke(users, ["list", "-c", config]).stdout
    secret = run.invoke(users, ["token", "--role", "admin", "--name", "office", "-c", config]).stdout.strip()
    assert run.invoke(users, ["revoke", "office", "-c", config]).exit_code == 0
    listed = run.invoke(users, ["list", "-c", config]).stdout
    assert "office" in listed
    assert secret not in listed


def test_what_a_person_can_mend_is_said_in_a_line(config: str, tmp_path: Path) -> None:
    run = CliRunner()
    for arguments in (
        ["revoke", "nobody", "-c", config],
        ["token", "--role", "till", "--name", "A B", "-c", config],
        ["list", "-c", "/nowhere"],
    ):
        failure = run.invoke(users, arguments).exception
        assert isinstance(failure, CommandError)
        assert "\n" not in str(failure)
