"""What the linear baselines know of a series: a few numbers per feature, whatever its length.

Axes: N examples, T time, F features.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import series
from rnnlab.examples import Examples


def summary(examples: Examples) -> NDArray[np.float64]:
    """Return mean, deviation, minimum, maximum, first and last value of each feature, and the length: (N, 6F + 1).

    Missing values (NaN) are left out; a feature that an example never observed stays NaN.
    """
    rows = np.stack([_summarise(values.astype(np.float64)) for values in series(examples)])
    return np.column_stack([rows, examples.lengths])


def linear_pipeline(model: Any) -> Any:
    """Return a scikit-learn pipeline: impute training means, standardise, then the model."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), model)


def _summarise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return six numbers per feature, (6F,), of one series (T, F)."""
    observed = ~np.isnan(values)
    columns = np.arange(values.shape[1])
    first = values[observed.argmax(axis=0), columns]
    last = values[len(values) - 1 - observed[::-1].argmax(axis=0), columns]
    statistics = (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a feature without one observed value, which gives NaN
        return np.concatenate([*(statistic(values, axis=0) for statistic in statistics), first, last])
