"""What augmentations of frames share: the same draw for all frames of a clip, and steps that move in time.

Axes: B batch, T time, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlab.entities import NOTHING
from rnnlab.signature import Signature


def with_steps(batch: Mapping[str, Any], signature: Signature, steps: Any, lengths: Any) -> dict[str, Any]:
    """Return a batch whose rows hold other steps of theirs: frames, and where each has a tag its tags.

    Args:
        batch: as the loader made it.
        signature: of the prepared examples.
        steps: (B, T) int32, the number of the step that comes to stand at each place; in the padding, any.
        lengths: (B,) int32, how many there are now.
    """
    import tensorflow as tf

    from rnnlab.layers.time import valid_steps, zero_padding

    name, target = signature.inputs[0].name, signature.target
    valid = valid_steps(lengths, tf.shape(steps)[1], "bool")
    kept = tf.where(valid, steps, 0)
    result = {**batch, "lengths": lengths}
    result[name] = zero_padding(tf.gather(batch[name], kept, axis=1, batch_dims=1), lengths)
    if target is not None and target.kind == "tags":
        tags = tf.gather(batch["targets"], kept, axis=1, batch_dims=1)
        result["targets"] = tf.where(valid, tags, tf.constant(NOTHING, tags.dtype))
    return result
