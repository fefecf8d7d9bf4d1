import uuid

from gateway.offers.ids import time_ordered_id


def test_a_later_event_gets_a_greater_id() -> None:
    ids = [time_ordered_id(1_763_722_800 + step / 1000) for step in range(200)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 200


def test_an_id_is_a_version_seven_uuid_of_the_events_time() -> None:
    made = uuid.UUID(time_ordered_id(1_763_722_800.125))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == 1_763_722_800_125


def test_the_same_dice_give_the_same_id() -> None:
    first = time_ordered_id(12.5, lambda count: b"\x5a" * count)
    assert first == time_ordered_id(12.5, lambda count: b"\x5a" * count)


def test_a_recording_that_starts_before_zero_still_gets_an_id() -> None:
    assert uuid.UUID(time_ordered_id(-5.0)).int >> 80 == 0
