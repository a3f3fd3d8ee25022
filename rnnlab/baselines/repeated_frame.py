"""The frame before: each key by how often it sounds after a frame in which it did, or did not.

Axes: T time, K keys.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._next_steps import answer, frame_surprisal, sequences
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class RepeatedFrame(Baseline):
    """Repeats the last frame as surely as training did: of each key, and each count is one more than it occurs."""

    title: ClassVar[str] = "last frame repeated"
    tasks: ClassVar[frozenset[str]] = frozenset({"language_modeling"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"notes"})
    prepared: ClassVar[bool] = True

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        seen = sequences(train)
        before = np.concatenate([each[:-1] for each in seen])
        after = np.concatenate([each[1:] for each in seen])
        on, off = (((after & was).sum(axis=0) + 1) / (was.sum(axis=0) + 2) for was in (before, ~before))
        return answer([frame_surprisal(each[1:], np.where(each[:-1], on, off)) for each in sequences(test)])
