"""Jitter: noise on what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rnnlab.augmentations import Augmentation, measured
from rnnlab.signature import Signature


class Jitter(Augmentation):
    """Add normal noise to every measured value of the sequence (Um et al. 2017); what is asked for stays as it is."""

    deviation: float = Field(0.03, gt=0, description="of the noise, in the units that the transforms make")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        noise = tf.random.stateless_normal(tf.shape(batch[name]), seed, stddev=self.deviation)
        return {**batch, name: tf.where(measured(signature), batch[name] + noise, batch[name])}
