"""Token accuracy: the share of tokens that are answered right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.entities import NOTHING
from rnnlab.metrics import Sums
from rnnlab.metrics._sums import quotient
from rnnlab.metrics._tags import TagMetric, tags_of


class TokenAccuracy(TagMetric):
    """The share of all tokens whose tag is the true one; of answers in tokens, that are the true ones.

    There each token is asked for given the true ones before it. A token that the vocabulary does not know is never
    right.
    """

    definition: ClassVar[str] = "share of tokens that are right, 0–1; where most are alike, little is said by it"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        answered, true = tags_of(answers, batch)
        valid = tf.cast(true != NOTHING, tf.float64) * tf.cast(batch["weights"], tf.float64)[:, tf.newaxis]
        right = tf.cast(answered == true, tf.float64)
        return {"total": tf.reduce_sum(right * valid), "count": tf.reduce_sum(valid)}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
