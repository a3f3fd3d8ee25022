"""Label F1: the F1 score of each label, averaged with equal weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._f1 import f1_sums, mean_f1
from rnnlab.metrics._sums import marked
from rnnlab.signature import Kind


class LabelF1(Metric):
    """The mean F1 score of the labels, one set above a probability of 0.5; those neither true nor set are left out."""

    definition: ClassVar[str] = (
        "mean over labels of the F1 score at a threshold of 0.5, 0–1; labels neither true nor set are left out"
    )
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"labels"})
    needs: ClassVar[Answer] = "probabilities"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        return f1_sums(marked(answers["probabilities"]), marked(batch["targets"]), batch["weights"])

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return mean_f1(sums)
