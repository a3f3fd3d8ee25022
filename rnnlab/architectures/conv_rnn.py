"""Convolutions along time ahead of stacked recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from rnnlab.architectures import Encoded, only_field
from rnnlab.architectures.stacked_rnn import StackedRnn
from rnnlab.strict import Strict


class Block(Strict):
    """One convolution block: convolution, batch normalisation, activation, pooling, dropout."""

    idle_unless = MappingProxyType({"pool_kind": ("pool_size", lambda size: size > 1)})

    filters: int = Field(64, ge=1, description="output features")
    kernel_size: int = Field(5, ge=1, description="steps that one output step sees")
    stride: int = Field(1, ge=1, description="steps between two windows; shortens the sequence by as much")
    padding: Literal["same", "valid", "causal"] = Field(
        "same",
        description="same: windows centred on a step; causal: no step sees a later one; valid: whole windows only",
    )
    batch_normalization: bool = Field(True, description="over the valid steps of all replicas")
    activation: Literal["relu", "gelu", "elu", "silu", "tanh"] = Field("relu", description="after the normalisation")
    pool_size: int = Field(1, ge=1, description="pool so many steps into one; 1: no pooling")
    pool_kind: Literal["max", "mean"] = Field("max", description="what pooling keeps of a window")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the block's outputs dropped in training")


class ConvRnn(StackedRnn):
    """Conv1D blocks find short patterns and shorten the sequence; recurrent layers read what is left.

    The lengths are exact through every stride and pooling, and padding never leaks through a window.
    """

    blocks: list[Block] = Field(
        default_factory=lambda: [Block(filters=64)], min_length=1, description="convolution blocks, from the input up"
    )

    @property
    def causal(self) -> bool:
        return not self.bidirectional and all(block.padding == "causal" for block in self.blocks)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return ()  # a window of a convolution would have to be carried, too

    @property
    def time_stride(self) -> int:
        stride = 1
        for block in self.blocks:
            stride *= block.stride * block.pool_size
        return stride

    @property
    def aligned(self) -> bool:
        return super().aligned and all(block.padding != "valid" or block.kernel_size == 1 for block in self.blocks)

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        sequence = only_field(fields)
        for level, block in enumerate(self.blocks, start=1):
            sequence, lengths = _convolve(block, level, sequence, lengths)
        return self.stack(sequence, lengths)


def _convolve(block: Block, level: int, sequence: Any, lengths: Any) -> tuple[Any, Any]:
    """Return one block's output (B, T', filters) and its lengths (B,)."""
    import keras

    from rnnlab.layers.convolution import StridedLengths, TimeConvolution, TimePooling
    from rnnlab.layers.normalization import MaskedBatchNormalization
    from rnnlab.layers.randomness import Dropout

    window = (block.kernel_size, block.stride, block.padding)
    convolution = TimeConvolution(
        block.filters, *window, use_bias=not block.batch_normalization, name=f"convolution_{level}"
    )
    sequence = convolution(sequence, lengths)
    lengths = StridedLengths(*window, name=f"lengths_{level}")(lengths)
    if block.batch_normalization:
        sequence = MaskedBatchNormalization(name=f"normalization_{level}")(sequence, lengths)
    sequence = keras.layers.Activation(block.activation, name=f"activation_{level}")(sequence)
    if block.pool_size > 1:
        sequence = TimePooling(block.pool_size, block.pool_kind, name=f"pooling_{level}")(sequence, lengths)
        # Pooling keeps a last window that is not full, as "same" does.
        lengths = StridedLengths(block.pool_size, block.pool_size, "same", name=f"pooled_lengths_{level}")(lengths)
    return Dropout(block.dropout, name=f"block_dropout_{level}")(sequence), lengths
