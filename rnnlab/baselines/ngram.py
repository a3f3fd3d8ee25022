"""N-grams: what comes next by what followed the last few tokens in training; the strongest model that only counts.

Axes: T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._next_steps import answer, sequences
from rnnlab.examples import Examples
from rnnlab.signature import Kind
from rnnlab.vocabulary import MARKS

OF_CHARACTERS, OF_WORDS = 6, 3  # tokens of a gram, the last one asked for
MOST_DISCOUNT, USUAL_DISCOUNT = 0.95, 0.5
MOST = 2**63  # grams are numbered in 64 bits

Tokens = NDArray[np.int64]


class Ngram(Baseline):
    """An interpolated Kneser-Ney model (Ney et al. 1994; Chen & Goodman 1999): 6-grams of characters, 3-grams of words.

    A gram is the number that its tokens are the digits of. The discount of each order is n1 / (n1 + 2 n2), of the
    grams that occur once and twice; below the unigram stands the uniform distribution over the vocabulary.
    """

    title: ClassVar[str] = "n-gram (Kneser-Ney)"
    tasks: ClassVar[frozenset[str]] = frozenset({"language_modeling"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"tokens"})
    prepared: ClassVar[bool] = True

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        names = train.signature.inputs[0].names
        model = KneserNey.fit(sequences(train), len(names), order_for(names))
        return answer([-np.log(model.probabilities(each)[1:]) for each in sequences(test)])


def order_for(names: Sequence[str]) -> int:
    """Return of how many tokens grams of this vocabulary are made."""
    return OF_CHARACTERS if all(len(name) == 1 for name in names[len(MARKS) :]) else OF_WORDS


@dataclass(frozen=True)
class Level:
    """The grams of one order k.

    Attributes:
        grams: ascending, the numbers of those that occur.
        counts: of each.
        contexts: ascending, the numbers of their first k − 1 tokens.
        totals, kinds: of each context, the sum of its grams' counts, and how many different ones there are.
        discount: what is taken off each count.
    """

    grams: Tokens
    counts: Tokens
    contexts: Tokens
    totals: Tokens
    kinds: Tokens
    discount: float

    @classmethod
    def of(cls, grams: Tokens, size: int) -> Level:
        """Count grams of a vocabulary of this size."""
        grams, counts = np.unique(grams, return_counts=True)
        contexts, begins, kinds = np.unique(grams // size, return_index=True, return_counts=True)
        once, twice = ((counts == each).sum() for each in (1, 2))
        # Where nothing occurs once, something must be left for what does not occur all the same.
        discount = min(float(once / (once + 2 * twice)), MOST_DISCOUNT) if once else USUAL_DISCOUNT
        totals = np.add.reduceat(counts, begins) if len(counts) else counts
        return cls(grams, counts, contexts, totals, kinds, discount)

    def interpolated(self, grams: Tokens, size: int, below: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each gram's last token after the others, of that after fewer of them."""
        counts = _found(self.grams, self.counts, grams)
        totals, kinds = (_found(self.contexts, each, grams // size) for each in (self.totals, self.kinds))
        known = np.maximum(totals, 1)
        mixed = (np.maximum(counts - self.discount, 0) + self.discount * kinds * below) / known
        return np.where(totals > 0, mixed, below)


@dataclass(frozen=True)
class KneserNey:
    """An interpolated Kneser-Ney model: the levels from order 1 up."""

    levels: tuple[Level, ...]
    size: int

    @classmethod
    def fit(cls, texts: Sequence[Tokens], size: int, order: int) -> KneserNey:
        """Count the grams of texts (T,) each, over a vocabulary of this size; of fewer orders where 64 bits end."""
        while size**order >= MOST:
            order -= 1
        grams = np.concatenate([_grams(each, order, size) for each in texts])
        levels = [Level.of(grams, size)]
        for lower in range(order - 1, 0, -1):
            # A shorter gram counts as often as different tokens stand before it; a text's beginning is one more.
            heads = [_grams(each[:lower], lower, size) for each in texts]
            tails = levels[0].grams % size**lower
            levels.insert(0, Level.of(np.concatenate([tails, np.unique(np.concatenate(heads))]), size))
        return cls(tuple(levels), size)

    def probabilities(self, text: Tokens) -> NDArray[np.float64]:
        """Return the probability of each token of a text (T,) after those before it, as far as the order reaches."""
        found: NDArray[np.float64] = self.by_order(text, np.arange(len(text)))[-1]
        return found

    def by_order(self, tokens: Tokens, places: Tokens) -> NDArray[np.float64]:
        """Return what the model of each order says of each token, (1 + K, T), that of order 0 being uniform.

        Args:
            tokens: (T,) of texts that lie end to end.
            places: (T,) where in its text each stands; none is asked for by tokens of the text before.
        """
        found = np.full((1 + len(self.levels), len(tokens)), 1 / self.size)
        for order, level in enumerate(self.levels, start=1):
            found[order] = found[order - 1]
            reached = order - 1 + np.flatnonzero(places[order - 1 :] >= order - 1)
            grams = _grams(tokens, order, self.size)[reached - (order - 1)]
            found[order, reached] = level.interpolated(grams, self.size, found[order - 1, reached])
        return found


def _grams(text: Tokens, order: int, size: int) -> Tokens:
    """Return the number of every gram of a text, (T − order + 1,); none of a text that is shorter."""
    count = max(len(text) - order + 1, 0)
    grams = np.zeros(count, np.int64)
    for place in range(order):
        grams = grams * size + text[place : place + count]
    return grams


def _found(known: Tokens, values: Tokens, wanted: Tokens) -> Tokens:
    """Return the value of each wanted number, 0 where it is not known."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, values[place], 0)
