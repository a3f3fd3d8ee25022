"""Every step forecasts: the loss is over all of them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads import CausalHead


class PerStep(CausalHead):
    """Every step of the window forecasts the horizon that follows it (sequence to sequence, Géron 2022, ch. 15).

    So a window is as many exercises as it has steps. The forecast is that of the last step; a step must not see what
    follows it, so the architecture has to be causal.
    """

    tasks = frozenset({"forecasting"})

    hidden_units: int = Field(64, ge=0, description="units of a ReLU layer for each step ahead; 0: none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each step's encoding dropped in training")

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        from rnnlab.layers.horizon import HorizonOutputs
        from rnnlab.layers.randomness import Dropout

        ahead = horizon.ahead_of_each_step() if horizon is not None else None
        sequence = Dropout(self.dropout, name="readout_dropout")(encoded.sequence)
        return HorizonOutputs(shape, self.hidden_units, name="outputs")(sequence, ahead)
