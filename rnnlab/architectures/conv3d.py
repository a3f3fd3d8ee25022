"""Convolutions over time, height and width at once, alone or before recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rnnlab.architectures import Architecture, Encoded, only_field
from rnnlab.architectures._frames import FRAMES
from rnnlab.architectures.stacked_rnn import StackedRnn
from rnnlab.signature import Kind
from rnnlab.stems._frames import Readout, read_out
from rnnlab.strict import Strict


class VideoBlock(Strict):
    """One block: a convolution over time, height and width, batch normalisation, ReLU, pooling."""

    filters: int = Field(32, ge=1, description="output channels")
    kernel_time: int = Field(3, ge=1, description="frames that one output frame sees")
    kernel_size: int = Field(3, ge=1, description="side of the window within a frame, in pixels")
    batch_normalization: bool = Field(True, description="over the pixels of valid frames, of all replicas")
    pool_time: int = Field(1, ge=1, description="keep the maximum of so many frames, which shortens the sequence")
    pool_size: int = Field(2, ge=1, description="keep the maximum of squares of so many pixels a side; 1: no pooling")


class Conv3d(Architecture):
    """Blocks of 3D convolutions see how things move (Tran et al. 2015, C3D); recurrent layers read what is left.

    The lengths are exact through every pooling, and padding never leaks through a window.
    """

    blocks: list[VideoBlock] = Field(
        default_factory=lambda: [VideoBlock(filters=16), VideoBlock(filters=32, pool_time=2)],
        min_length=1,
        description="convolution blocks, from the pixels up",
    )
    readout: Readout = "flatten"
    units: int = Field(128, ge=1, description="size of a step's vector")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each step's vector dropped in training")
    rnn: StackedRnn | None = Field(
        None, description="recurrent layers over the vectors; default: none, a head reads them"
    )

    @property
    def reads(self) -> frozenset[Kind]:
        return FRAMES

    @property
    def time_stride(self) -> int:
        stride = 1
        for block in self.blocks:
            stride *= block.pool_time
        return stride

    @property
    def causal(self) -> bool:
        alone = self.rnn is None or self.rnn.causal
        return alone and all(block.kernel_time == 1 for block in self.blocks)

    @property
    def static_widths(self) -> bool:
        return self.rnn is not None and self.rnn.static_widths

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        from rnnlab.layers.time import FinalStep

        frames = only_field(fields)
        for level, block in enumerate(self.blocks, start=1):
            frames, lengths = _convolve(block, level, frames, lengths)
        vectors = read_out(frames, self.readout, self.units, self.dropout, "step")
        if self.rnn is not None:
            return self.rnn.stack(vectors, lengths)
        return Encoded(vectors, lengths, FinalStep(name="final")(vectors, lengths))


def _convolve(block: VideoBlock, level: int, frames: Any, lengths: Any) -> tuple[Any, Any]:
    """Return one block's output (B, T', H', W', filters) and its lengths (B,)."""
    import keras

    from rnnlab.layers.convolution import StridedLengths, TimePooling
    from rnnlab.layers.frames import FramePooling, FrameTimeConvolution
    from rnnlab.layers.normalization import MaskedBatchNormalization

    normalized = block.batch_normalization
    convolution = FrameTimeConvolution(
        block.filters, block.kernel_time, block.kernel_size, use_bias=not normalized, name=f"convolution_{level}"
    )
    frames = convolution(frames, lengths)
    if normalized:
        frames = MaskedBatchNormalization(name=f"normalization_{level}")(frames, lengths)
    frames = keras.layers.Activation("relu", name=f"activation_{level}")(frames)
    if block.pool_size > 1:
        frames = FramePooling(block.pool_size, name=f"pooling_{level}")(frames)
    if block.pool_time > 1:
        frames = TimePooling(block.pool_time, "max", name=f"time_pooling_{level}")(frames, lengths)
        lengths = StridedLengths(block.pool_time, block.pool_time, "same", name=f"lengths_{level}")(lengths)
    return frames, lengths
