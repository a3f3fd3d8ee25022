"""Log mel: how loud each band of pitch is, frame by frame, as an ear divides them.

Axes: B batch, T samples, N frames, W samples of a frame, K frequencies, M mels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.signature import Kind, Signature
from rnnlab.transforms import Learnt, Transform, input_field, valid_steps

FLOOR = 1e-8  # 80 dB below noise of full scale; added to a power, so that silence has a logarithm, -18.4
CONSTANT = 1e-4  # a deviation below this many nats is only rounding


class LogMel(Transform):
    """The logarithm of the power in bands of pitch, of frames that overlap (Davis & Mermelstein 1980), in nats.

    Each frame is weighed by a Hann window, and the power at each frequency is divided by the window's own, so that it
    does not depend on the length of the window. Bands are triangles of height 1, equally wide in mels, 2595 log10(1 +
    f / 700) (O'Shaughnessy 1987). A recording of n samples gives 1 + (n - window) / hop frames, rounded down, and one
    frame if it is shorter than the window: no frame looks beyond its end.
    """

    reads: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    window_ms: float = Field(25.0, gt=0, le=1000, description="milliseconds of sound that a frame sees")
    hop_ms: float = Field(10.0, gt=0, le=1000, description="milliseconds from one frame to the next")
    mels: int = Field(40, ge=1, le=1000, description="bands of pitch: the features of a frame")
    lowest_hz: float = Field(20.0, ge=0, description="where the lowest band begins")
    highest_hz: float | None = Field(
        None, gt=0, description="where the highest band ends; default: half the rate, beyond which nothing is recorded"
    )
    normalise: Literal["none", "mean", "deviation"] = Field(
        "none",
        description="over each recording's own frames: `mean` subtracts each band's mean, which takes microphone "
        "and loudness out; `deviation` divides by its deviation, too",
    )

    @model_validator(mode="after")
    def _bands_lie_in_order(self) -> LogMel:
        if self.highest_hz is not None and self.highest_hz <= self.lowest_hz:
            raise ValueError(
                f"highest_hz: expected more than {self.lowest_hz:g}, lowest_hz; received {self.highest_hz:g}"
            )
        return self

    @property
    def causal(self) -> bool:
        return False  # a frame sees as far as its window is long

    @property
    def aligned(self) -> bool:
        return False

    def fit(self, train: Examples) -> Learnt:
        """Return the window (W,), the samples of a hop, and the bands (K, M): they follow from keys and rate."""
        rate = input_field(train.signature, self.field).rate
        window = max(2, round(self.window_ms / 1000 * rate))
        size = 1 << (window - 1).bit_length()
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        bands = self._bands(np.arange(size // 2 + 1) * rate / size, rate)
        empty = np.flatnonzero(~bands.any(axis=0))
        if len(empty):
            raise DataError(
                f"transforms: log_mel: expected bands that each hold a frequency; received {self.mels} of which "
                f"{len(empty)} hold none, at {rate:,} Hz and windows of {window} samples; lower `mels`, raise "
                "`window_ms`, or raise `lowest_hz`"
            )
        scaled = hann / np.sqrt(np.sum(hann**2))
        hop = max(1, round(self.hop_ms / 1000 * rate))
        return {"window": scaled.astype(np.float32), "hop": np.array(hop, np.int32), "bands": bands.astype(np.float32)}

    def _bands(self, frequencies: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
        """Return the share of each frequency (K,) in each band, (K, M)."""
        half = rate / 2
        highest = half if self.highest_hz is None else self.highest_hz
        if highest > half or self.lowest_hz >= highest:
            raise DataError(
                f"transforms: log_mel: expected bands below {half:g} Hz, half the rate of the recordings; received "
                f"{self.lowest_hz:g} to {highest:g}"
            )
        edges = np.linspace(to_mels(self.lowest_hz), to_mels(highest), self.mels + 2)
        left, middle, right = edges[:-2], edges[1:-1], edges[2:]
        place = to_mels(frequencies)[:, np.newaxis]
        rising, falling = (place - left) / (middle - left), (right - place) / (right - middle)
        return np.maximum(0.0, np.minimum(rising, falling))

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        window, hop, bands = len(learnt["window"]), int(learnt["hop"]), learnt["bands"]
        samples = tf.where(valid_steps(values, lengths), values, 0.0)[..., 0]
        samples = tf.pad(samples, [[0, 0], [0, tf.maximum(window - tf.shape(samples)[1], 0)]])
        frames = tf.signal.frame(samples, window, hop) * learnt["window"]  # (B, N, W)
        spectrum = tf.signal.rfft(frames, [2 * (len(bands) - 1)])  # (B, N, K)
        power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
        levels = tf.math.log(tf.tensordot(power, bands, 1) + FLOOR)
        count = tf.where(lengths > 0, 1 + tf.maximum(lengths - window, 0) // hop, 0)
        return self._normalised(levels, count), count

    def _normalised(self, levels: Any, lengths: Any) -> Any:
        """Return (B, N, M) less the mean of each row's own frames, and over their deviation, as the keys say."""
        import tensorflow as tf

        if self.normalise == "none":
            return levels
        valid = valid_steps(levels, lengths)
        count = tf.maximum(tf.cast(lengths, levels.dtype), 1.0)[:, tf.newaxis, tf.newaxis]
        levels -= tf.reduce_sum(tf.where(valid, levels, 0.0), axis=1, keepdims=True) / count
        if self.normalise == "mean":
            return levels
        variance = tf.reduce_sum(tf.where(valid, levels**2, 0.0), axis=1, keepdims=True) / count
        return levels / tf.sqrt(tf.where(variance > CONSTANT**2, variance, 1.0))  # a constant band becomes 0

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        names = tuple(f"mel {number}" for number in range(1, self.mels + 1))
        field = input_field(before, self.field)
        return before.with_input(replace(field, kind="series", shape=(self.mels,), names=names, rate=0))


def to_mels(hertz: Any) -> Any:
    """Return frequencies in mels."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)
