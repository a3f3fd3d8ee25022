"""Metrics: sums over examples, divided once. One file each; its name is the column's name.

A metric turns a batch of answers into sums, and the sums of all batches into a number. Because the sums of batches,
replicas and epochs simply add, no metric depends on how examples were batched.

Axes: B batch, C classes or numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.registry import Registry
from rnnlab.signature import Kind
from rnnlab.strict import Strict

Sums = dict[str, Any]


class Metric(Strict, ABC):
    """A number that says how good answers are.

    Class attributes:
        definition: one sentence with the unit or range, printed with every table.
        better: whether `higher` or `lower` is better.
        target: the kind of target that it is for: `class`, `labels` or `numbers`.
        reads: the answer that it reads: `probabilities` or `values`. A baseline that gives only a decision, not
            probabilities, has no value for a metric with `calibrated` true.
    """

    definition: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"]]
    target: ClassVar[Kind]
    reads: ClassVar[Literal["probabilities", "values"]]
    calibrated: ClassVar[bool] = False

    @abstractmethod
    def sums(self, answers: Mapping[str, Any], targets: Any, weights: Any) -> Sums:
        """Return the batch's sums as tensors of fixed shape.

        Args:
            answers: the task's answers by name, such as `probabilities` (B, C) or `values` (B, C).
            targets: (B,) class indices, or (B, C) labels or numbers.
            weights: (B,) float32, 1 for an example and 0 for a row that only fills the batch.
        """

    @abstractmethod
    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        """Return the metric from the sums of all batches, or NaN where there was nothing to count."""


METRICS: Registry[Metric] = Registry("rnnlab.metrics", Metric, "metric")
