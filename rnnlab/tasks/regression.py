"""Regression: one or more numbers a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key

from rnnlab.examples import Examples
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task


class Regression(Task):
    """Numbers a sequence. The network learns them standardised by the training split; answers are in their own units.

    The loss is a mean over sequences and numbers, in standardised units.
    """

    targets = frozenset({"numbers"})
    head = "numbers"

    loss: Literal["squared", "absolute", "huber"] = Key(
        "squared",
        description="squared asks for the mean, absolute for the median; huber: squared up to 1, then absolute",
    )

    def fit(self, train: Examples) -> Learnt:
        targets = train.known_targets
        deviation = targets.std(axis=0, dtype=np.float64)
        mean = targets.mean(axis=0, dtype=np.float64)
        return {"mean": mean.astype(np.float32), "scale": np.where(deviation > 0, deviation, 1).astype(np.float32)}

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        error = outputs - (batch["targets"] - learnt["mean"]) / learnt["scale"]
        if self.loss == "squared":
            loss = tf.square(error)
        elif self.loss == "absolute":
            loss = tf.abs(error)
        else:
            loss = tf.where(tf.abs(error) <= 1, 0.5 * tf.square(error), tf.abs(error) - 0.5)
        return tf.reduce_mean(loss, axis=-1), batch["weights"]

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        return {"values": outputs * learnt["scale"] + learnt["mean"]}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        return {}

    def metric_names(self, target: Field) -> Sequence[str]:
        return ("mae", "rmse", "r2")
