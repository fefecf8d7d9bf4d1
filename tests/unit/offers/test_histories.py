from collections.abc import Sequence

from gateway.offers.histories import Histories
from rules import Happening

SHOWN = Happening("wine", "shown", 10.0, "v-1")
TAPPED = Happening("wine", "tapped", 12.0, "v-1")


class _Kept:
    """What the database would say, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load(self, shopper: str) -> Sequence[Happening]:
        self.asked.append(shopper)
        return [SHOWN] if shopper == "s-1" else []


def test_a_shoppers_history_is_read_once() -> None:
    kept = _Kept()
    histories = Histories(kept.load)
    assert histories.of("s-1") == histories.of("s-1") == [SHOWN]
    assert kept.asked == ["s-1"]


def test_what_happens_to_somebody_who_is_not_here_is_left_to_the_database() -> None:
    histories = Histories(_Kept().load)
    histories.add("s-2", TAPPED)
    assert len(histories) == 0
    assert histories.of("s-2") == []


def test_the_same_happening_is_noted_once_and_can_be_taken_back() -> None:
    histories = Histories(_Kept().load)
    histories.of("s-1")
    histories.add("s-1", TAPPED)
    histories.add("s-1", TAPPED)
    assert histories.of("s-1") == [SHOWN, TAPPED]
    histories.take_back("s-1", TAPPED)
    histories.take_back("s-1", TAPPED)
    assert histories.of("s-1") == [SHOWN]


def test_a_forgotten_shopper_leaves_nothing_in_memory() -> None:
    histories = Histories(_Kept().load)
    histories.of("s-1")
    histories.forget("s-1")
    histories.forget("s-1")
    assert len(histories) == 0
