"""The class of the training drawing that is most like the one asked, point by point.

Axes: N training drawings, M drawings asked, T points, K points that are compared.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.baselines._neighbours import check_products, nearest
from rnnlab.examples import Examples
from rnnlab.signature import Field as InputField
from rnnlab.signature import Kind


class NearestSketch(Baseline):
    """Answers with the class of the nearest training drawing, by points laid evenly along the strokes; of equals first.

    Each drawing is moved to the middle of its box and scaled to its longer side. Its points follow one another as they
    were drawn; what lies between strokes has no points. The distance is Euclidean, over all of them.
    """

    title: ClassVar[str] = "class of the nearest sketch"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"strokes"})
    calibrated: ClassVar[bool] = False

    points: int = Field(32, ge=2, description="points that are compared")

    def check(self, train: Examples, test: Examples, field: InputField) -> None:
        check_products(train, test, 2 * self.points, "coordinates")

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets, target = known_targets(train), target_field(train)
        found = targets[nearest(self._points(train), self._points(test))]
        if target.kind == "class":
            found = np.eye(len(target.names), dtype=np.float32)[found]
        return {"probabilities": found}

    def _points(self, drawings: Examples) -> NDArray[np.float64]:
        """Return the points of all drawings, (N, 2K); no two drawings are in memory at once."""
        name = drawings.signature.inputs[0].name
        found = np.zeros((len(drawings), 2 * self.points))
        for index in range(len(drawings)):
            found[index] = even_points(np.asarray(drawings.read(index)[name], np.float32), self.points).ravel()
        return found


def even_points(drawing: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Return (count, 2) places, at equal distances along the strokes of a drawing (T, 3), within a box of side 1."""
    places = drawing[:, :2].astype(np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    places = (places - (low + high) / 2) / (float((high - low).max()) or 1.0)
    way = np.hypot(*np.diff(places, axis=0).T)
    way[drawing[:-1, 2] > 0.5] = 0  # to the next stroke, the pen is in the air
    along = np.concatenate([[0.0], np.cumsum(way)])
    # Of two points at one distance, which are the end of a stroke and the beginning of the next, the later one is met.
    wanted = np.linspace(0, along[-1], count)
    behind = np.clip(np.searchsorted(along, wanted, side="right"), 1, len(along) - 1)
    span = along[behind] - along[behind - 1]
    share = np.where(span > 0, (wanted - along[behind - 1]) / np.where(span > 0, span, 1), 1.0)[:, np.newaxis]
    return places[behind - 1] * (1 - share) + places[behind] * share
