"""Transpose: whole pieces of music in other keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Kind, Signature


class Transpose(Augmentation):
    """Shift all notes of a piece by a number of semitones, each as likely; what leaves the keyboard is silent."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"notes"})
    whole: ClassVar[bool] = True

    lowest: int = Field(-5, ge=-40, le=40, description="the furthest down, in semitones")
    highest: int = Field(6, ge=-40, le=40, description="the furthest up; -5 to 6 are all twelve keys")

    @model_validator(mode="after")
    def _ascending(self) -> Transpose:
        if self.highest < self.lowest:
            raise ValueError(f"expected highest of lowest, {self.lowest}, or more; received {self.highest}")
        return self

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        field = signature.inputs[0]
        frames = batch[field.name]
        shifts = tf.random.stateless_uniform([tf.shape(frames)[0], 1], seed, self.lowest, self.highest + 1, tf.int32)
        sources = tf.range(field.shape[0])[tf.newaxis] - shifts  # (B, K): which key each key now plays
        there = (sources >= 0) & (sources < field.shape[0])
        keys = tf.where(there, sources, 0)
        shifted = tf.gather(tf.transpose(frames, [0, 2, 1]), keys, batch_dims=1)  # (B, K, T)
        shifted = tf.where(there[..., tf.newaxis], shifted, 0.0)
        return {**batch, field.name: tf.transpose(shifted, [0, 2, 1])}
