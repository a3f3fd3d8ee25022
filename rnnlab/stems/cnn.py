"""A small convolutional network: a vector for each frame."""

from __future__ import annotations

from typing import Any

from pydantic import Field as Key

from rnnlab.stems._frames import FrameStem, Readout, read_out
from rnnlab.strict import Strict


class FrameBlock(Strict):
    """One block: a convolution over height and width, batch normalisation, ReLU, pooling."""

    filters: int = Key(32, ge=1, description="output channels")
    kernel_size: int = Key(3, ge=1, description="side of the window, in pixels")
    stride: int = Key(1, ge=1, description="pixels between two windows; makes a frame smaller by as much")
    batch_normalization: bool = Key(True, description="over the pixels of valid frames, of all replicas")
    pool_size: int = Key(2, ge=1, description="keep the maximum of squares of so many pixels a side; 1: no pooling")


class Cnn(FrameStem):
    """Convolutions over the height and width of each frame by itself, and a normalised dense layer (LeCun et al. 1998).

    A picture is a single frame. No frame sees another: what happens over time, the network behind it finds out.
    """

    blocks: list[FrameBlock] = Key(
        default_factory=lambda: [FrameBlock(filters=16), FrameBlock(filters=32)],
        min_length=1,
        description="convolution blocks, from the pixels up",
    )
    readout: Readout = "flatten"
    units: int = Key(128, ge=1, description="size of a frame's vector")
    dropout: float = Key(0.0, ge=0, lt=1, description="share of each frame's vector dropped in training")

    def vectors(self, frames: Any, lengths: Any, of: str = "frame") -> Any:
        import keras

        from rnnlab.layers.frames import FrameConvolution, FramePooling
        from rnnlab.layers.normalization import MaskedBatchNormalization

        for level, block in enumerate(self.blocks, start=1):
            normalized = block.batch_normalization
            convolution = FrameConvolution(
                block.filters,
                block.kernel_size,
                block.stride,
                use_bias=not normalized,
                name=f"{of}_convolution_{level}",
            )
            frames = convolution(frames)
            if normalized:
                frames = MaskedBatchNormalization(name=f"{of}_normalization_{level}")(frames, lengths)
            frames = keras.layers.Activation("relu", name=f"{of}_activation_{level}")(frames)
            if block.pool_size > 1:
                frames = FramePooling(block.pool_size, name=f"{of}_pooling_{level}")(frames)
        return read_out(frames, self.readout, self.units, self.dropout, of)
