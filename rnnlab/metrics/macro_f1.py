"""Macro F1: the F1 score of each class, averaged with equal weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._f1 import f1_sums, mean_f1
from rnnlab.metrics._sums import chosen
from rnnlab.signature import Kind


class MacroF1(Metric):
    """The mean F1 score of the classes; those neither true nor predicted are left out, as scikit-learn does."""

    definition: ClassVar[str] = (
        "mean over classes of the F1 score, 0–1; classes neither true nor predicted are left out"
    )
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"class"})
    needs: ClassVar[Answer] = "probabilities"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        classes = answers["probabilities"].shape[-1]
        predicted = tf.one_hot(chosen(answers["probabilities"]), classes, True, False)
        actual = tf.one_hot(tf.cast(batch["targets"], tf.int64), classes, True, False)
        return f1_sums(predicted, actual, batch["weights"])

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return mean_f1(sums)
