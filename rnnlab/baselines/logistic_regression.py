"""Logistic regression on a summary of each series: what a network must beat to have learnt from order.

Axes: N examples, C classes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.baselines._linear import class_probabilities
from rnnlab.baselines._summary import linear_pipeline, summary
from rnnlab.examples import Examples


class LogisticRegression(Baseline):
    """Multinomial logistic regression (scikit-learn, L2 penalty, C = 1); with labels, one for each label.

    It sees the standardised mean, deviation, minimum, maximum, first and last value of each feature, and the length.
    """

    title: ClassVar[str] = "logistic regression on summary statistics"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        from sklearn.linear_model import LogisticRegression as Model

        targets, target = known_targets(train), target_field(train)
        seen, asked = summary(train), summary(test)
        model = linear_pipeline(Model(max_iter=1000))
        if target.kind == "class":
            return {"probabilities": class_probabilities(model, seen, targets, asked, len(target.names))}
        columns = [class_probabilities(model, seen, label.astype(np.int64), asked, 2)[:, 1] for label in targets.T]
        return {"probabilities": np.stack(columns, axis=1)}
