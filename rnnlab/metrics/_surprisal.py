"""What scores of language models share: the surprisal of all that was asked for, in nats, and how much that was.

Axes: B batch.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.metrics._sums import quotient, total


class MeanSurprisal(Metric, ABC):
    """A function of the mean of −ln of the probability of each next step."""

    better: ClassVar[Literal["higher", "lower"]] = "lower"
    needs: ClassVar[Answer] = "surprisal"
    calibrated: ClassVar[bool] = True

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        return {
            name: total(answers[key], batch["weights"]) for name, key in (("total", "surprisal"), ("count", "asked"))
        }

    def bits(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        """Return the mean surprisal in bits."""
        return nats(sums) / math.log(2)


def nats(sums: Mapping[str, NDArray[np.float64]]) -> float:
    """Return the mean surprisal, or NaN where nothing was asked."""
    return quotient(sums)
