"""Scaling: what `standardize` and `min_max` share.

Axes: B batch, T time, F features, S series, H horizon, C targets, Q values of one answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.transforms import ColumnTransform, Learnt, Names, on_known, valid_steps

SMALLEST = float(np.finfo(np.float32).tiny)  # TensorFlow takes what is smaller for zero
LARGEST = float(np.finfo(np.float32).max)


class Scaling(ColumnTransform):
    """Each feature less its origin, over its unit: of all training steps, of those of one series, or of a window."""

    over: Literal["training", "series", "window"] = Field(
        "training",
        description="the steps whose numbers are taken: all of training, training's of the same series, or, without "
        "anything learnt, the window's own",
    )
    columns: Names | None = Field(
        None,
        description="the features that are scaled; default: over training all; over series and window all that are "
        "not known of the future, for a window's calendar is often constant",
    )

    @property
    def forecasts(self) -> bool:
        return True

    @property
    def causal(self) -> bool:
        return self.over != "window"

    @property
    def per_series(self) -> bool:
        return self.over == "series"

    def prepares(self, name: str, future: frozenset[str]) -> bool:
        return self.over == "training" or super().prepares(name, future)

    @property
    def outer(self) -> tuple[float, float]:
        """What 0 and 1 of a feature less its origin, over its unit, become."""
        return 0.0, 1.0

    @abstractmethod
    def learn(self, train: Examples) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        """Return origin and unit, (F,) or per series (S + 1, F)."""

    @abstractmethod
    def measure(self, window: Any, lengths: Any) -> tuple[Any, Any]:
        """Return origin and unit of each row's window, (B, 1, F)."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, str]:
        """The names under which origin and unit are kept."""

    def fit(self, train: Examples) -> Learnt:
        chosen = self.chosen(train.signature)
        if self.over == "window":
            return {"chosen": chosen}
        learnt = {name: each.astype(np.float32) for name, each in zip(self.labels, self.learn(train), strict=True)}
        return {**learnt, "chosen": np.array(np.broadcast_to(chosen, learnt[self.labels[0]].shape))}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        return self._scaled(values, *self._numbers(values, lengths, learnt), learnt["chosen"]), lengths

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        numbers = self._numbers(window, lengths, learnt)
        return on_known(lambda known: self._scaled(known, *numbers, learnt["chosen"]), ahead)

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        targets = answers.shape[2]
        numbers = (*self._numbers(window, lengths, learnt), learnt["chosen"])
        origin, unit, chosen = (each[..., :targets, tf.newaxis] for each in numbers)  # (C, 1) or (B, 1, C, 1)
        low, high = self.outer
        return tf.where(chosen, (answers - low) / (high - low) * unit + origin, answers)

    def _numbers(self, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        if self.over == "window":
            return self.measure(window, lengths)
        origin, unit = self.labels
        return learnt[origin], learnt[unit]

    def _scaled(self, values: Any, origin: Any, unit: Any, chosen: Any) -> Any:
        import tensorflow as tf

        low, high = self.outer
        return tf.where(chosen, (values - origin) / unit * (high - low) + low, values)


def known_steps(window: Any, lengths: Any, steps: int | None = None) -> Any:
    """Return (B, T, F) bool: which values of a window are known, of its last steps if any of those is."""
    import tensorflow as tf

    known = valid_steps(window, lengths) & ~tf.math.is_nan(window)
    if steps is None:
        return known
    late = known & ~valid_steps(window, lengths - steps)
    return tf.where(tf.reduce_any(late, axis=1, keepdims=True), late, known)


def extremes(window: Any, known: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest known value of each row's features, (B, 1, F); 0 where none is known."""
    import tensorflow as tf

    low = tf.reduce_min(tf.where(known, window, LARGEST), axis=1, keepdims=True)
    high = tf.reduce_max(tf.where(known, window, -LARGEST), axis=1, keepdims=True)
    some = tf.reduce_any(known, axis=1, keepdims=True)
    return tf.where(some, low, 0.0), tf.where(some, high, 0.0)
