"""All steps of a horizon at once, from one vector."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads import PooledHead


class Direct(PooledHead):
    """Reads the whole window as one vector, and this into every step ahead at once (sequence to vector).

    What is known of a step to come is read beside the vector; all steps share these weights.
    """

    tasks = frozenset({"forecasting"})

    hidden_units: int = Field(64, ge=0, description="units of a ReLU layer for each step ahead; 0: none")

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        from rnnlab.layers.horizon import HorizonOutputs

        ahead = horizon.ahead() if horizon is not None else None
        return HorizonOutputs(shape, self.hidden_units, name="outputs")(self.vector(encoded), ahead)
