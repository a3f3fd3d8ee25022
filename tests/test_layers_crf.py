"""The chain against enumeration: every sequence of tags is scored by itself.

Axes: B batch, T time, C tags.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.layers.crf import LinearChain, best_sequence, chain, log_partition, sequence_score

CLASSES, LENGTHS = 3, np.array([4, 1, 5, 2, 3], np.int32)
WIDTH = int(LENGTHS.max())
Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def parts(seed: int = 0, width: int = WIDTH) -> Parts:
    """Return random scores (B, T, C), of following (C, C), of beginning (C,) and of ending (C,)."""
    random = np.random.default_rng(seed)
    shapes = [(len(LENGTHS), width, CLASSES), (CLASSES, CLASSES), (CLASSES,), (CLASSES,)]
    return tuple(2 * random.normal(size=shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]


def pairs_of(given: Parts, lengths: np.ndarray = LENGTHS) -> Any:
    return chain(*map(tf.constant, given), tf.constant(lengths))


def scored(given: Parts, row: int, tags: tuple[int, ...]) -> float:
    """Return a sequence's score, read aloud."""
    scores, transitions, first, last = (each.astype(np.float64) for each in given)
    total = first[tags[0]] + last[tags[-1]] + sum(scores[row, step, tag] for step, tag in enumerate(tags))
    return float(total + sum(transitions[one, other] for one, other in itertools.pairwise(tags)))


def all_sequences(length: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(CLASSES), repeat=length))


@pytest.mark.parametrize("seed", range(3))
def test_the_partition_function_is_the_sum_over_all_sequences(seed: int) -> None:
    given = parts(seed)
    expected = [
        np.log(sum(np.exp(scored(given, row, tags)) for tags in all_sequences(length)))
        for row, length in enumerate(LENGTHS)
    ]
    np.testing.assert_allclose(log_partition(pairs_of(given), LENGTHS), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_viterbi_finds_the_best_of_all_sequences(seed: int) -> None:
    given = parts(seed)
    found = np.asarray(best_sequence(pairs_of(given), LENGTHS))
    for row, length in enumerate(LENGTHS):
        expected = max(all_sequences(length), key=lambda tags: scored(given, row, tags))
        assert tuple(found[row, :length]) == expected
        assert not found[row, length:].any()


def test_a_sequence_scores_the_sum_of_its_parts() -> None:
    given, tags = parts(), np.random.default_rng(1).integers(0, CLASSES, (len(LENGTHS), WIDTH))
    expected = [scored(given, row, tuple(tags[row, :length])) for row, length in enumerate(LENGTHS)]
    np.testing.assert_allclose(sequence_score(pairs_of(given), tf.constant(tags), LENGTHS), expected, rtol=1e-5)


def test_probabilities_of_all_sequences_add_up_to_one() -> None:
    given, row = parts(), 0
    rows = tf.repeat(pairs_of(given)[row : row + 1], CLASSES**4, axis=0)[:, :4]
    lengths = np.full(CLASSES**4, 4, np.int32)
    scores = sequence_score(rows, tf.constant(all_sequences(4)), lengths)
    assert float(tf.reduce_sum(tf.exp(scores - log_partition(rows, lengths)))) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("garbage", [1e3, np.nan])
def test_padding_changes_neither_sums_nor_sequences_nor_gradients(garbage: float) -> None:
    given = parts()
    wider = np.concatenate([given[0], np.full((len(LENGTHS), 3, CLASSES), garbage, np.float32)], axis=1)
    for row, length in enumerate(LENGTHS):
        wider[row, length:] = garbage
    found = []
    for scores in (given[0], wider):
        layer, variable = LinearChain(), tf.Variable(np.nan_to_num(scores))
        layer(variable, LENGTHS)
        for weight, value in zip(layer.weights, given[1:], strict=True):
            weight.assign(value)
        with tf.GradientTape() as tape:
            tape.watch([weight.value for weight in layer.weights])
            pairs = layer(tf.constant(scores), LENGTHS)
            total = tf.reduce_sum(log_partition(pairs, LENGTHS))
        gradients = tape.gradient(total, [weight.value for weight in layer.weights])
        found.append([total, best_sequence(pairs, LENGTHS)[:, :WIDTH], *gradients])
    for one, other in zip(*found, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_gradient_of_the_partition_function_is_the_probability_of_each_tag() -> None:
    given, row, length = parts(), 2, int(LENGTHS[2])
    scores = tf.constant(given[0])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total = tf.reduce_sum(log_partition(chain(scores, *map(tf.constant, given[1:]), LENGTHS), LENGTHS))
    weights = {tags: np.exp(scored(given, row, tags)) for tags in all_sequences(length)}
    expected = np.zeros((length, CLASSES))
    for tags, weight in weights.items():
        expected[np.arange(length), tags] += weight / sum(weights.values())
    np.testing.assert_allclose(tape.gradient(total, scores)[row], expected, atol=1e-5)


def test_a_batch_of_single_steps_is_a_softmax() -> None:
    scores, lengths = parts()[0][:, :1], np.ones(len(LENGTHS), np.int32)
    pairs = LinearChain()(scores, lengths)
    np.testing.assert_allclose(log_partition(pairs, lengths), tf.reduce_logsumexp(scores[:, 0], axis=-1), rtol=1e-6)
    np.testing.assert_array_equal(best_sequence(pairs, lengths)[:, 0], scores[:, 0].argmax(axis=-1))


def test_a_graph_is_for_any_width() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, CLASSES]), tf.TensorSpec([None], tf.int32)])
    def solved(scores: Any, lengths: Any) -> Any:
        pairs = chain(scores, *map(tf.constant, parts()[1:]), lengths)
        return log_partition(pairs, lengths), best_sequence(pairs, lengths)

    for width in (WIDTH, WIDTH + 4):
        given = parts(width=width)
        for one, other in zip(solved(given[0], LENGTHS), solved(given[0][:, :WIDTH], LENGTHS), strict=True):
            np.testing.assert_allclose(one if one.ndim == 1 else one[:, :WIDTH], other, atol=1e-5)
    sums, tags = solved(given[0][:, :1], np.ones_like(LENGTHS))
    np.testing.assert_allclose(sums, tf.reduce_logsumexp(given[0][:, 0] + parts()[2] + parts()[3], axis=-1), rtol=1e-5)
    assert tags.shape == (len(LENGTHS), 1)
