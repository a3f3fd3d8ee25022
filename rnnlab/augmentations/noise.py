"""Noise: recordings as they are where it is not quiet.

Axes: B batch, T samples, K frequencies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rnnlab.augmentations import Augmentation
from rnnlab.augmentations._valid import power, within
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Ends
from rnnlab.waveforms import times

# At -60 the recording has a thousandth of the noise's amplitude; above 120 float32 soon rounds the noise away.
Decibels = Annotated[float, Field(ge=-60, le=120)]


class Noise(Augmentation):
    """Add noise to each recording, so many decibels below its own power; how many is drawn for each, evenly."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    ratio_db: Ends[Decibels] = Field(
        default_factory=lambda: [10.0, 40.0],
        description="[least, most] decibels by which the recording is louder than the noise",
    )
    color: Literal["white", "pink"] = Field(
        "white", description="white: as loud at every frequency; pink: as loud in every octave, as rooms and motors are"
    )

    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        import tensorflow as tf

        name = signature.inputs[0].name
        values, valid = batch[name], within(batch[name], batch["lengths"])
        noise = tf.random.stateless_normal(tf.shape(values), seed)
        if self.color == "pink":
            noise = _pink(noise)
        own = tf.random.experimental.stateless_fold_in(seed, 1)
        ratio = tf.random.stateless_uniform([tf.shape(values)[0], 1, 1], own, *self.ratio_db)
        scale = tf.sqrt(tf.math.divide_no_nan(power(values, valid), power(noise, valid))) * times(-ratio)
        return {**batch, name: tf.where(valid, values + noise * scale, values)}


def _pink(noise: Any) -> Any:
    """Return white noise (B, T, 1) with the power at each frequency divided by the frequency; at 0 there is none."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(noise[..., 0])  # (B, K)
    number = tf.range(tf.shape(spectrum)[1])
    shares = tf.math.rsqrt(tf.cast(tf.maximum(number, 1), noise.dtype)) * tf.cast(number > 0, noise.dtype)
    return tf.signal.irfft(spectrum * tf.cast(shares, spectrum.dtype), [tf.shape(noise)[1]])[..., tf.newaxis]
