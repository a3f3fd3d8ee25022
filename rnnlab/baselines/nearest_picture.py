"""The answer of the training picture that is most like the one asked, pixel by pixel.

Axes: N training pictures, M pictures asked, P pixels of a picture.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, NotApplicable, known_targets
from rnnlab.baselines._neighbours import check_products, nearest
from rnnlab.baselines._texts import as_answer
from rnnlab.examples import Examples
from rnnlab.signature import Field, Kind


class NearestPicture(Baseline):
    """Answers with the target of the training picture at the smallest Euclidean distance; of equals the first."""

    title: ClassVar[str] = "target of the nearest picture"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    def check(self, train: Examples, test: Examples, field: Field) -> None:
        if {*np.unique(train.lengths), *np.unique(test.lengths)} != {1}:
            raise NotApplicable("compares pictures, and some of these have several frames")
        check_products(train, test, int(np.prod(field.shape)), "pixels")

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets = known_targets(train)
        return as_answer([targets[index] for index in nearest(_pixels(train), _pixels(test))])


def _pixels(pictures: Examples) -> NDArray[np.float32]:
    """Return all pixels, (N, P)."""
    field = pictures.signature.inputs[0]
    found = np.zeros((len(pictures), int(np.prod(field.shape))), np.float32)
    for index in range(len(pictures)):
        found[index] = pictures.read(index)[field.name].ravel()
    return found
