"""Beam search: the most probable token sequences that a network can find, in one graph for a whole batch.

Each example is searched as if it were alone: what is found depends neither on its neighbours nor on padding.

Axes: B batch, K beam, L tokens of an answer, V vocabulary, N answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rnnlab.decoding.search import NEVER, UNSAID, Search
from rnnlab.vocabulary import END, PADDING, START

# (last tokens (B · K,), state of B · K rows) → (scores (B · K, V), state after the step)
Step = Callable[[Any, Any], tuple[Any, Any]]


def beam_search(step: Step, state: Any, rows: Any, search: Search) -> tuple[Any, Any]:
    """Return the best answers (B, N, L) int32, without marks, `PADDING` behind their ends, and their scores (B, N).

    At each step the K most probable continuations of the beginnings are looked at. Those that end are kept as answers,
    and the K best that do not end go on; an example is done when K answers have been found. After `longest` tokens only
    the end mark is left, so every answer's score is that of a whole one. Where fewer answers than N are found, the rest
    are empty, and their score is `NEVER`.

    Args:
        step: of the network.
        state: nested tensors (B, …), before the first step.
        rows: B, the number of examples.
        search: how.
    """
    beam = search.beam
    state = tf.nest.map_structure(lambda each: tf.repeat(each, beam, axis=0), state)
    first = tf.constant([[0.0] + [NEVER] * (beam - 1)])
    begun = _Beginnings(tf.fill([rows, beam, 0], PADDING), tf.tile(first, [rows, 1]), tf.fill([rows * beam], START))
    found = _Found(tf.fill([rows, beam, 0], PADDING), tf.fill([rows, beam], NEVER), tf.zeros([rows], tf.int32))

    def going_on(position: Any, begun: _Beginnings, found: _Found, state: Any) -> Any:
        return (position <= search.longest) & tf.reduce_any(found.count < beam)

    def body(position: Any, begun: _Beginnings, found: _Found, state: Any) -> tuple[Any, ...]:
        scores, state = step(begun.last, state)
        begun, found, parents = _advance(begun, found, scores, position, search)
        state = tf.nest.map_structure(lambda each: tf.gather(each, parents), state)
        return position + 1, begun, found, state

    growing, ranked, row = (tf.TensorShape(shape) for shape in ([None, beam, None], [None, beam], [None]))
    shapes = (
        tf.TensorShape([]),
        _Beginnings(growing, ranked, row),
        _Found(growing, ranked, row),
        tf.nest.map_structure(lambda each: tf.TensorShape([None, *each.shape[1:]]), state),
    )
    *_, found, _ = tf.while_loop(going_on, body, (tf.constant(0), begun, found, state), shape_invariants=shapes)
    return found.tokens[:, : search.answers], found.scores[:, : search.answers]


class _Beginnings(NamedTuple):
    """Answers under way: their tokens (B, K, L), log-probabilities (B, K), and last tokens (B · K,)."""

    tokens: Any
    scores: Any
    last: Any


class _Found(NamedTuple):
    """Answers that have ended: tokens (B, K, L), scores (B, K), the best first; how many were found (B,)."""

    tokens: Any
    scores: Any
    count: Any


def _penalty(tokens: Any, alpha: float) -> Any:
    """Return what the logarithm of the probability of an answer of so many tokens is divided by."""
    return ((5.0 + tf.cast(tokens, tf.float32)) / 6.0) ** alpha


def _advance(
    begun: _Beginnings, found: _Found, scores: Any, position: Any, search: Search
) -> tuple[_Beginnings, _Found, Any]:
    """Return the beginnings that go on, the answers found so far, and which rows (B · K,) they go on from."""
    beam, vocabulary = search.beam, scores.shape[-1]
    rows = tf.shape(begun.scores)[0]
    surprise = tf.nn.log_softmax(tf.cast(scores, tf.float32))
    barred = tf.reduce_sum(tf.one_hot(UNSAID, vocabulary), axis=0) * NEVER
    # At the last position nothing but the end is left.
    barred += tf.where(position >= search.longest, NEVER * (1.0 - tf.one_hot(END, vocabulary)), 0.0)
    every = begun.scores[..., tf.newaxis] + tf.reshape(surprise + barred, [rows, beam, vocabulary])
    # Of twice as many, half goes on even if every beginning ends. So many there are: the marks alone are four tokens.
    best, numbers = tf.math.top_k(tf.reshape(every, [rows, beam * vocabulary]), 2 * beam)
    parents, tokens = numbers // vocabulary, numbers % vocabulary
    ends = tokens == END

    open_still = (found.count < beam)[:, tf.newaxis]
    ended = ends[:, :beam] & (best[:, :beam] > NEVER / 2) & open_still
    ranked = tf.where(ended, best[:, :beam] / _penalty(position + 1, search.length_penalty), NEVER)
    beginnings = tf.gather(begun.tokens, parents, batch_dims=1)  # (B, 2K, L)
    pool = tf.pad(found.tokens, [[0, 0], [0, 0], [0, 1]], constant_values=PADDING)
    answers = tf.pad(beginnings[:, :beam], [[0, 0], [0, 0], [0, 1]], constant_values=PADDING)
    kept, places = tf.math.top_k(tf.concat([found.scores, ranked], axis=1), beam)
    pool = tf.gather(tf.concat([pool, answers], axis=1), places, batch_dims=1)
    count = found.count + tf.reduce_sum(tf.cast(ended, tf.int32), axis=1)

    left, order = tf.math.top_k(tf.where(ends, 2 * NEVER, best), beam)
    parents, tokens = tf.gather(parents, order, batch_dims=1), tf.gather(tokens, order, batch_dims=1)
    longer = tf.concat([tf.gather(beginnings, order, batch_dims=1), tokens[..., tf.newaxis]], axis=-1)
    origin = tf.reshape(parents + tf.range(rows)[:, tf.newaxis] * beam, [-1])
    return _Beginnings(longer, left, tf.reshape(tokens, [-1])), _Found(pool, kept, count), origin
