"""The training mean: the answer that knows nothing of the input."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class Mean(Baseline):
    """Answers every example with the mean of the training targets."""

    title: ClassVar[str] = "training mean"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    inputs: ClassVar[frozenset[Kind]] = frozenset(get_args(Kind))

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        mean = known_targets(train).mean(axis=0, dtype=np.float64)
        return {"values": np.tile(mean.astype(np.float32), (len(test), 1))}
