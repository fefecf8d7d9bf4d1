"""The map learned in hindsight: what many hear alike is the place's, and what was learned can be forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.zones.filter import STANDING, Filter
from gateway.zones.learning import FORGETS_AFTER_S, HINDSIGHT_S, MOST_WATCHED, STUDY_S, MapLearner
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import PlaceModel, build_place_model
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.smoothing import StepRecord, smooth

STEP_S = 1.0
WINDOW = round(HINDSIGHT_S / STEP_S)


@pytest.fixture
def place(plan: StorePlan) -> PlaceModel:
    return build_place_model(plan, STEP_S)


@pytest.fixture
def filter_(place: PlaceModel) -> Filter:
    return Filter(place, ModelParameters(), STEP_S)


def walks_at(filter_: Filter, cell: int) -> NDArray[np.float32]:
    """The belief (1, d, n) of somebody who surely walks there, whichever way."""
    belief = np.full_like(filter_.initial_belief()[None], 1e-9)
    belief[:, STANDING + 1 :, cell] = 1.0
    return np.asarray(belief / belief.sum(), dtype=np.float32)


def seen_at(filter_: Filter, cell: int, above_db: Sequence[float]) -> StepRecord:
    """A step of somebody who is there, heard so much better by each scanner than the plan says."""
    belief = walks_at(filter_, cell)
    levels = (filter_.place.level_dbm[cell] + above_db)[None].astype(np.float32)
    zero, heard = np.zeros(1, dtype=np.float32), np.full(levels.shape, 2.0, dtype=np.float32)
    return StepRecord(np.zeros(1, dtype=np.intp), belief, belief, zero, levels, heard, zero, np.zeros_like(levels))


def teach(learner: MapLearner, filter_: Filter, cells: Sequence[int], above_db: Sequence[float], carriers: int = 40) -> None:
    """Visitors of one window each, spread over the cells."""
    for carrier in range(carriers):
        row = np.array([carrier])
        learner.choose(row)
        for step in range(WINDOW):
            learner.record(filter_, row, seen_at(filter_, cells[(carrier * WINDOW + step) % len(cells)], above_db))
        learner.drop(carrier)


def studied(learner: MapLearner, from_s: float = 0.0) -> PlaceModel | None:
    """The place after every scanner had its turn."""
    places = [learner.update_map(from_s + turn * STUDY_S) for turn in range(3)]
    assert places[:2] == [None, None]
    return places[2]


def test_a_scanner_s_gain_is_learned_and_one_spot_s_reflection_stays_on_its_spot(place: PlaceModel, filter_: Filter) -> None:
    everywhere, one_spot = MapLearner(place, STEP_S), MapLearner(place, STEP_S)
    teach(everywhere, filter_, range(len(place.prior)), (5.0, 0.0, 0.0))
    teach(one_spot, filter_, [7], (5.0, 0.0, 0.0))
    assert place.at is not None
    far = int(np.argmax(np.hypot(*(place.at - place.at[7]).T)))

    maps = [known for known in (studied(everywhere), studied(one_spot)) if known is not None]

    def gain(known: PlaceModel, cell: int) -> float:
        shift = known.level_dbm[cell] - place.level_dbm[cell]
        return float(shift[0] - shift[1])

    assert gain(maps[0], far) > 3.0
    assert gain(maps[1], 7) > 2.0
    assert gain(maps[1], far) < min(gain(maps[1], 7), gain(maps[0], far)) - 0.5


def test_what_was_learned_makes_a_level_surer_and_never_less_sure(place: PlaceModel, filter_: Filter) -> None:
    learner = MapLearner(place, STEP_S)
    teach(learner, filter_, [7], (6.0, 0.0, -6.0))
    known = studied(learner)
    assert known is not None
    assert (known.spread_db[7] < place.spread_db[7]).all()
    assert (known.spread_db <= place.spread_db).all()


def test_what_one_carrier_alone_hears_counts_for_less_than_what_many_hear_alike(place: PlaceModel, filter_: Filter) -> None:
    one, many = MapLearner(place, STEP_S), MapLearner(place, STEP_S)
    for _ in range(20):
        one.choose(np.array([0]))
        for _ in range(WINDOW):
            one.record(filter_, np.array([0]), seen_at(filter_, 7, (6.0, 0.0, -6.0)))
    teach(many, filter_, [7], (6.0, 0.0, -6.0), carriers=20)
    shifts = [known.level_dbm[7] - place.level_dbm[7] for known in map(studied, (one, many)) if known is not None]
    assert np.abs(shifts[0]).max() < np.abs(shifts[1]).max() / 2


def test_what_was_learned_is_forgotten_in_time(place: PlaceModel, filter_: Filter) -> None:
    learner = MapLearner(place, STEP_S)
    teach(learner, filter_, [7], (6.0, 0.0, -6.0))
    before, after = studied(learner), None
    for round_ in (1, 2):  # the first notes the time that passed, the second computes with it
        after = studied(learner, round_ * 8 * FORGETS_AFTER_S)
    assert before is not None
    assert after is not None
    assert np.abs(after.level_dbm - place.level_dbm).max() < np.abs(before.level_dbm - place.level_dbm).max() / 10


def test_when_the_clock_is_set_back_an_hour_learning_goes_on_and_nothing_is_forgotten_twice(
    place: PlaceModel, filter_: Filter
) -> None:
    learner = MapLearner(place, STEP_S)
    teach(learner, filter_, [7], (6.0, 0.0, -6.0))
    before, after = studied(learner, 7200.0), studied(learner, 3600.0)
    assert before is not None
    assert after is not None
    assert np.allclose(before.level_dbm, after.level_dbm)


def test_who_is_dropped_while_watched_has_taught_nothing(place: PlaceModel, filter_: Filter) -> None:
    learner = MapLearner(place, STEP_S)
    learner.choose(np.array([0]))
    for _ in range(WINDOW - 1):
        learner.record(filter_, np.array([0]), seen_at(filter_, 7, (6.0, 0.0, -6.0)))
    learner.drop(0)
    assert [learner.update_map(turn * STUDY_S) for turn in range(6)] == [None] * 6


def test_in_a_full_shop_everybody_has_a_turn_and_no_more_than_a_few_are_watched_at_once(place: PlaceModel, filter_: Filter) -> None:
    learner = MapLearner(place, STEP_S)
    rows, watched = np.arange(3 * MOST_WATCHED), set[int]()
    one = seen_at(filter_, 7, (0.0, 0.0, 0.0))
    for _ in range(3):
        for _ in range(WINDOW):
            learner.choose(rows)
            assert len(learner.watched) == MOST_WATCHED
            watched |= learner.watched
            for row in rows:
                learner.record(filter_, np.array([row]), one)
    assert watched == set(rows.tolist())


def test_with_two_scanners_nothing_is_learned_for_any_error_can_pass_for_another_spot() -> None:
    place = build_place_model(
        parse_plan(
            {
                "store": "two",
                "zones": [{"id": "a", "polygon": [[0, 0], [8, 0], [8, 8], [0, 8]]}],
                "scanners": [{"id": "one", "at": [1, 4]}, {"id": "two", "at": [7, 4]}],
            }
        ),
        STEP_S,
    )
    learner = MapLearner(place, STEP_S)
    teach(learner, Filter(place, ModelParameters(), STEP_S), [7], (6.0, -6.0))
    assert [learner.update_map(turn * STUDY_S) for turn in range(6)] == [None] * 6


def test_a_scanner_s_silence_where_it_should_hear_lowers_what_it_is_thought_to_hear(place: PlaceModel, filter_: Filter) -> None:
    learner = MapLearner(place, STEP_S)
    assert place.at is not None
    edge = int(np.argmin(np.hypot(*(place.at - (22.0, 4.0)).T)))
    for carrier in range(30):
        learner.choose(np.array([carrier]))
        for _ in range(WINDOW):
            seen, heard = seen_at(filter_, edge, (0.0, 0.0, 0.0)), np.array([[0.0, 2.0, 2.0]], dtype=np.float32)
            learner.record(filter_, np.array([carrier]), seen._replace(counts=heard, unheard=2 - heard))
    known = studied(learner)
    assert known is not None
    shift = known.level_dbm[edge] - place.level_dbm[edge]
    assert shift[0] < shift[1] - 1.0


def test_hindsight_of_the_last_step_is_what_was_believed(place: PlaceModel, filter_: Filter) -> None:
    seen = seen_at(filter_, 7, (0.0, 0.0, 0.0))
    ((_, smoothed),) = smooth(filter_, [seen], shoppers=1)
    assert np.allclose(smoothed, seen.believed, atol=1e-6)


def test_hindsight_tells_which_of_two_places_it_was_by_where_somebody_went_next(place: PlaceModel, filter_: Filter) -> None:
    assert place.at is not None
    left, right = (int(np.argmin(np.hypot(*(place.at - spot).T))) for spot in ((2.0, 4.0), (22.0, 4.0)))
    unsure = (walks_at(filter_, left) + walks_at(filter_, right)) / np.float32(2)
    first = seen_at(filter_, left, (0.0, 0.0, 0.0))._replace(predicted=unsure, believed=unsure)
    there = walks_at(filter_, left)
    predicted = filter_.predict(unsure.copy(), np.zeros(1, dtype=np.float32))
    then = seen_at(filter_, left, (0.0, 0.0, 0.0))._replace(predicted=predicted, believed=there)
    earlier = list(smooth(filter_, [first, then], shoppers=1))[-1][1].sum(1)[0]
    assert earlier[left] > 0.9
    assert earlier[right] < 0.1
