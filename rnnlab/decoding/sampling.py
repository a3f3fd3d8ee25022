"""Sampling: what comes next, drawn from the scores of a language model.

Axes: V vocabulary, K keys.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sampler:
    """How freely is drawn.

    Attributes:
        temperature: scores are divided by it: below 1 the probable is drawn more often, 0 draws nothing else (greedy).
        top_k: only the so many most probable are drawn (Fan et al. 2018); None: all.
        top_p: only the fewest most probable that together are so probable (Holtzman et al. 2020); None: all.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature: expected 0 or more; received {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top-k: expected 1 or more; received {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top-p: expected more than 0, and 1 at most; received {self.top_p}")

    def probabilities(self, scores: Scores, never: Collection[int] = ()) -> NDArray[np.float64]:
        """Return with which probability each token is drawn, (V,).

        Args:
            scores: (V,) of the network, such as logarithms of probabilities.
            never: tokens that are not drawn, whatever their scores.
        """
        scores = np.asarray(scores, np.float64).copy()
        scores[list(never)] = -np.inf
        order = np.argsort(-scores, kind="stable")  # of equals, the first
        if self.temperature == 0:
            return _one_hot(len(scores), int(order[0]))
        with np.errstate(over="ignore"):  # to infinity below 0, whose share is 0
            found = np.exp((scores - scores[order[0]]) / self.temperature)
        found /= found.sum()
        if self.top_k is not None:
            found[order[self.top_k :]] = 0
            found /= found.sum()
        if self.top_p is not None:
            # A token is kept while those before it fall short.
            short = np.concatenate([[0.0], np.cumsum(found[order])[:-1]]) < self.top_p
            found[order[~short]] = 0
            found /= found.sum()
        return found

    def token(self, scores: Scores, random: np.random.Generator, never: Collection[int] = ()) -> int:
        """Return a token, drawn by its probability."""
        found = np.cumsum(self.probabilities(scores, never))
        # The first whose share reaches beyond the draw; one without a share never does.
        return int(np.searchsorted(found / found[-1], random.random(), side="right"))

    def frame(self, scores: Scores, random: np.random.Generator) -> NDArray[np.bool_]:
        """Return which keys sound, (K,): each drawn for itself, of the `top_k` most probable ones.

        The temperature says how boldly keys are chosen, not how many: these are as many as the network expects.

        Args:
            scores: (K,) of the network, the log-odds that a key sounds.
            random: draws.
        """
        scores = np.asarray(scores, np.float64)
        order = np.argsort(-scores, kind="stable")
        if self.temperature == 0:
            sounds = np.isin(np.arange(len(scores)), order[: round(float(_logistic(scores).sum()))])
        else:
            sounds = random.random(len(scores)) < self.sounding(scores)
        if self.top_k is not None:
            sounds &= np.isin(np.arange(len(scores)), order[: self.top_k])
        return sounds

    def sounding(self, scores: Scores) -> NDArray[np.float64]:
        """Return the probability that each key is drawn, (K,), of the log-odds of the network; the temperature > 0.

        All log-odds, divided by the temperature, are moved by one number, so that the same number of keys is expected:
        else a low temperature would silence a chord of which no single key is certain.
        """
        scores = np.asarray(scores, np.float64)
        if self.temperature == 1:
            return _logistic(scores)
        expected = _logistic(scores).sum()
        with np.errstate(over="ignore"):
            bold = np.clip(scores / self.temperature, -1e12, 1e12)
        lowest, highest = -1e13, 1e13
        for _ in range(200):  # by halves: the sum rises with what is added
            middle = (lowest + highest) / 2
            lowest, highest = (middle, highest) if _logistic(bold + middle).sum() < expected else (lowest, middle)
        return _logistic(bold + (lowest + highest) / 2)


def _logistic(scores: Scores) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(np.asarray(scores, np.float64) / 2))


def _one_hot(size: int, number: int) -> NDArray[np.float64]:
    found = np.zeros(size)
    found[number] = 1
    return found
