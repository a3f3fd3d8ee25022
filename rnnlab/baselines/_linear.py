"""Linear classifiers of scikit-learn: probabilities of all classes, whichever the training examples have.

Axes: N examples, C classes.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray


def class_probabilities(model: Any, seen: Any, targets: NDArray[Any], asked: Any, classes: int) -> NDArray[np.float32]:
    """Return probabilities (N, C) of all classes; one that no training example has gets 0."""
    from sklearn.exceptions import ConvergenceWarning

    result = np.zeros((asked.shape[0], classes), np.float32)
    present = np.unique(targets)
    if len(present) == 1:  # scikit-learn refuses to fit a single class
        result[:, present[0]] = 1
        return result
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that stopped early is a baseline all the same
        model.fit(seen, targets)
    result[:, present] = model.predict_proba(asked)
    return result
