"""What baselines of language models share: sequences read step by step, and their surprisal.

Axes: N examples, T time, F features, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import NotApplicable
from rnnlab.examples import Examples


def sequences(examples: Examples) -> list[NDArray[Any]]:
    """Return every prepared example: tokens (T,) int64, or frames of notes (T, K) bool.

    Raises:
        NotApplicable: there are none.
    """
    if not len(examples):
        raise NotApplicable("there are no training examples")
    field = examples.signature.inputs[0]
    found = [np.asarray(examples.read(index)[field.name]) for index in range(len(examples))]
    return [each > 0.5 for each in found] if field.kind == "notes" else [each[:, 0].astype(np.int64) for each in found]


def answer(surprisals: Sequence[NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
    """Return the answer of language models, of the surprisal of each step but the first of each example, (T − 1,)."""
    return {
        "surprisal": np.array([each.sum() for each in surprisals]),
        "asked": np.array([float(len(each)) for each in surprisals]),
    }


def frame_surprisal(frames: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the surprisal (T,) of frames (T, K), each key by its own probability to sound, (K,) or (T, K)."""
    return -np.where(frames, np.log(probabilities), np.log1p(-probabilities)).sum(axis=1)
