"""The answer of the nearest training example under dynamic time warping: the field's classical baseline.

Axes: N examples, T time, F features, C classes or numbers.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.baselines import Baseline, NotApplicable, known_targets, series, target_field
from rnnlab.examples import Examples

# aeon takes about (3 + 0.6 F) nanoseconds for one cell of a warping matrix, measured on one core: 3.5 ns for one
# feature, 10 to 12 ns for twelve, 37 ns for sixty. Series of a few steps take up to three times as long for each cell.
NANOSECONDS_PER_CELL, NANOSECONDS_PER_FEATURE = 3.0, 0.6
LIMIT_SECONDS = 60.0
PAIRS_AT_ONCE = 2_000_000


class NearestNeighbourDTW(Baseline):
    """One nearest neighbour under dynamic time warping of all features together, no window.

    With raw values and all training examples this is the published reference 1NN-DTW-D: 94.9 % on JapaneseVowels.
    Whether features are better standardised was asked of the training splits alone (5-fold cross-validation, 20
    repeats, scales fitted within each fold): raw values give 95.7 % against 95.6 % on JapaneseVowels and 94.6 %
    against 93.8 % on BasicMotions, differences below one deviation of the repeats. So the default is the published
    form. (On JapaneseVowels' test split, which had no say, standardised features give 95.9 %.)

    References: Sakoe and Chiba, "Dynamic Programming Algorithm Optimization for Spoken Word Recognition", 1978;
    Bagnall et al., "The UEA Multivariate Time Series Classification Archive", 2018.
    """

    title: ClassVar[str] = "1-nearest neighbour, dynamic time warping"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})
    calibrated: ClassVar[bool] = False

    standardise: bool = Field(
        False,
        description="scale each feature by its mean and deviation over the training steps, for features whose units "
        "differ; off by default because the published reference figures use raw values",
    )

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets, target = known_targets(train), target_field(train)
        _check_cost(train, test)
        seen, asked = series(train), series(test)
        if any(np.isnan(values).any() for values in (*seen, *asked)):
            raise NotApplicable("the series have missing values, for which dynamic time warping has no distance")
        if self.standardise:
            seen, asked = _standardised(seen, asked)
        nearest = targets[_nearest(seen, asked)]
        if target.kind == "class":
            return {"probabilities": np.eye(len(target.names), dtype=np.float32)[nearest]}
        return {"values" if target.kind == "numbers" else "probabilities": nearest.astype(np.float32)}


def _check_cost(train: Examples, test: Examples) -> None:
    """Refuse what would take longer than the limit on one core.

    Raises:
        NotApplicable: with the number of cells that the warping matrices of all pairs have together.
    """
    features = train.signature.inputs[0].shape[0]
    cells = float(train.lengths.sum()) * float(test.lengths.sum())
    limit = LIMIT_SECONDS * 1e9 / (NANOSECONDS_PER_CELL + NANOSECONDS_PER_FEATURE * features)
    if cells > limit:
        raise NotApplicable(f"would need {cells / 1e9:.1f}·10⁹ cell updates, limit {limit / 1e9:.1f}·10⁹")


def _standardised(
    seen: list[NDArray[np.float32]], asked: list[NDArray[np.float32]]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Return both lists of (T, F) in units of the training steps' deviation; a constant feature is only centred."""
    steps = np.concatenate(seen)  # (ΣT, F)
    mean = steps.mean(axis=0, dtype=np.float64)
    deviation = steps.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1)
    return (
        [((values - mean) / scale).astype(np.float32) for values in seen],
        [((values - mean) / scale).astype(np.float32) for values in asked],
    )


def _nearest(seen: list[NDArray[np.float32]], asked: list[NDArray[np.float32]]) -> NDArray[np.int64]:
    """Return for each series asked, (T, F), the index of the nearest one seen; the first one of equals."""
    import numba
    from aeon.distances import dtw_pairwise_distance
    from numba.core.errors import NumbaTypeSafetyWarning

    known = [values.T.astype(np.float64, order="C") for values in seen]  # (F, T), as aeon has them
    rows = max(1, PAIRS_AT_ONCE // len(known))
    parts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaTypeSafetyWarning)  # of aeon's own loop index, while it is compiled
        for start in range(0, len(asked), rows):
            block = [values.T.astype(np.float64, order="C") for values in asked[start : start + rows]]
            distances = dtw_pairwise_distance(block, known, n_jobs=numba.config.NUMBA_NUM_THREADS)
            parts.append(distances.argmin(axis=1))
    return np.concatenate(parts)
