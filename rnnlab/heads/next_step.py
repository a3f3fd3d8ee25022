"""Every step says what comes next."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads import CausalHead


class NextStep(CausalHead):
    """One score for each token, or each key of a frame, that may come next; at every step.

    A step must not see what follows it, so the architecture has to be causal.
    """

    tasks = frozenset({"language_modeling"})

    hidden_units: int = Field(0, ge=0, description="units of a ReLU layer between each step and its scores; 0: none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each step's encoding dropped in training")

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        import keras

        from rnnlab.layers.randomness import Dropout

        sequence = Dropout(self.dropout, name="readout_dropout")(encoded.sequence)
        if self.hidden_units:
            sequence = keras.layers.Dense(self.hidden_units, activation="relu", name="hidden")(sequence)
        return keras.layers.Dense(*shape, dtype="float32", name="outputs")(sequence)
