"""Coverage: how often what happens lies within the quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import known, quotient, total_of_all
from rnnlab.signature import Kind


class Coverage(Metric):
    """The share of targets from the quantile of the lowest level to that of the highest, both included.

    It tells whether the quantiles mean what they say, not whether they are sharp; so no answers are better by it.
    """

    definition: ClassVar[str] = (
        "share of targets between the lowest and the highest quantile, 0–1; right is the distance of their levels, "
        "such as 0.8 from 0.1 to 0.9"
    )
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    ranks: ClassVar[bool] = False
    targets: ClassVar[frozenset[Kind]] = frozenset({"series"})
    needs: ClassVar[Answer] = "quantiles"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        # Compared in the answers' own type: in another, a target that equals a quantile may fall outside.
        quantiles = tf.convert_to_tensor(answers["quantiles"])  # (B, H, C, Q)
        targets, counted = tf.cast(batch["targets"], quantiles.dtype), known(batch)
        inside = (quantiles[..., 0] <= targets) & (targets <= quantiles[..., -1])
        return {"total": total_of_all(inside, counted), "count": tf.reduce_sum(counted)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
