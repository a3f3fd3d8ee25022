"""Tracing: lines that are known are found again, as one would draw them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from rnnlab.sources._tracing import MARGIN, SCALE, enlarged, even, follow, inked, smooth, thinned, trace


def line(*ends: tuple[float, float], side: int = 12) -> np.ndarray:
    """Return a picture of lines from end to end (x, y), as a pen one pixel wide draws them."""
    fine = np.stack(np.meshgrid(*[(np.arange(side * 8) + 0.5) / 8] * 2), axis=-1)
    ink = np.zeros(fine.shape[:2])
    for one, other in zip(np.array(ends[:-1], float), np.array(ends[1:], float), strict=True):
        part = np.clip(((fine - one) @ (other - one)) / ((other - one) ** 2).sum(), 0, 1)
        ink = np.maximum(ink, np.linalg.norm(fine - one - part[..., None] * (other - one), axis=-1) < 0.6)
    return np.round(ink.reshape(side, 8, side, 8).mean(axis=(1, 3)) * 255).astype(np.uint8)


def ring(radius: float, middle: tuple[float, float] = (6, 6)) -> np.ndarray:
    turns = np.linspace(0, 2 * np.pi, 60)
    return line(*zip(middle[0] + radius * np.sin(turns), middle[1] + radius * np.cos(turns), strict=True))


def traced(*pictures: np.ndarray) -> list[np.ndarray]:
    (strokes,) = trace(np.maximum.reduce(pictures)[np.newaxis], 0.5)
    return strokes


def test_a_picture_keeps_its_lightness_when_it_is_enlarged() -> None:
    """But for what its edges throw beyond the margin."""
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    np.testing.assert_allclose(
        enlarged(picture).sum() / enlarged(np.ones((1, 8, 8), np.uint8)).sum(), picture.mean(), rtol=1e-4
    )


def test_between_pixels_of_a_slope_lie_the_values_between() -> None:
    """Cubic convolution is exact for straight lines."""
    picture = np.broadcast_to(5 * np.arange(20), (1, 20, 20)).astype(np.uint8)
    one = enlarged(np.ones((1, 20, 20), np.uint8))[0, 50, 50]
    columns = (np.arange(22 * SCALE) + 0.5) / SCALE - 0.5 - MARGIN
    inner = (columns > 2) & (columns < 17)
    np.testing.assert_allclose(enlarged(picture)[0, 50, inner] / one, 5 * columns[inner], rtol=1e-12)


def test_thinned_ink_is_one_dot_wide_and_as_much_joined() -> None:
    ink = inked(enlarged(np.stack([ring(4), line((2, 2), (10, 9)), ring(3)])))
    thin = thinned(ink)
    for before, after in zip(ink, thin, strict=True):
        assert (after <= before).all()
        around = np.ones((3, 3))
        assert label(after, around)[1] == label(before, around)[1]  # pieces
        assert label(~np.pad(after, 1))[1] == label(~np.pad(before, 1))[1]  # holes, and what is outside
        squares = np.lib.stride_tricks.sliding_window_view(after, (2, 2)).sum(axis=(2, 3))
        assert squares.max() < 4
    np.testing.assert_array_equal(thinned(thin), thin)


def test_a_line_is_one_stroke_from_its_upper_end() -> None:
    (stroke,) = traced(line((3, 9), (9, 3)))
    np.testing.assert_allclose(stroke[[0, -1]], [(9, 3), (3, 9)], atol=0.6)
    np.testing.assert_allclose(stroke.sum(axis=1), 12, atol=0.25)  # on x + y = 12


def test_a_ring_is_one_closed_stroke_from_its_top_to_the_left() -> None:
    (stroke,) = traced(ring(4))
    np.testing.assert_array_equal(stroke[0], stroke[-1])
    np.testing.assert_allclose(stroke[0], (6, 2), atol=0.5)
    assert stroke[1, 0] < stroke[0, 0]
    np.testing.assert_allclose(np.hypot(*(stroke - 6).T), 4, atol=0.3)


def test_where_two_lines_cross_the_pen_goes_straight_on() -> None:
    one, other = traced(line((2, 3), (10, 9)), line((10, 3), (2, 9)))
    for stroke in (one, other):
        way = stroke[-1] - stroke[0]
        assert abs(way[0]) > 6
        assert way[1] > 4


def test_loops_that_meet_are_one_stroke() -> None:
    """An eight: up and down from the crossing without lifting the pen."""
    assert len(traced(ring(2.2, (6, 3)), ring(2.2, (6, 7.4)))) == 1


def test_pieces_are_drawn_from_the_top() -> None:
    strokes = traced(line((2, 9), (9, 9)), line((2, 5), (9, 5)), line((2, 1), (9, 1)))
    assert [round(float(stroke[:, 1].mean())) for stroke in strokes] == [1, 5, 9]


def test_a_dot_is_a_stroke_and_darkness_is_none() -> None:
    dot = np.zeros((8, 8), np.uint8)
    dot[3, 4] = 255
    (stroke,) = traced(dot)
    np.testing.assert_allclose(stroke.mean(axis=0), (4.5, 3.5), atol=0.3)
    assert traced(np.zeros((8, 8), np.uint8)) == []


@pytest.mark.parametrize("seed", range(6))
def test_every_dot_of_a_line_is_drawn_but_for_spurs(seed: int) -> None:
    """Of random walks that cross themselves: strokes pass near each dot, and over nothing else."""
    random = np.random.default_rng(seed)
    picture = line(*random.uniform(1.5, 10.5, (5, 2)))
    thin = thinned(inked(enlarged(picture[np.newaxis])))[0]
    drawn = np.array([dot for stroke in follow(thin) for dot in stroke])
    away = np.abs(np.argwhere(thin)[:, None] - drawn).max(axis=2).min(axis=1)
    assert (away <= 6).all()
    assert (away == 0).mean() > 0.8
    assert (np.abs(drawn[:, None] - np.argwhere(thin)).max(axis=2).min(axis=1) <= 2).all()


def test_points_lie_evenly_and_both_ends_stay() -> None:
    turns = np.linspace(0, 3, 50)[:, None]
    stroke = np.concatenate([np.cos(turns), np.sin(turns)], axis=1) * 5
    points = even(stroke, 0.7)
    np.testing.assert_allclose(points[[0, -1]], stroke[[0, -1]])
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 15 / round(15 / 0.7), rtol=0.01)
    assert len(even(stroke[:1], 0.7)) == 1


def test_smoothing_takes_stairs_away_and_keeps_ends() -> None:
    stairs = np.array([(n // 2, (n + 1) // 2) for n in range(40)], float)
    smoothed = smooth(stairs)
    np.testing.assert_array_equal(smoothed[[0, -1]], stairs[[0, -1]])
    assert np.abs(smoothed[8:-8] @ [1, -1] + 0.5).max() < 0.01
