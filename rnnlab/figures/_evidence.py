"""What several figures read out of the evidence.

Axes: N examples, C classes or labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence

Pairs = list[tuple[str, str]]

BINS, EXAMPLES_PER_BIN = 8, 15


def classified(evidence: Evidence) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return targets and probabilities of a split that has both and is not empty, or else None."""
    probabilities = evidence.answers.get("probabilities")
    if evidence.targets is None or probabilities is None or not len(evidence.targets):
        return None
    return evidence.targets, probabilities


def all_right(targets: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which examples are answered right, (N,): the class, or every label at a threshold of 0.5."""
    if targets.ndim == 1:
        return np.asarray(probabilities.argmax(axis=1) == targets)
    return np.asarray(((probabilities > 0.5) == (targets > 0.5)).all(axis=1))


def texts_of(evidence: Evidence) -> Pairs:
    """Return the true text and the answer of each example of a split that has both, as metrics compare them."""
    texts = evidence.answers.get("texts")
    if evidence.targets is None or texts is None:
        return []
    every = (as_compared(each, evidence.lowercase) for each in (np.asarray(evidence.targets), texts))
    return list(zip(*every, strict=True))


def as_compared(texts: NDArray[Any], lowercase: bool) -> list[str]:
    """Return texts (N,), bytes, as metrics compare them: in lower case, or as they are."""
    every = (text.decode() for text in texts.tolist())
    return [text.lower() if lowercase else text for text in every]


def wilson(right: NDArray[Any], count: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the 95 % interval of a share (Wilson, JASA 1927), which stays within 0 and 1."""
    z = 1.959964
    share = right / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return np.minimum(centre - half, share), np.maximum(centre + half, share)  # of 0 and 1, rounding aside


def where_from(evidence: Evidence) -> str:
    """Return the run, the split and its size in words."""
    count = len(evidence.ids)
    return f"{evidence.title} · {evidence.split} · {count:,} example{'s' if count != 1 else ''}"


def bins_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each example's bin, (N,), numbered by rising length, none of them empty."""
    bins = min(BINS, max(2, len(lengths) // EXAMPLES_PER_BIN))
    quantiles = np.quantile(lengths, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    upper = np.unique(quantiles)  # a bin ends with its upper length
    below = lengths[lengths < lengths.max()]
    upper = upper[upper < lengths.max()] if (upper < lengths.max()).any() else np.array([below.max()])
    return np.searchsorted(upper, lengths)


def names_of_bins(lengths: NDArray[Any], places: NDArray[np.int64]) -> list[str]:
    """Return what stands below each bin: its lengths, and how many examples."""
    names = []
    for place in range(places.max() + 1):
        inside = lengths[places == place]
        span = f"{inside.min()}–{inside.max()}" if inside.min() < inside.max() else f"{inside.min()}"
        names.append(f"{span}\nn = {len(inside):,}")
    return names
