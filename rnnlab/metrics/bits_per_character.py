"""Bits per character: how many a perfect code of the text by these probabilities would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics._surprisal import MeanSurprisal
from rnnlab.signature import Kind


class BitsPerCharacter(MeanSurprisal):
    """The mean surprisal of a character, in bits."""

    definition: ClassVar[str] = "mean of −log₂ of the probability of each character but a text's first; 0 is perfect"
    targets: ClassVar[frozenset[Kind]] = frozenset({"text", "tokens"})

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return self.bits(sums)
