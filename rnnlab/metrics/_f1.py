"""The F1 score: the harmonic mean of precision and recall, 2·hits / (predicted + actual), per class and then averaged.

Axes: B batch, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Sums
from rnnlab.metrics._sums import total


def f1_sums(predicted: Any, actual: Any, weights: Any) -> Sums:
    """Return per class, (C,) each, how often it was predicted, was true, and both.

    Args:
        predicted: (B, C) bool.
        actual: (B, C) bool.
        weights: (B,).
    """
    return {
        "hits": total(predicted & actual, weights),
        "predicted": total(predicted, weights),
        "actual": total(actual, weights),
    }


def mean_f1(sums: Mapping[str, NDArray[np.float64]]) -> float:
    """Return the mean over the classes that were true or predicted at least once, or NaN where none was."""
    sizes = sums["predicted"] + sums["actual"]
    seen = sizes > 0
    return float(np.mean(2 * sums["hits"][seen] / sizes[seen])) if seen.any() else float("nan")
