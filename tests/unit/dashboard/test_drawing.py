"""The plan as shapes: right way up, whole, and legible."""

from __future__ import annotations

from gateway.dashboard.drawing import draw, level
from gateway.zones.plan import StorePlan, parse_plan


def test_the_plan_s_north_is_the_screen_s_top() -> None:
    plan = parse_plan(
        {
            "store": "kiosk",
            "zones": [
                {"id": "south", "polygon": [[0, 0], [4, 0], [4, 2], [0, 2]]},
                {"id": "north", "polygon": [[0, 2], [4, 2], [4, 6], [0, 6]]},
            ],
            "scanners": [{"id": "x", "zone": "south", "at": [1, 1]}],
        }
    )
    drawing = draw(plan)
    assert drawing is not None
    south, north = drawing.zones
    assert (north.y, south.y) == (0.0, 4.0)
    assert south.points == "0,6 4,6 4,4 0,4"
    assert drawing.scanners == (("x", 1.0, 5.0),)
    assert drawing.screen_y(1.0) == 5.0


def test_everything_is_inside_the_picture(plan: StorePlan) -> None:
    drawing = draw(plan)
    assert drawing is not None
    left, top, width, height = (float(part) for part in drawing.view_box.split())
    points = [point for shape in drawing.zones for point in shape.points.split()] + [
        p for wall in drawing.walls for p in wall.split()
    ]
    for point in points:
        x, y = map(float, point.split(","))
        assert left <= x <= left + width
        assert top <= y <= top + height
    assert len(drawing.zones) == 12


def test_a_long_name_is_set_smaller_until_it_fits_but_never_too_small_to_read(plan: StorePlan) -> None:
    drawing = draw(plan)
    assert drawing is not None
    shape = drawing.zones[0]
    short, long, endless = (shape.label_size("x" * letters, drawing.width) for letters in (3, 20, 200))
    assert short > long > endless > 0.3


def test_a_plan_of_names_only_has_no_drawing() -> None:
    assert draw(parse_plan({"store": "kiosk", "zones": [{"id": "a"}], "scanners": [{"id": "x", "zone": "a"}]})) is None


def test_colour_deepens_with_the_crowd_and_ends_at_four() -> None:
    assert [level(count) for count in (0, 1, 2, 3, 6, 10, 500)] == [0, 1, 1, 2, 3, 4, 4]
