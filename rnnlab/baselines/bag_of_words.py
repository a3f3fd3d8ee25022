"""Logistic regression on a bag of words: what a network must beat to have learnt from their order.

Axes: N examples, C classes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.baselines._linear import class_probabilities
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class BagOfWords(Baseline):
    """Logistic regression (scikit-learn, C = 10) on the TF-IDF of words and pairs of neighbours, in lower case.

    Words are runs of letters, digits and underscores, and each other character; counts are taken by their logarithm.
    """

    title: ClassVar[str] = "logistic regression on a bag of words"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"text"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        targets, target = known_targets(train), target_field(train)
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\w+|[^\w\s]")
        seen = vectorizer.fit_transform(texts(train))
        asked = vectorizer.transform(texts(test))
        model = LogisticRegression(C=10.0, max_iter=1000)
        if target.kind == "class":
            return {"probabilities": class_probabilities(model, seen, targets, asked, len(target.names))}
        columns = [class_probabilities(model, seen, label.astype(np.int64), asked, 2)[:, 1] for label in targets.T]
        return {"probabilities": np.stack(columns, axis=1)}


def texts(examples: Examples) -> list[str]:
    """Return every example's text."""
    name = examples.signature.inputs[0].name
    return [examples.read(index)[name].tobytes().decode(errors="replace") for index in range(len(examples))]
