"""What heads share that score every step.

Axes: B batch, T time, U units, C scores.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.architectures import Architecture, Encoded
from rnnlab.heads import HEADS, Head


class StepHead(Head):
    """A head that scores the tags, or labels, of each step."""

    hidden_units: int = Field(0, ge=0, description="units of a tanh layer between encoding and scores; 0: none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each step's encoding dropped in training")

    @property
    def every_step(self) -> bool:
        return True

    def scores(self, encoded: Encoded, shape: tuple[int, ...], name: str) -> Any:
        """Return the scores of each step, symbolic (B, T, C); those of padded steps are numbers, too."""
        import keras

        from rnnlab.layers.randomness import Dropout
        from rnnlab.layers.time import ZeroPadding

        sequence = ZeroPadding(name="valid_steps")(encoded.sequence, encoded.lengths)
        sequence = Dropout(self.dropout, over_time=False, name="readout_dropout")(sequence)
        if self.hidden_units:
            sequence = keras.layers.Dense(self.hidden_units, activation="tanh", name="hidden")(sequence)
        return keras.layers.Dense(*shape, dtype="float32", name=name)(sequence)


class TagHead(StepHead):
    """A head of taggers: each step of the input has its own scores."""

    tasks = frozenset({"tagging"})

    def mistake(self, model: Architecture) -> str | None:
        if model.aligned:
            return None
        name = HEADS.name_of(self)
        return f"{name} needs every step; the architecture shortens: set strides and pool sizes to 1, padding: same"
