"""The painter of the default presenter: what moves, what stays, and what is known of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avatar_engine.lipsync.drawn.eyes import EyeState
from avatar_engine.lipsync.drawn.shape import REST, VISEMES, MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.idle import build_idle
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look, Painter
from avatar_engine.lipsync.synctalk_2d.studio.pose import Pose
from avatar_engine.lipsync.synctalk_2d.studio.truth import measure_mouth, measure_square, outline_mouth

WIDTH, HEIGHT = 320, 180


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(WIDTH, HEIGHT)


def _mouth(name: str) -> MouthShape:
    return VISEMES[name].shape


def test_a_box_is_the_same_part_of_the_whole(painter: Painter) -> None:
    look = Look(Pose(shift_x=0.004, tilt=0.015, yaw=0.008, breath=0.003), EyeState(0.2, 0.3, 0.1), _mouth("ah"))
    whole = painter.render(look)
    x0, y0, x1, y1 = (int(v) for v in measure_square(painter.fields, painter.layout, look.pose))
    assert np.array_equal(painter.render(look, (x0, y0, x1, y1)), whole[y0:y1, x0:x1])


def test_a_stand_keeps_nothing_of_the_mouth_before(painter: Painter) -> None:
    stand = painter.stand(Pose(), EyeState(), (120, 60, 200, 140))
    first = stand.render(_mouth("ee"))
    stand.render(_mouth("ah"))
    assert np.array_equal(stand.render(_mouth("ee")), first)


def test_only_the_lower_face_changes_with_the_mouth(painter: Painter) -> None:
    closed, opened = painter.render(Look()), painter.render(Look(mouth=_mouth("ah")))
    rows, columns = np.nonzero(np.abs(closed.astype(int) - opened).max(axis=-1))
    x0, y0, x1, y1 = measure_square(painter.fields, painter.layout, Pose())
    assert len(rows) > 100
    assert x0 <= columns.min()
    assert columns.max() < x1
    assert y0 <= rows.min()
    assert rows.max() < y1


def test_an_open_mouth_is_darker_between_the_lips_than_a_closed_one(painter: Painter) -> None:
    edges = outline_mouth(painter.fields, painter.layout, Pose(), _mouth("ah"))
    x = round(float(edges[:, 0].mean()))
    top, bottom = edges[14:16, 1].mean(), edges[24:26, 1].mean()
    y = round(float(top + 0.55 * (bottom - top)))
    opened, closed = painter.render(Look(mouth=_mouth("ah")))[y, x], painter.render(Look())[y, x]
    assert int(opened.sum()) < int(closed.sum()) - 120


def test_eyelids_cover_the_eyes(painter: Painter) -> None:
    open_eyes, shut = (painter.render(Look(eyes=EyeState(blink=blink))) for blink in (0.0, 1.0))
    eyes = (slice(60, 78), slice(134, 186))
    bright = [int((picture[eyes].min(axis=-1) > 180).sum()) for picture in (open_eyes, shut)]
    assert bright[0] > 4 * max(bright[1], 1)


def test_the_wall_stands_still(painter: Painter) -> None:
    still, moved = painter.render(Look()), painter.render(Look(Pose(shift_x=0.01, tilt=0.02, breath=0.004)))
    assert np.array_equal(still[:, :60], moved[:, :60])


@pytest.mark.parametrize("name", sorted(VISEMES))
def test_known_opening_is_that_of_the_outline(painter: Painter, name: str) -> None:
    shape = _mouth(name)
    opening_px, width_px = measure_mouth(painter.layout, shape)
    edges = outline_mouth(painter.fields, painter.layout, Pose(), shape)
    assert edges[:, 0].max() - edges[:, 0].min() == pytest.approx(width_px, rel=0.02)
    middle = (edges[24:26, 1] - edges[14:16, 1]).mean()
    assert middle == pytest.approx(opening_px, abs=0.12 * opening_px + 0.1)


def test_lips_that_press_leave_no_gap(painter: Painter) -> None:
    assert measure_mouth(painter.layout, REST._replace(jaw=0.8, press=1.0))[0] == 0.0
    openings = [measure_mouth(painter.layout, MouthShape(jaw=jaw))[0] for jaw in (0.0, 0.3, 0.6, 1.0)]
    assert openings[0] == 0.0
    assert np.all(np.diff(openings) > 0)


def test_squares_keep_their_side_and_hold_the_mouth(painter: Painter) -> None:
    looks = build_idle(3)
    squares = np.stack([measure_square(painter.fields, painter.layout, look.pose) for look in looks])
    assert len({(x1 - x0, y1 - y0) for x0, y0, x1, y1 in squares.tolist()}) == 1
    assert squares.min() >= 0
    assert squares[:, 2].max() <= WIDTH
    assert squares[:, 3].max() <= HEIGHT
    for look, square in list(zip(looks, squares, strict=True))[::25]:
        edges = outline_mouth(painter.fields, painter.layout, look.pose, _mouth("ah"))
        assert (edges > square[:2] + 4).all()
        assert (edges < square[2:] - 4).all()


def test_points_follow_the_head(painter: Painter) -> None:
    still = outline_mouth(painter.fields, painter.layout, Pose(), REST)
    moved = outline_mouth(painter.fields, painter.layout, Pose(shift_x=0.01, shift_y=-0.005), REST)
    wanted = np.array((0.01, -0.005)) * painter.layout.scale
    assert moved - still == pytest.approx(np.broadcast_to(wanted, still.shape), abs=0.02)


def test_idle_is_seamless_there_and_back() -> None:
    looks = build_idle(1)
    curves = np.array([look.pose for look in looks])
    speed = np.abs(np.diff(curves, axis=0))
    assert (speed[[0, -1]] <= 0.12 * speed.max(axis=0) + 1e-5).all()
    assert all(look.mouth == REST for look in looks)
    assert looks[0].eyes.blink == looks[-1].eyes.blink == 0.0


def test_idle_is_alive_and_the_same_for_the_same_seed() -> None:
    looks, again, other = build_idle(1), build_idle(1), build_idle(2)
    assert looks == again
    assert looks != other
    blinks = [look.eyes.blink for look in looks]
    assert sum(1 for value in blinks if value == 1.0) >= 2
    assert max(abs(look.pose.yaw) for look in looks) > 0.004
    assert dataclasses.replace(looks[0]) == looks[0]
