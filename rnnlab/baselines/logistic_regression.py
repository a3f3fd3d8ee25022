"""Logistic regression on a summary of each series: what a network must beat to have learnt from order.

Axes: N examples, C classes.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.baselines._summary import linear_pipeline, summary
from rnnlab.examples import Examples


class LogisticRegression(Baseline):
    """Multinomial logistic regression (scikit-learn, L2 penalty, C = 1); with labels, one for each label.

    It sees the standardised mean, deviation, minimum, maximum, first and last value of each feature, and the length.
    """

    title: ClassVar[str] = "logistic regression on summary statistics"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets, target = known_targets(train), target_field(train)
        seen, asked = summary(train), summary(test)
        if target.kind == "class":
            return {"probabilities": _probabilities(seen, targets, asked, len(target.names))}
        columns = [_probabilities(seen, label.astype(np.int64), asked, 2)[:, 1] for label in targets.T]
        return {"probabilities": np.stack(columns, axis=1)}


def _probabilities(
    seen: NDArray[np.float64], targets: NDArray[Any], asked: NDArray[np.float64], classes: int
) -> NDArray[np.float32]:
    """Return probabilities (N, C) of all classes; one that no training example has gets 0."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression as Model

    result = np.zeros((len(asked), classes), np.float32)
    present = np.unique(targets)
    if len(present) == 1:  # scikit-learn refuses to fit a single class
        result[:, present[0]] = 1
        return result
    model = linear_pipeline(Model(max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that stopped early is a baseline all the same
        model.fit(seen, targets)
    result[:, present] = model.predict_proba(asked)
    return result
