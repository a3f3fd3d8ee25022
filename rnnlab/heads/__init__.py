"""Heads: what reads the encoder. One file each; its name is the YAML name.

Axes: B batch, T time, U units, C outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import Field

from rnnlab.architectures import Architecture, Encoded, Horizon
from rnnlab.registry import Registry
from rnnlab.strict import Strict


class Head(Strict, ABC):
    """What turns an encoding into the network's outputs.

    Class attributes:
        tasks: the kinds of task that it serves.
    """

    tasks: ClassVar[frozenset[str]]

    @abstractmethod
    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        """Return the symbolic outputs of a symbolic encoding.

        Args:
            encoded: what the encoder gives.
            shape: that of one row's outputs, such as (C,).
            horizon: what a forecast has beside the encoding; None of other tasks.
        """

    @property
    def every_step(self) -> bool:
        """Whether it asks every step, not only the whole sequence."""
        return False

    def mistake(self, model: Architecture) -> str | None:
        """Return what this head needs that an architecture does not have, or None."""
        return None


class CausalHead(Head):
    """A head that asks every step of what is still to come, which the step must not have seen."""

    @property
    def every_step(self) -> bool:
        return True

    def mistake(self, model: Architecture) -> str | None:
        name = HEADS.name_of(self)
        if not model.causal:
            return f"{name} needs steps that see no later one: set bidirectional: false, and padding: causal"
        if model.time_stride != 1:
            return f"{name} needs every step; the architecture makes one of several: set strides and pool sizes to 1"
        return None


class PooledHead(Head):
    """A head that reads the whole sequence as one vector."""

    idle_unless = MappingProxyType({"attention_units": ("readout", lambda readout: readout == "attention")})

    readout: Literal["last", "mean", "max", "attention", "concat"] = Field(
        "last",
        description="last: what the network holds at the end; mean, max: over all valid steps; attention: a learnt "
        "weighted mean; concat: last, max and mean beside each other (Howard & Ruder 2018)",
    )
    attention_units: int = Field(64, ge=1, description="size of the hidden layer that weighs a step (attention only)")
    hidden_units: int = Field(0, ge=0, description="units of a ReLU layer between readout and outputs; 0: none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the readout dropped in training")

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        import keras

        vector = self.vector(encoded)
        if self.hidden_units:
            vector = keras.layers.Dense(self.hidden_units, activation="relu", name="hidden")(vector)
        return keras.layers.Dense(*shape, dtype="float32", name="outputs")(vector)

    def vector(self, encoded: Encoded) -> Any:
        """Return what is read of the whole sequence, (B, U)."""
        from rnnlab.layers.randomness import Dropout

        return Dropout(self.dropout, name="readout_dropout")(self._pool(encoded))

    def _pool(self, encoded: Encoded) -> Any:
        """Return (B, U), or for `concat` (B, 3 · U)."""
        import keras

        from rnnlab.layers import pooling

        if self.readout == "last":
            return encoded.final
        if self.readout == "attention":
            attention = pooling.AttentionOverTime(self.attention_units, name="attention")
            return attention(encoded.sequence, encoded.lengths)
        if self.readout == "concat":
            largest = pooling.MaxOverTime(name="max")(encoded.sequence, encoded.lengths)
            mean = pooling.MeanOverTime(name="mean")(encoded.sequence, encoded.lengths)
            return keras.layers.Concatenate(name="concat")([encoded.final, largest, mean])
        kind = pooling.MeanOverTime if self.readout == "mean" else pooling.MaxOverTime
        return kind(name=self.readout)(encoded.sequence, encoded.lengths)


HEADS: Registry[Head] = Registry("rnnlab.heads", Head, "name")
