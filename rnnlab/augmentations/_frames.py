"""What augmentations of frames share: the same draw for all frames of a clip, and steps that move in time.

Axes: B batch, T time, H height, W width, C channels.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rnnlab.augmentations import Augmentation
from rnnlab.entities import NOTHING
from rnnlab.signature import Kind, Signature


class FrameAugmentation(Augmentation):
    """What changes the pixels of clips, and neither how many frames there are nor what is asked for."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"frames"})

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        name = signature.inputs[0].name
        return {**batch, name: self.varied(batch[name], seed)}

    @abstractmethod
    def varied(self, frames: Any, seed: Any) -> Any:
        """Return the clips (B, T, H, W, C) as they might also have been, of the same shape and type.

        Args:
            frames: of 0 to 255, zeros in the padding, which stay.
            seed: (2,) int32; for the rest see `Augmentation.apply`.
        """


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
