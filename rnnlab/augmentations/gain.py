"""Gain: recordings that are louder or softer.

Axes: B batch, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.signature import Kind, Signature
from rnnlab.waveforms import times


class Gain(Augmentation):
    """Make each recording louder or softer as a whole, by decibels drawn for each, evenly."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})
    whole: ClassVar[bool] = True

    decibels: float = Field(6.0, gt=0, le=60, description="the most, either way; 6 is twice the amplitude, or half")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        drawn = tf.random.stateless_uniform([tf.shape(batch[name])[0], 1, 1], seed, -self.decibels, self.decibels)
        return {**batch, name: batch[name] * times(drawn)}
