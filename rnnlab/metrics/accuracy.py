"""Accuracy: the share of examples whose class is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import chosen, count, quotient, total
from rnnlab.signature import Kind


class Accuracy(Metric):
    """The share of examples whose most probable class is the true one."""

    definition: ClassVar[str] = "share of examples whose most probable class is right, 0–1"
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"class"})
    needs: ClassVar[Answer] = "probabilities"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        right = chosen(answers["probabilities"]) == tf.cast(batch["targets"], tf.int64)
        return {"total": total(right, batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
