"""Standardise: each feature to mean 0 and deviation 1 over the training steps, a series' or a window's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.transforms import masked_moments
from rnnlab.transforms._scaling import SMALLEST, Scaling, extremes, known_steps

ROUNDING = 1e-6  # a deviation below this share of the mean is only rounding, and would blow noise up to size 1


class Standardize(Scaling):
    """Subtract each feature's mean and divide by its deviation, of what is known; a constant feature becomes 0."""

    idle_unless = {"steps": ("over", lambda over: over == "window")}

    steps: int | None = Field(
        None, ge=1, description="how many of a window's last steps give mean and deviation; default: all of them"
    )
    divide: bool = Field(True, description="divide by the deviation; false: the mean is subtracted, and that is all")

    @property
    def labels(self) -> tuple[str, str]:
        return "mean", "scale"

    def learn(self, train: Examples) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        mean, deviation = masked_moments(train, self.field, self.per_series)
        constant = deviation <= ROUNDING * np.maximum(np.abs(mean), 1e-30)
        return mean, np.where(constant, 1.0, deviation) if self.divide else np.ones_like(mean)

    def measure(self, window: Any, lengths: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        known = known_steps(window, lengths, self.steps)
        low, high = extremes(window, known)
        size = tf.where(high - low < SMALLEST, 1.0, high - low)
        count = tf.maximum(tf.reduce_sum(tf.cast(known, window.dtype), axis=1, keepdims=True), 1.0)
        # Within 0..1 the sums are exact enough in 32 bits, wherever the window lies; a constant one is 0 throughout.
        inside = tf.where(known, (tf.where(known, window, low) - low) / size, 0.0)
        middle = tf.reduce_sum(inside, axis=1, keepdims=True) / count
        variance = tf.reduce_sum(tf.where(known, (inside - middle) ** 2, 0.0), axis=1, keepdims=True) / count
        mean = low + middle * size
        if not self.divide:
            return mean, tf.ones_like(mean)
        deviation = tf.sqrt(tf.where(variance > 0, variance, 1.0)) * size
        constant = (variance <= 0) | (deviation <= ROUNDING * tf.maximum(tf.abs(mean), 1e-30))
        return mean, tf.where(constant, 1.0, deviation)
