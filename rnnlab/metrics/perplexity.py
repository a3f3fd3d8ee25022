"""Perplexity: among how many equally probable tokens the choice would be as hard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics._surprisal import MeanSurprisal, nats
from rnnlab.signature import Kind


class Perplexity(MeanSurprisal):
    """The exponential of the mean surprisal of a token."""

    definition: ClassVar[str] = (
        "e to the mean of −ln of the probability of each token, of an answer its end mark too, but the first of a text "
        "that is gone on with; 1 is perfect; a uniform guess has as many as the vocabulary"
    )
    targets: ClassVar[frozenset[Kind]] = frozenset({"text", "tokens", "string"})

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        # Of a network that has learnt nothing it may be larger than any number.
        with np.errstate(over="ignore"):
            return float(np.exp(nats(sums)))
