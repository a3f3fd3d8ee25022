"""What baselines share that answer with the nearest training example, by the Euclidean distance of vectors.

Axes: N training examples, M examples asked, P numbers of each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import NotApplicable
from rnnlab.examples import Examples

AT_ONCE = 200  # examples asked
MOST_PRODUCTS = 10**12  # half a minute on one core


def check_products(train: Examples, test: Examples, numbers: int, what: str) -> None:
    """Refuse to compare all pairs where these are too many.

    Args:
        train: those of training.
        test: those asked.
        numbers: of each of them.
        what: these are.

    Raises:
        NotApplicable: with how many products there would be.
    """
    products = len(train) * len(test) * numbers
    if products > MOST_PRODUCTS:
        raise NotApplicable(f"would multiply {products:,} {what}, limit {MOST_PRODUCTS:,}")


def nearest(seen: NDArray[np.floating], asked: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return for each one asked, (M, P), the number of the nearest one seen, (N, P); of equals the first."""
    squares = np.square(seen).sum(axis=1)
    found = np.zeros(len(asked), np.int64)
    for start in range(0, len(asked), AT_ONCE):
        # |a − b|² less |a|², which is the same for all b.
        found[start : start + AT_ONCE] = np.argmin(squares - 2 * asked[start : start + AT_ONCE] @ seen.T, axis=1)
    return found
