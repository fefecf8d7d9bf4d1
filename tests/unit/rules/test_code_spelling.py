"""How codes are spelled: one rule for what is stored and what is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import code_key

DASHES = ("-", "\u2010", "\u2013", "\u2014", "_", "/", ".")
BLANKS = (" ", "\u00a0", "\u2009", "\u200b", "\u2060", "\ufeff", "\t", "\n", "\r\n")


@pytest.mark.parametrize("between", DASHES + BLANKS)
def test_what_stands_between_letters_and_digits_says_nothing(between: str) -> None:
    assert code_key(f"{between}zomer{between}25{between}") == "ZOMER25"


def test_full_width_and_composed_letters_are_the_plain_ones() -> None:
    assert code_key("\uff37\uff29\uff2a\uff2e\uff12\uff15") == "WIJN25"
    assert code_key("cafe\u0301") == code_key("caf\u00e9") == "CAF\u00c9"


@given(st.text(max_size=40))
def test_a_key_is_its_own_key(code: str) -> None:
    assert code_key(code_key(code)) == code_key(code)
