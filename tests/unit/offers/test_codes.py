import random

import pytest

from gateway.offers.codes import ALPHABET, as_generated, check_character, new_code, readings
from rules import code_key


def test_a_code_reads_as_two_groups_of_four() -> None:
    code = new_code()
    assert len(code) == 9
    assert code[4] == "-"
    assert as_generated(code) == code_key(code)


def test_a_longer_code_is_as_long_as_asked() -> None:
    assert len(new_code(12).replace("-", "")) == 12


def test_a_code_is_never_too_short_to_be_unguessable() -> None:
    assert len(new_code(3).replace("-", "")) == 8


def test_small_letters_spaces_and_look_alikes_are_forgiven() -> None:
    code = "".join(["1", "0", "A", "B", "C", "D", "E"])
    whole = code + check_character(code)
    assert as_generated(f" il{'Iloab'[3:]} ") is None  # too short to be a code at all
    typed = whole.replace("1", "l").replace("0", "o").lower()
    assert as_generated(f" {typed[:4]} {typed[4:]} ") == whole


@pytest.mark.parametrize("place", range(7))
def test_one_wrong_character_is_always_noticed(place: int) -> None:
    random_below = random.Random(place)
    characters = new_code(random_below=random_below.randrange).replace("-", "")
    for wrong in ALPHABET:
        if wrong != characters[place]:
            assert as_generated(characters[:place] + wrong + characters[place + 1 :]) is None


def test_two_swapped_neighbours_are_noticed_unless_they_are_first_and_last_of_the_alphabet() -> None:
    for left in ALPHABET:
        for right in ALPHABET:
            if left == right or {left, right} == {"0", "Z"}:
                continue
            body = f"{left}{right}ABCDE"
            swapped = f"{right}{left}ABCDE"
            assert check_character(body) != check_character(swapped)


def test_a_typed_code_is_looked_up_as_it_is_first_then_as_a_generated_one() -> None:
    code = new_code(random_below=random.Random(7).randrange)
    assert readings(" summer ") == ["SUMMER"]
    assert readings(code.lower().replace("-", ""))[-1] == code_key(code)
    assert readings("Ilo1 0abc") == ["ILO10ABC"], "no check character fits"
    assert readings("   ") == []


def test_codes_spread_over_the_whole_alphabet() -> None:
    random_below = random.Random(1)
    characters = "".join(new_code(random_below=random_below.randrange) for _ in range(500)).replace("-", "")
    assert set(characters) == set(ALPHABET)
