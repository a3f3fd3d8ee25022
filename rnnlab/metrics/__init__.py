"""Metrics: sums over examples, divided once. One file each; its name is the column's name.

A metric turns a batch of answers into sums, and the sums of all batches into a number. Because the sums of batches,
replicas and epochs simply add, no metric depends on how examples were batched.

Axes: B batch, C classes, numbers or targets, H horizon, Q quantiles.
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
Answer = Literal["probabilities", "values", "quantiles", "tags", "surprisal", "texts"]


class Metric(Strict, ABC):
    """A number that says how good answers are.

    Class attributes:
        definition: one sentence with the unit or range, printed with every table.
        better: whether `higher` or `lower` is better.
        ranks: whether answers can be told better or worse by it at all. Coverage only describes them: it has a right
            value, which is neither the highest nor the lowest. It is nobody's main metric.
        targets: the kinds of target that it is for: `class`, `labels`, `numbers`, `series`, `tags`, `text`, `tokens`,
            `notes`, `string`.
        needs: the answer that it reads; where there is none, it has no value.
        calibrated: whether it takes probabilities at their word. A baseline that gives only a decision, not
            probabilities, has no value for such a metric.
    """

    definition: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"]]
    ranks: ClassVar[bool] = True
    targets: ClassVar[frozenset[Kind]]
    needs: ClassVar[Answer] = "values"
    calibrated: ClassVar[bool] = False

    def full_definition(self) -> str:
        """Return the definition, with all that the value depends on beside the answers, such as a library's version."""
        return self.definition

    @abstractmethod
    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        """Return the batch's sums as tensors of fixed shape.

        Args:
            answers: the task's answers by name: `probabilities` (B, C) or `values` (B, C); of forecasts `values`
                (B, H, C), and where they have quantiles `quantiles` (B, H, C, Q) and `levels` (Q,), ascending; of every
                step `tags` (B, T); of language models `surprisal` (B,), −ln of the probability of all that is asked of
                a row, and `asked` (B,), how many steps that is; `texts` (B,) strings in UTF-8.
            batch: what the answers are held against:
                `targets`: (B,) class indices, (B, C) labels or numbers, or (B, H, C) the series' next steps, NaN where
                nobody knows them, or (B, T) the indices of tags, -1 in the padding;
                `texts`: (B,) strings in UTF-8, the true ones, where texts are asked for;
                `weights`: (B,) float32, 1 for an example and 0 for a row that only fills the batch;
                `scale`: (B, C) float32, of forecasts, if known: what an error is measured by (see `mase`).
        """

    @abstractmethod
    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        """Return the metric from the sums of all batches, or NaN where there was nothing to count."""

    def parts(self, sums: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
        """Return the metric of each part by its name, such as of each type of entity; nothing where it has none."""
        return {}

    def warning(self, sums: Mapping[str, NDArray[np.float64]]) -> str | None:
        """Return what a reader of the value should know of these sums, such as how much was left out; or None."""
        return None


METRICS: Registry[Metric] = Registry("rnnlab.metrics", Metric, "metric")
