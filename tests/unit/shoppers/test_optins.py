"""Opt-ins by file: read whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.shoppers.identities import Rotating, Static
from gateway.shoppers.optins import OptInsError, read_optins

UUID = "e2c56db5dffb48d2b060d0f5a71096e0"


def test_static_and_rotating_shoppers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "optins.yaml"
    path.write_text(
        f"- {{shopper: s-1, beacon: {{uuid: {UUID}, major: 1, minor: 258}}}}\n"
        f"- {{shopper: s-2, rotating: {{uuid: {UUID}, key: {'9f' * 16}}}}}\n",
        encoding="utf-8",
    )
    first, second = read_optins(path)
    assert (first.shopper, first.identity) == ("s-1", Static(bytes.fromhex(UUID + "00010102")))
    assert (second.shopper, second.identity) == ("s-2", Rotating(bytes.fromhex(UUID), b"\x9f" * 16))


@pytest.mark.parametrize("digits", ["1" * 32, "12345678901234567890123456789e12", "0" * 32])
def test_a_uuid_that_looks_like_a_number_stays_a_uuid(tmp_path: Path, digits: str) -> None:
    path = tmp_path / "optins.yaml"
    path.write_text(f"- {{shopper: 007, beacon: {{uuid: {digits}, major: 1, minor: 1}}}}\n", encoding="utf-8")
    (optin,) = read_optins(path)
    assert optin.shopper == "007"
    assert optin.identity == Static(bytes.fromhex(digits + "00010001"))


BEACON = f"beacon: {{uuid: {UUID}, major: 1, minor: 1}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shopper: s-1", "must be a list"),
        ("- [1, 2", "not valid YAML"),
        ("- s-1", "entry 1: must have"),
        (f"- {{shopper: jan@example.nl, {BEACON}}}", "pseudonym"),
        (f"- {{shopper: Jan Jansen, {BEACON}}}", "pseudonym"),
        (f"- {{{BEACON}}}", "pseudonym"),
        ("- {shopper: s-1}", "either beacon or rotating"),
        (f"- {{shopper: s-1, {BEACON}, name: Jan}}", "no such word 'name'"),
        (f"- {{shopper: s-1, beacon: {{uuid: {UUID}, major: 70000, minor: 1}}}}", "beacon.major"),
        (f"- {{shopper: s-1, beacon: {{uuid: {UUID[:-1]}, major: 1, minor: 1}}}}", "beacon.uuid"),
        (f"- {{shopper: s-1, rotating: {{uuid: {UUID}, key: abcd}}}}", "32 hex digits"),
        (f"- {{shopper: s-1, {BEACON}}}\n- {{shopper: s-1, {BEACON}}}", "entry 2: shopper 's-1' stands in an earlier entry"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "optins.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptInsError) as refused:
        read_optins(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_key_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "optins.yaml"
    path.write_text(f"- {{shopper: s-1, rotating: {{uuid: {UUID}, key: deadbeef}}}}", encoding="utf-8")
    with pytest.raises(OptInsError) as refused:
        read_optins(path)
    assert "deadbeef" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptInsError, match="can't be read"):
        read_optins(tmp_path / "nowhere.yaml")
