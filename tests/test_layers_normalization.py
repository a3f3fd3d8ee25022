"""Batch normalisation equals NumPy on the valid steps, and nothing else takes part.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.layers.normalization import MaskedBatchNormalization

from .made import make_sequences, pad_with

LENGTHS = np.array([4, 1, 6, 3], np.int32)
ROWS = [3 * row + 2 for row in make_sequences(LENGTHS, features=3)]
STEPS = np.concatenate(ROWS)
MOMENTUM, EPSILON = 0.9, 1e-3


@pytest.fixture
def layer() -> MaskedBatchNormalization:
    layer = MaskedBatchNormalization(MOMENTUM, EPSILON)
    layer.build((None, None, 3), (None,))
    layer.gamma.assign([1.0, 2.0, -3.0])
    layer.beta.assign([0.5, 0.0, 1.0])
    return layer


def normalized(steps: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return (steps - mean) / np.sqrt(variance + EPSILON) * [1, 2, -3] + [0.5, 0, 1]


def valid(outputs: tf.Tensor, lengths: np.ndarray = LENGTHS) -> np.ndarray:
    """Return the valid steps end to end, (ΣT, F)."""
    return np.concatenate([row[:length] for row, length in zip(np.asarray(outputs), lengths, strict=True)])


@pytest.mark.parametrize("garbage", [0.0, None, np.nan])
def test_training_normalises_by_the_moments_of_the_valid_steps(
    layer: MaskedBatchNormalization, garbage: float | None
) -> None:
    outputs = layer(pad_with(ROWS, 8, garbage), LENGTHS, training=True)
    np.testing.assert_allclose(valid(outputs), normalized(STEPS, STEPS.mean(0), STEPS.var(0)), atol=1e-5)


def test_moving_averages_follow_the_moments_of_the_valid_steps(layer: MaskedBatchNormalization) -> None:
    for _ in range(2):
        layer(pad_with(ROWS, 8, None), LENGTHS, training=True)
    kept = MOMENTUM**2
    np.testing.assert_allclose(layer.moving_mean, (1 - kept) * STEPS.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, kept + (1 - kept) * STEPS.var(0), rtol=1e-5)


def test_inference_normalises_by_the_moving_averages_and_leaves_them(layer: MaskedBatchNormalization) -> None:
    mean, variance = np.array([1.0, -1, 3], np.float32), np.array([0.5, 2, 9], np.float32)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
    for training in (False, None):
        outputs = layer(pad_with(ROWS, 8, np.nan), LENGTHS, training=training)
        np.testing.assert_allclose(valid(outputs), normalized(STEPS, mean, variance), rtol=1e-4)
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_rows_that_only_fill_the_batch_change_nothing(layer: MaskedBatchNormalization) -> None:
    lengths = np.array([*LENGTHS, 0, 0], np.int32)
    filled = np.concatenate([pad_with(ROWS, 8, 0.0), np.full((2, 8, 3), 1e6, np.float32)])
    outputs = layer(filled, lengths, training=True)
    np.testing.assert_allclose(valid(outputs, lengths), normalized(STEPS, STEPS.mean(0), STEPS.var(0)), atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, (1 - MOMENTUM) * STEPS.mean(0), rtol=1e-5)


def test_the_gradient_equals_that_of_the_valid_steps_alone(layer: MaskedBatchNormalization) -> None:
    """The reference is Keras' own batch normalisation on the steps laid end to end."""
    lengths = np.array([*LENGTHS, 0], np.int32)
    padded = tf.constant(pad_with([*ROWS, ROWS[0][:0]], 8, 7.0))
    flat = tf.constant(STEPS[np.newaxis])
    weights = np.random.default_rng(0).normal(size=STEPS.shape).astype(np.float32)
    padded_weights = np.zeros(padded.shape, np.float32)
    padded_weights[np.arange(8) < lengths[:, np.newaxis]] = weights
    with tf.GradientTape() as tape:
        tape.watch(padded)
        total = tf.reduce_sum(layer(padded, lengths, training=True) * padded_weights)
    ours = tape.gradient(total, [padded, layer.gamma.value, layer.beta.value])
    keras_layer = tf.keras.layers.BatchNormalization(epsilon=EPSILON)
    keras_layer.build(flat.shape)
    keras_layer.gamma.assign(layer.gamma)
    keras_layer.beta.assign(layer.beta)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        total = tf.reduce_sum(keras_layer(flat, training=True) * weights)
    theirs = tape.gradient(total, [flat, keras_layer.gamma.value, keras_layer.beta.value])
    np.testing.assert_allclose(valid(ours[0], lengths), theirs[0][0], atol=1e-4)
    assert np.isfinite(ours[0]).all()
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_batch_of_fillers_alone_stays_finite(layer: MaskedBatchNormalization) -> None:
    inputs = tf.ones((2, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(layer(inputs, np.array([0, 0]), training=True))
    assert np.isfinite(tape.gradient(total, inputs)).all()
    assert np.isfinite(layer.moving_mean).all()


def test_more_pixels_than_32_bits_count_are_counted() -> None:
    frames, lengths = tf.ones([1, 1, 64, 64, 1]), tf.constant([1_000_000])
    *_, count = MaskedBatchNormalization()._batch_moments(frames, lengths)
    assert float(count) == 4096 * 1_000_000
