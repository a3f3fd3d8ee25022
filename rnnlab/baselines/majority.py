"""How often each class or label occurs in the training examples: the answer that knows nothing of the input."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class Majority(Baseline):
    """Answers every example with the training frequencies, so that the decision is the most frequent class."""

    title: ClassVar[str] = "majority class"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    inputs: ClassVar[frozenset[Kind]] = frozenset(get_args(Kind))

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets, target = known_targets(train), target_field(train)
        if target.kind == "class":
            frequencies = np.bincount(targets, minlength=len(target.names)) / len(targets)
        else:
            frequencies = targets.mean(axis=0, dtype=np.float64)
        return {"probabilities": np.tile(frequencies.astype(np.float32), (len(test), 1))}
