"""Negative log-likelihood: how improbable what came next was held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics._surprisal import MeanSurprisal, nats
from rnnlab.signature import Kind


class NegativeLogLikelihood(MeanSurprisal):
    """The mean surprisal of a token or frame, in nats."""

    definition: ClassVar[str] = (
        "mean of −ln of the probability of each token or frame, of an answer its end mark too, but the first of a text "
        "or piece that is gone on with, nats; 0 is perfect"
    )
    targets: ClassVar[frozenset[Kind]] = frozenset({"text", "tokens", "notes", "string"})

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return nats(sums)
