"""Sketches: a few of the drawings that were asked about, as they are, to be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples

FEW = 24


def sketches(examples: Examples) -> dict[int, NDArray[np.float32]]:
    """Return the points (T, 3) of a few drawings, by their numbers, taken at equal distances; of others none."""
    field = examples.signature.inputs[0]
    if field.kind != "strokes" or not len(examples):
        return {}
    chosen = np.unique(np.linspace(0, len(examples) - 1, FEW).round().astype(int)).tolist()
    return {index: np.asarray(examples.read(index)[field.name], np.float32) for index in chosen}
