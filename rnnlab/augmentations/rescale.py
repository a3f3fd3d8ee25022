"""Rescale: whole sequences larger or smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rnnlab.augmentations import Augmentation, measured
from rnnlab.signature import Signature


class Rescale(Augmentation):
    """Multiply what was measured in a sequence by a number near 1 (Um et al. 2017), and a forecast's truth with it."""

    whole: ClassVar[bool] = True

    deviation: float = Field(0.1, gt=0, lt=1, description="of the number around 1")

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        factor = tf.random.stateless_normal([tf.shape(batch[name])[0], 1, 1], seed, 1.0, self.deviation)
        result = {**batch, name: tf.where(measured(signature), batch[name] * factor, batch[name])}
        return result | {each: batch[each] * factor for each in ("ahead", "teacher", "observed") if each in batch}
