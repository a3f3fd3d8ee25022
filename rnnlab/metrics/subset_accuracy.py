"""Subset accuracy: the share of examples whose labels are all right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import count, marked, quotient, total
from rnnlab.signature import Kind


class SubsetAccuracy(Metric):
    """The share of examples on which every label is right, one set above a probability of 0.5."""

    definition: ClassVar[str] = "share of examples whose labels are all right at a threshold of 0.5, 0–1"
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"labels"})
    needs: ClassVar[Answer] = "probabilities"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        right = tf.reduce_all(marked(answers["probabilities"]) == marked(batch["targets"]), axis=-1)
        return {"total": total(right, batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
