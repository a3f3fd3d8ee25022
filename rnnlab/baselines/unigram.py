"""How often each token, or key, stands in training: the answer that knows nothing of what came before.

Axes: T time, K keys, V vocabulary.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._next_steps import answer, frame_surprisal, sequences
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class Unigram(Baseline):
    """Answers every step with the training frequencies of tokens, or of keys, each counted once more than it occurs."""

    title: ClassVar[str] = "unigram"
    tasks: ClassVar[frozenset[str]] = frozenset({"language_modeling"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"tokens", "notes"})
    prepared: ClassVar[bool] = True

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        seen, asked = np.concatenate(sequences(train)), sequences(test)
        if seen.dtype == bool:
            frequencies = (seen.sum(axis=0) + 1) / (len(seen) + 2)
            return answer([frame_surprisal(each[1:], frequencies) for each in asked])
        counts = np.bincount(seen, minlength=len(train.signature.inputs[0].names)) + 1
        surprisal = np.log(counts.sum()) - np.log(counts)
        return answer([surprisal[each[1:]] for each in asked])
