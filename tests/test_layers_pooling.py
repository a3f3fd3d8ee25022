"""Readouts equal NumPy on each row alone."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.layers.pooling import AttentionOverTime, MaxOverTime, MeanOverTime

from .made import make_sequences, pad_with

LENGTHS = np.array([4, 1, 6, 3], np.int32)
SEQUENCES = make_sequences(LENGTHS, features=5)


@pytest.fixture(params=[6, 9])
def padded(request: pytest.FixtureRequest) -> np.ndarray:
    return pad_with(SEQUENCES, request.param, np.nan)


def test_the_mean_is_over_the_valid_steps(padded: np.ndarray) -> None:
    expected = [sequence.mean(axis=0) for sequence in SEQUENCES]
    np.testing.assert_allclose(MeanOverTime()(padded, LENGTHS), expected, atol=1e-6)


def test_the_maximum_is_over_the_valid_steps_even_where_all_are_negative(padded: np.ndarray) -> None:
    expected = [(sequence - 10).max(axis=0) for sequence in SEQUENCES]
    np.testing.assert_array_equal(MaxOverTime()(padded - 10, LENGTHS), expected)


def test_attention_weighs_the_valid_steps_by_a_softmax_of_their_scores(padded: np.ndarray) -> None:
    layer = AttentionOverTime(8)
    layer.build((None, None, 5), (None,))
    random = np.random.default_rng(0)
    kernel, bias, query = (random.normal(size=weight.shape) for weight in layer.weights)
    layer.set_weights([kernel, bias, query])
    expected = []
    for sequence in SEQUENCES:
        scores = np.tanh(sequence @ kernel + bias) @ query
        weights = np.exp(scores) / np.exp(scores).sum()
        expected.append(weights @ sequence)
    np.testing.assert_allclose(layer(padded, LENGTHS), expected, atol=1e-5)
