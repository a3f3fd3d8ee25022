"""The baseline of the nearest sketch, and the figure of sketches.

Axes: N drawings, T points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from rnnlab.baselines import NotApplicable
from rnnlab.baselines._neighbours import MOST_PRODUCTS
from rnnlab.baselines.nearest_sketch import NearestSketch, even_points
from rnnlab.evaluation.sketches import FEW, sketches
from rnnlab.examples import FlatExamples
from rnnlab.figures._style import BLUE, ORANGE
from rnnlab.figures.sketches import Sketches
from rnnlab.signature import Field, Signature
from tests.made import make_examples
from tests.test_figures import evidence

CLASS = Field("label", "class", (), ("box", "wave"))


def made(count: int, seed: int = 0, points: int = 40) -> FlatExamples:
    """Return boxes and waves of any size and place, as densely drawn as one likes."""
    random = np.random.default_rng(seed)
    drawings = []
    for number in range(count):
        way = np.linspace(0, 1, random.integers(points // 2, points))
        corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]])
        places = np.stack([way * 6, np.sin(way * 12)], axis=1)
        if number % 2 == 0:
            places = np.stack([np.interp(way, np.linspace(0, 1, 5), corners[:, axis]) for axis in (0, 1)], axis=1)
        places = (places + random.normal(scale=0.02, size=places.shape)) * random.uniform(1, 90) + random.normal(
            scale=500, size=2
        )
        drawings.append(np.column_stack([places, way == 1]).astype(np.float32))
    signature = Signature((Field("strokes", "strokes", (3,), ("x", "y", "end")),), CLASS)
    return FlatExamples.from_sequences(signature, [str(each) for each in range(count)], drawings, np.arange(count) % 2)


def test_points_lie_evenly_along_the_strokes_and_not_between_them() -> None:
    drawing = np.float32([[0, 0, 0], [1, 0, 0], [4, 0, 1], [0, 2, 0], [4, 2, 1]])
    found = even_points(drawing, 9)
    expected = [[x / 4 - 0.5, y] for y, xs in ((-0.25, (0, 1, 2, 3)), (0.25, (0, 1, 2, 3, 4))) for x in xs]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_points_do_not_depend_on_how_densely_a_drawing_was_recorded() -> None:
    corners = np.float32([[0, 0, 0], [6, 0, 0], [6, 3, 1]])
    dense = np.float32([[x, 0, 0] for x in np.linspace(0, 6, 50)] + [[6, y, y == 3] for y in np.linspace(0, 3, 7)])
    np.testing.assert_allclose(
        even_points(corners, 32), even_points(dense * np.float32([9, 9, 1]) + np.float32([7, 7, 0]), 32), atol=1e-6
    )


def test_a_dot_has_points_too() -> None:
    np.testing.assert_array_equal(even_points(np.float32([[5, 5, 0], [5, 5, 1]]), 4), np.zeros((4, 2)))


def test_the_nearest_sketch_tells_drawings_apart_whatever_their_size() -> None:
    train, test = made(20), made(30, seed=1)
    found = NearestSketch().answers(train, test, 0)["probabilities"]
    np.testing.assert_array_equal(found, np.eye(2)[np.arange(30) % 2])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, NearestSketch().answers(train, test.without_targets(), 0)["probabilities"])


def test_the_nearest_one_is_that_of_a_plain_loop() -> None:
    train, test = made(50), made(20, seed=1)
    own = [
        [even_points(np.asarray(each.read(index)["strokes"]), 32) for index in range(len(each))]
        for each in (train, test)
    ]
    nearest = [int(np.argmin([np.linalg.norm(one - other) for other in own[0]])) for one in own[1]]
    found = NearestSketch().answers(replace(train, targets=np.arange(50), signature=many(train)), test, 0)
    assert found["probabilities"].argmax(axis=1).tolist() == nearest


def many(examples: FlatExamples) -> Signature:
    return replace(examples.signature, target=Field("label", "class", (), tuple(map(str, range(50)))))


def test_without_targets_or_with_too_many_drawings_it_does_not_apply() -> None:
    train = made(10)
    with pytest.raises(NotApplicable, match="no training examples with targets"):
        NearestSketch().answers(train.without_targets(), train, 0)
    count = int((MOST_PRODUCTS / 64) ** 0.5) + 1
    large = replace(train, lengths=np.full(count, 2), targets=np.zeros(count, np.int64))
    with pytest.raises(NotApplicable, match="would multiply"):
        NearestSketch().check(large, large, train.signature.inputs[0])


def test_a_few_drawings_are_shown_and_nothing_of_other_examples() -> None:
    found = sketches(made(200))
    assert len(found) == FEW
    assert (min(found), max(found)) == (0, 199)
    np.testing.assert_array_equal(found[0], made(200).read(0)["strokes"])
    assert len(sketches(made(3))) == 3
    assert sketches(make_examples("class")) == {}


def test_right_ones_are_blue_and_wrong_ones_orange_with_their_guesses() -> None:
    given = evidence("class", ("box", "wave", "$x_1$", "cat"), examples=24)
    drawn = Sketches().draw(given)
    assert drawn is not None
    probabilities, targets = given.answers["probabilities"], np.asarray(given.targets)
    assert {int(each) for each in probabilities.argmax(axis=1) == targets} == {0, 1}
    for axes, index in zip(drawn.axes, given.sketches, strict=True):
        guess = probabilities[index].argmax()
        assert {to_hex(line.get_color()).upper() for line in axes.get_lines()} == {
            BLUE if guess == targets[index] else ORANGE
        }
        assert axes.get_title() == given.target.names[targets[index]]
        told = axes.get_xlabel().split("\n")
        assert told[0] == f"{given.target.names[guess]} {probabilities[index][guess]:.0%}"
        assert len(told) == 3
        assert len(axes.get_lines()) == 2  # strokes
        assert axes.yaxis_inverted()


def test_without_drawings_there_is_no_figure() -> None:
    assert Sketches().draw(replace(evidence("class", ("a", "b")), sketches={})) is None
