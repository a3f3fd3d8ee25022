"""Randomness as a function of (seed, step, replica), never of hidden state.

A training step opens `random_scope(seed)`; each random layer folds its own salt into that seed. So a resumed run
draws what the unbroken one would have drawn, replicas draw differently, and no generator's state must be saved.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

_ACTIVE = threading.local()


@contextmanager
def random_scope(seed: Any, epoch: Any = 0.0) -> Iterator[None]:
    """Make `seed`, a (2,) int32 tensor, the seed of every random layer called within.

    Args:
        seed: of this step, replica and part.
        epoch: the epochs of training that are done, the one under way in part, for layers that follow a schedule.
    """
    previous = getattr(_ACTIVE, "seed", None), getattr(_ACTIVE, "epoch", 0.0)
    _ACTIVE.seed, _ACTIVE.epoch = seed, epoch
    try:
        yield
    finally:
        _ACTIVE.seed, _ACTIVE.epoch = previous


def epochs_done() -> Any:
    """Return the epochs of training that are done, float32: 0.0 where no training step is under way."""
    return tf.cast(getattr(_ACTIVE, "epoch", 0.0), "float32")


def stateless_uniform(shape: Any, *salts: Any) -> Any:
    """Return numbers between 0 and 1, drawn from the active seed and these salts, whole numbers such as a step's.

    Raises:
        RuntimeError: no `random_scope` is open: a random layer was called with training=True outside a training step.
    """
    seed = getattr(_ACTIVE, "seed", None)
    if seed is None:
        raise RuntimeError("a random layer needs `with random_scope(seed):` around a call with training=True")
    for salt in salts:
        seed = tf.random.experimental.stateless_fold_in(seed, salt)
    return tf.random.stateless_uniform(shape, seed)


def stateless_keep_mask(shape: Any, rate: float, salt: int) -> Any:
    """Return a mask of 0 and 1 / (1 - rate), drawn as `stateless_uniform` draws."""
    return tf.cast(stateless_uniform(shape, salt) >= rate, "float32") / (1.0 - rate)


@keras.saving.register_keras_serializable("rnnlab")
class Dropout(keras.layers.Layer):
    """Dropout whose draws are a function of (seed, step, replica, layer name).

    Args:
        rate: the share of elements set to zero in training; the others are divided by 1 - rate.
        over_time: draw one mask a sequence and use it at every step (Gal & Ghahramani 2016), instead of one a step.

    Call arguments:
        inputs: (B, T, F) or (B, F).
        training: whether to drop at all.
    """

    def __init__(self, rate: float, over_time: bool = False, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rate, self.over_time = rate, over_time
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        shape = tf.shape(inputs)
        if self.over_time and inputs.shape.rank == 3:
            shape = tf.stack([shape[0], 1, shape[2]])
        return inputs * tf.cast(stateless_keep_mask(shape, self.rate, self.salt), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "over_time": self.over_time}
