"""Mean absolute scaled error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Metric, Sums
from rnnlab.metrics._sums import error, known, quotient, total_of_all
from rnnlab.signature import Kind


def naive_scale(values: NDArray[np.float32], season: int) -> NDArray[np.float32]:
    """Return the mean of |y[t] − y[t − season]| over the training part of a series, (C,); NaN where no pair is known.

    Args:
        values: (T, C), NaN where a value is missing.
        season: steps of a season; 1 where there is none.
    """
    later, earlier = values[season:].astype(np.float64), values[: max(0, len(values) - season)].astype(np.float64)
    differences = np.abs(later - earlier)
    pairs = (~np.isnan(differences)).sum(axis=0)
    means = np.nansum(differences, axis=0) / np.maximum(pairs, 1)
    return np.where(pairs > 0, means, np.nan).astype(np.float32)


class MeanAbsoluteScaledError(Metric):
    """The mean of the absolute error over that of the seasonal naive forecast in training.

    The scale (B, C) is of each series and target: see `naive_scale`. Where it is 0 or unknown, as of a series that
    never changes, errors have no measure and are left out.

    Reference: Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006.
    """

    definition: ClassVar[str] = (
        "mean of |error| / the training part's mean absolute seasonal difference; below 1 is better than the seasonal "
        "naive forecast was there"
    )
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    targets: ClassVar[frozenset[Kind]] = frozenset({"series"})

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        there = known(batch)
        if "scale" not in batch:
            nothing = tf.zeros((), tf.float64)
            return {"total": nothing, "count": nothing, "known": tf.reduce_sum(there)}
        scale = tf.cast(batch["scale"], tf.float64)[:, None, :]  # (B, 1, C)
        counted = there * tf.cast(scale > 0, tf.float64)
        return {
            "total": total_of_all(tf.abs(error(answers, batch)) / scale, counted),
            "count": tf.reduce_sum(counted),
            "known": tf.reduce_sum(there),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)

    def warning(self, sums: Mapping[str, NDArray[np.float64]]) -> str | None:
        left_out = int(sums["known"] - sums["count"])
        if not left_out:
            return None
        return f"{left_out:,} of {int(sums['known']):,} targets are of series without a scale, and left out"
