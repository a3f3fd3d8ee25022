"""Ridge regression on a summary of each series: what a network must beat to have learnt from order."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets
from rnnlab.baselines._summary import linear_pipeline, summary
from rnnlab.examples import Examples


class Ridge(Baseline):
    """Linear regression with an L2 penalty of 1 (scikit-learn).

    It sees the standardised mean, deviation, minimum, maximum, first and last value of each feature, and the length.
    """

    title: ClassVar[str] = "ridge regression on summary statistics"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        from sklearn.linear_model import Ridge as Model

        targets = known_targets(train).astype(np.float64)
        model = linear_pipeline(Model(alpha=1.0)).fit(summary(train), targets)
        return {"values": model.predict(summary(test)).reshape(len(test), -1).astype(np.float32)}
