"""What metrics of tags share: the valid steps, and the counts of entities.

Axes: B batch, T time, C tags, K types of entities.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.entities import NOTHING, Scheme
from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.signature import Kind


class TagMetric(Metric):
    """A metric of tags."""

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"tags"})
    needs: ClassVar[Answer] = "tags"

    tags: tuple[str, ...] = Field(description="the tags' names, which the task knows")


def tags_of(answers: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the tags that are answered and the true ones, (B, T) int64 each, both `NOTHING` where there is no step."""
    import tensorflow as tf

    answered, true = (tf.cast(tf.convert_to_tensor(each), tf.int64) for each in (answers["tags"], batch["targets"]))
    # Either may be padded further than the other.
    width = tf.minimum(tf.shape(answered)[1], tf.shape(true)[1])
    answered, true = answered[:, :width], true[:, :width]
    return tf.where(true == NOTHING, true, answered), true


class EntityMetric(TagMetric):
    """A metric of entities, which are right where type, beginning and end are."""

    @cached_property
    def scheme(self) -> Scheme:
        scheme = Scheme.of(self.tags)
        if scheme is None:
            raise ValueError(f"expected tags that mark entities (B-…, I-…, O); received {self.tags}")
        return scheme

    @abstractmethod
    def share(self, hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        """Return what counts, and of how much it is a share."""

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        """Return per type, (K,) each, how many entities were predicted, were true, and were both."""
        import tensorflow as tf

        answered, true = tags_of(answers, batch)
        first, last, types = self.scheme.spans(answered)
        true_first, true_last, true_types = self.scheme.spans(true)
        # Both are in order, and no two entities begin at one place.
        place = tf.minimum(tf.searchsorted(true_first, first), tf.maximum(tf.size(true_first) - 1, 0))
        # One more behind them, so that there is always something to be looked at.
        found = [tf.gather(tf.pad(each, [[0, 1]], constant_values=-1), place) for each in (true_first, true_last)]
        right = (found[0] == first) & (found[1] == last) & (tf.gather(tf.pad(true_types, [[0, 1]]), place) == types)
        weights = tf.repeat(tf.cast(batch["weights"], tf.float64), tf.shape(true)[1])

        def total(types: Any, weights: Any) -> Any:
            return tf.math.unsorted_segment_sum(weights, types, len(self.scheme.names))

        own = tf.gather(weights, first)
        return {
            "hits": total(types, tf.where(right, own, tf.zeros_like(own))),
            "predicted": total(types, own),
            "actual": total(true_types, tf.gather(weights, true_first)),
        }

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return self._quotient(*(float(sums[name].sum()) for name in ("hits", "predicted", "actual")))

    def parts(self, sums: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
        counts = zip(sums["hits"], sums["predicted"], sums["actual"], strict=True)
        return {name: self._quotient(*each) for name, each in zip(self.scheme.names, counts, strict=True)}

    def _quotient(self, hits: float, predicted: float, actual: float) -> float:
        """Return the share; as conlleval does 0 where it is one of nothing, but NaN where there are no entities."""
        if not predicted and not actual:
            return float("nan")
        part, whole = self.share(hits, predicted, actual)
        return float(part / whole) if whole else 0.0
