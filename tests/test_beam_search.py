"""Beam search against the search through all answers, and against itself in other company.

Axes: B batch, K beam, L tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.decoding.beam import beam_search
from rnnlab.decoding.search import NEVER, Search
from rnnlab.vocabulary import END, MARKS, START

WORDS = 3
VOCABULARY = len(MARKS) + WORDS
LONGEST = 3
ROWS = 64


class Language:
    """Scores that depend on the token before and on the position: (B, L + 1, V, V), drawn."""

    def __init__(self, seed: int, rows: int, scale: float = 2.0) -> None:
        shape = (rows, LONGEST + 1, VOCABULARY, VOCABULARY)
        self.scores = (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)

    def search(self, search: Search, rows: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        table = tf.constant(self.scores if rows is None else self.scores[rows])
        count = table.shape[0]

        def step(before, state):
            own, position = state
            rows = tf.gather(table, own)  # (B · K, L + 1, V, V)
            scores = tf.gather(rows, tf.minimum(position, LONGEST), batch_dims=1)
            return tf.gather(scores, before, batch_dims=1), (own, position + 1)

        @tf.function
        def run():
            return beam_search(step, (tf.range(count), tf.zeros([count], tf.int32)), count, search)

        tokens, ranks = run()
        return np.asarray(tokens), np.asarray(ranks)

    def surprisals(self, row: int) -> dict[tuple[int, ...], float]:
        """Return the log-probability of every whole answer."""
        table = self.scores[row] - np.log(np.exp(self.scores[row]).sum(-1, keepdims=True))
        found = {}
        for length in range(LONGEST + 1):
            for words in product(range(len(MARKS), VOCABULARY), repeat=length):
                path = [START, *words, END]
                pairs = pairwise(path)
                found[words] = sum(float(table[step, one, other]) for step, (one, other) in enumerate(pairs))
        return found


def said(tokens: np.ndarray) -> tuple[int, ...]:
    return tuple(int(token) for token in tokens if token >= len(MARKS))


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_a_beam_as_wide_as_all_answers_finds_what_the_search_through_all_of_them_finds(alpha: float):
    language = Language(1, ROWS)
    everything = sum(WORDS**length for length in range(LONGEST + 1))
    tokens, ranks = language.search(Search(LONGEST, everything, alpha, 5))
    for row in range(ROWS):
        ranked = {
            words: value / ((5 + len(words) + 1) / 6) ** alpha for words, value in language.surprisals(row).items()
        }
        best = sorted(ranked, key=lambda words: -ranked[words])[:5]
        assert [said(each) for each in tokens[row]] == best
        np.testing.assert_allclose(ranks[row], [ranked[words] for words in best], rtol=1e-5)


def test_a_beam_of_one_takes_the_most_probable_token_at_each_step():
    language = Language(2, ROWS)
    tokens, ranks = language.search(Search(LONGEST))
    for row in range(ROWS):
        before, words = START, []
        while len(words) < LONGEST:
            allowed = [END, *range(len(MARKS), VOCABULARY)]
            before = max(allowed, key=lambda token: language.scores[row, len(words), before, token])
            if before == END:
                break
            words.append(before)
        assert said(tokens[row, 0]) == tuple(words)
        assert ranks[row, 0] == pytest.approx(language.surprisals(row)[tuple(words)], rel=1e-5)


@pytest.mark.parametrize("beam", [1, 2, 4])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_an_answer_does_not_depend_on_its_neighbours(beam: int, alpha: float):
    language = Language(7, ROWS)
    search = Search(LONGEST, beam, alpha, beam)
    tokens, ranks = language.search(search)
    for row in (0, 5, ROWS - 1):
        alone, own = language.search(search, [row])
        assert [said(each) for each in alone[0]] == [said(each) for each in tokens[row]]
        np.testing.assert_allclose(own[0], ranks[row], rtol=1e-6)


def test_a_wider_beam_finds_nothing_less_probable_than_the_best_of_all():
    language = Language(3, 32)
    best = [max(language.surprisals(row).values()) for row in range(32)]
    for beam in (1, 2, 8):
        ranks = language.search(Search(LONGEST, beam))[1][:, 0]
        assert (ranks <= np.array(best) + 1e-4).all()


def test_where_fewer_answers_end_than_are_asked_for_the_rest_is_empty():
    language = Language(0, 1)
    language.scores[..., len(MARKS) :] = -50  # nothing but the end is ever said
    tokens, ranks = language.search(Search(0, 2, 0.0, 2))
    assert said(tokens[0, 0]) == ()
    assert ranks[0, 1] <= NEVER / 2
