from gateway.offers.histories import Histories
from rules import Happening

SHOWN = Happening("wine", "shown", 10.0, "v-1")
TAPPED = Happening("wine", "tapped", 12.0, "v-1")


def recalled() -> Histories:
    """Histories with one shopper's at hand."""
    histories = Histories()
    histories.await_history("s-1")
    assert histories.arrive("s-1", [SHOWN])
    return histories


def test_a_shoppers_history_is_at_hand_once_it_has_arrived() -> None:
    histories = Histories()
    histories.await_history("s-1")
    assert ("s-1" in histories, histories.of("s-1")) == (False, ())
    assert histories.arrive("s-1", [SHOWN])
    assert ("s-1" in histories, histories.of("s-1")) == (True, (SHOWN,))


def test_a_history_during_whose_reading_something_happened_is_read_again() -> None:
    histories = Histories()
    for happen in (histories.add, histories.expect, histories.take_back):
        histories.await_history("s-1")
        happen("s-1", TAPPED)
        assert not histories.arrive("s-1", [SHOWN])
        assert "s-1" not in histories
    histories.await_history("s-1")
    histories.add("s-2", TAPPED)
    assert histories.arrive("s-1", [SHOWN, TAPPED])


def test_what_happens_to_somebody_who_is_not_here_is_left_to_the_database() -> None:
    histories = Histories()
    histories.add("s-2", TAPPED)
    assert len(histories) == 0


def test_the_same_happening_is_noted_once_and_can_be_taken_back() -> None:
    histories = recalled()
    histories.add("s-1", TAPPED)
    histories.add("s-1", TAPPED)
    assert histories.of("s-1") == (SHOWN, TAPPED)
    histories.take_back("s-1", TAPPED)
    histories.take_back("s-1", TAPPED)
    assert histories.of("s-1") == (SHOWN,)


def test_a_forgotten_shopper_leaves_nothing_in_memory_and_what_is_being_read_of_them_does_not_either() -> None:
    histories = recalled()
    histories.forget("s-1")
    histories.forget("s-1")
    assert len(histories) == 0
    histories.await_history("s-1")
    histories.forget("s-1")
    assert histories.arrive("s-1", [SHOWN])
    assert len(histories) == 0
