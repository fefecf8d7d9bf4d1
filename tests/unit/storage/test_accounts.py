"""Accounts, sessions, one-time links and the claim code, as the tables keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.settings import StorageSettings
from gateway.storage import Connection, Store, accounts, open_store
from gateway.storage.accounts import AccountError, LinkKind
from gateway.storage.users import Role

T = TypeVar("T")
AT_S = 1_795_255_200.0


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    store = open_store(storage)
    yield store
    store.close()


@pytest.fixture
def do(store: Store) -> Callable[[Callable[[Connection], T]], T]:
    """Do a piece of work in the writer."""
    return lambda work: store.writer.submit(work).result(30)


Do = Callable[[Callable[[Connection], T]], T]


def add(do: Do[object], name: str, role: Role = Role.STAFF) -> None:
    do(lambda connection: accounts.add(connection, name, role, "nl", "hash", AT_S))


def sign_in(do: Do[object], secret: str, name: str) -> None:
    do(lambda connection: accounts.open_session(connection, secret, name, AT_S))


def link(do: Do[object], secret: str, name: str) -> None:
    """A link that welcomes somebody, good for a minute."""
    do(lambda connection: accounts.add_link(connection, secret, name, LinkKind.WELCOME, AT_S + 60))


@pytest.mark.parametrize("spelt", ["Sanne", "sanne", "SANNE", " Sanne ", "Ｓanne"])
def test_a_name_is_one_person_however_it_is_spelt(do: Do[object], spelt: str) -> None:
    add(do, "Sanne")
    found = do(lambda connection: accounts.find(connection, spelt))
    assert isinstance(found, accounts.Account)
    assert found.name == "Sanne"
    with pytest.raises(AccountError, match="already"):
        add(do, spelt)


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "a\u202eb", "x" * 49])
def test_a_name_that_cannot_be_shown_is_refused(do: Do[object], name: str) -> None:
    with pytest.raises(AccountError, match="1 to 48 characters"):
        add(do, name)


def test_a_device_has_a_token_and_no_account(do: Do[object]) -> None:
    with pytest.raises(AccountError, match="for devices"):
        add(do, "kassa", Role.TILL)


def test_an_owner_must_remain(do: Do[object]) -> None:
    add(do, "Sanne", Role.OWNER)
    add(do, "Joost")
    for change in (
        lambda connection: accounts.remove(connection, "sanne"),
        lambda connection: accounts.set_role(connection, "Sanne", Role.ADMIN),
    ):
        with pytest.raises(AccountError, match="must be an owner"):
            do(change)
    do(lambda connection: accounts.set_role(connection, "joost", Role.OWNER))
    do(lambda connection: accounts.remove(connection, "Sanne"))
    assert do(lambda connection: [account.name for account in accounts.every(connection)]) == ["Joost"]


def test_a_session_is_found_by_its_secret_alone(do: Do[object]) -> None:
    add(do, "Sanne")
    sign_in(do, "secret", "SANNE")
    found = do(lambda connection: accounts.find_session(connection, "secret"))
    assert found is not None
    assert do(lambda connection: accounts.find_session(connection, accounts.digest("secret"))) is None


def test_a_new_password_ends_every_session_and_link_of_the_account(do: Do[object]) -> None:
    for name in ("Sanne", "Joost"):
        add(do, name)
        sign_in(do, f"secret of {name}", name)
        link(do, f"link of {name}", name)
    do(lambda connection: accounts.set_password(connection, "sanne", "another"))
    assert do(lambda connection: accounts.find_session(connection, "secret of Sanne")) is None
    assert do(lambda connection: accounts.find_link(connection, "link of Sanne", LinkKind.WELCOME, AT_S)) is None
    assert do(lambda connection: accounts.find_session(connection, "secret of Joost")) is not None


def test_a_link_opens_once_before_its_end_and_for_its_own_purpose(do: Do[object]) -> None:
    add(do, "Sanne")
    for secret in ("late", "wrong purpose", "good"):
        link(do, secret, "Sanne")
    assert do(lambda connection: accounts.use_link(connection, "late", LinkKind.WELCOME, AT_S + 60)) is None
    assert do(lambda connection: accounts.use_link(connection, "wrong purpose", LinkKind.ENTER, AT_S)) is None
    assert do(lambda connection: accounts.use_link(connection, "good", LinkKind.WELCOME, AT_S)) is not None
    assert do(lambda connection: accounts.use_link(connection, "good", LinkKind.WELCOME, AT_S)) is None


def test_a_claim_code_is_good_once_and_the_newest_only(do: Do[object]) -> None:
    do(lambda connection: accounts.set_claim(connection, "AAAABBBB", AT_S))
    do(lambda connection: accounts.set_claim(connection, "CCCCDDDD", AT_S))
    assert not do(lambda connection: accounts.use_claim(connection, "AAAABBBB", AT_S - 1))
    assert not do(lambda connection: accounts.use_claim(connection, "CCCCDDDD", AT_S))  # made no later than the limit: too old
    assert do(lambda connection: accounts.use_claim(connection, "CCCCDDDD", AT_S - 1))
    assert not do(lambda connection: accounts.use_claim(connection, "CCCCDDDD", AT_S - 1))


def test_sessions_that_nobody_used_are_deleted(do: Do[object]) -> None:
    add(do, "Sanne")
    sign_in(do, "old", "Sanne")
    sign_in(do, "used", "Sanne")
    do(lambda connection: accounts.touch_session(connection, accounts.digest("used"), AT_S + 100))
    assert do(lambda connection: accounts.close_unused(connection, AT_S + 50)) == 1
    assert do(lambda connection: accounts.find_session(connection, "used")) is not None


def test_the_database_never_holds_a_secret_itself(tmp_path: Path) -> None:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    secrets = ("the session itself", "the link itself", "THECODE1")

    def write(connection: Connection) -> None:
        accounts.add(connection, "Sanne", Role.OWNER, "nl", "hash", AT_S)
        accounts.open_session(connection, secrets[0], "Sanne", AT_S)
        accounts.add_link(connection, secrets[1], "Sanne", LinkKind.ENTER, AT_S + 60)
        accounts.set_claim(connection, secrets[2], AT_S)

    store.writer.submit(write).result(30)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("etalage.db*"))
    assert b"Sanne" in kept
    assert not any(secret.encode() in kept for secret in secrets)
