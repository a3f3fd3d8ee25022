"""The answer of the training picture that is most like the one asked, pixel by pixel.

Axes: N training pictures, M pictures asked, P pixels of a picture.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, NotApplicable, known_targets, series
from rnnlab.baselines._texts import as_answer
from rnnlab.examples import Examples
from rnnlab.signature import Kind

AT_ONCE = 200  # pictures asked
MOST_PRODUCTS = 10**12  # of pixels: half a minute on one core


class NearestPicture(Baseline):
    """Answers with the target of the training picture at the smallest Euclidean distance; of equals the first."""

    title: ClassVar[str] = "target of the nearest picture"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets = known_targets(train)
        if {*np.unique(train.lengths), *np.unique(test.lengths)} != {1}:
            raise NotApplicable("compares pictures, and some of these have several frames")
        products = len(train) * len(test) * int(np.prod(train.signature.inputs[0].shape))
        if products > MOST_PRODUCTS:
            raise NotApplicable(f"would multiply {products:,} pixels, limit {MOST_PRODUCTS:,}")
        seen, asked = (np.stack(series(each)).reshape(len(each), -1) for each in (train, test))  # (N, P), (M, P)
        squares = np.square(seen).sum(axis=1)
        found: list[bytes] = []
        for start in range(0, len(asked), AT_ONCE):
            # |a − b|² less |a|², which is the same for all b.
            nearest = np.argmin(squares - 2 * asked[start : start + AT_ONCE] @ seen.T, axis=1)
            found += [targets[index] for index in nearest]
        return as_answer(found)
