from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.dashboard.access.passwords import Passwords, hashed, holds

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    with ThreadPoolExecutor(1) as executor:
        yield Passwords(executor)


async def test_a_password_is_known_again_and_no_other_is(passwords: Passwords) -> None:
    stored = await passwords.hash("de kat krabt")
    assert await passwords.holds("de kat krabt", stored)
    assert not await passwords.holds("de kat krabt ", stored)


async def test_nobody_s_password_is_ever_right(passwords: Passwords) -> None:
    assert not await passwords.holds("of an account that doesn't exist", None)


def test_a_hash_is_argon2id_with_the_stated_cost_and_a_salt_of_its_own() -> None:
    first, second = hashed("de kat krabt"), hashed("de kat krabt")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_damaged_hash_opens_nothing(stored: str) -> None:
    assert not holds("plain", stored)
