"""A language model of answers as an automaton, which a search goes through in the graph.

Axes: S states, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines.ngram import KneserNey
from rnnlab.errors import DataError
from rnnlab.vocabulary import END, START

MOST = 20_000_000  # numbers of a table; 80 MB


def fit_automaton(
    texts: Sequence[Sequence[int]], size: int, order: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the automaton of an n-gram model of texts: the state after each token, and each one's log-probability.

    A state is what the model remembers, the last n − 1 tokens or as many of these as training knows; a text begins in
    state 0. The probabilities are those of an interpolated Kneser-Ney model, see `KneserNey`.

    Args:
        texts: the numbers of each text's tokens, without marks.
        size: V, marks among them.
        order: n, the tokens of a gram.

    Returns:
        (S, V) both.

    Raises:
        DataError: the tables would be too large.
    """
    marked = [np.array([START, *text, END], np.int64) for text in texts]
    model = KneserNey.fit(marked, size, order)
    order = len(model.levels)  # of fewer where a gram's number would not fit
    known = sorted({tuple(text[place:end]) for text in marked for place, end in _spans(len(text) - 1, order - 1)})
    if len(known) * size > MOST:
        raise DataError(
            f"task.language_order: {len(known):,} beginnings of {order}-grams times {size:,} tokens are more than the "
            f"{MOST:,} numbers that a table may have; ask for a smaller order"
        )
    first = (START,) if order > 1 else ()
    states = [first, *(each for each in known if each != first)]
    places = {state: place for place, state in enumerate(states)}
    following = np.zeros((len(states), size), np.int32)
    log_prob = np.zeros((len(states), size), np.float32)
    for place, state in enumerate(states):
        grams = np.concatenate([np.tile(np.array(state, np.int64), (size, 1)), np.arange(size)[:, None]], axis=1)
        within = np.tile(np.arange(len(state) + 1), size)
        said = model.by_order(grams.reshape(-1), within)[-1].reshape(size, -1)[:, -1]
        log_prob[place] = np.log(said)
        for token in range(size):
            after = (*state, token)[-(order - 1) :] if order > 1 else ()
            while after not in places:
                after = after[1:]
            following[place, token] = places[after]
    return following, log_prob


def _spans(length: int, longest: int) -> list[tuple[int, int]]:
    """Return where each stretch of at most so many tokens begins and ends, the empty one among them."""
    return [(end - size, end) for end in range(length + 1) for size in range(min(longest, end) + 1)]
