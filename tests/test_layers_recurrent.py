"""Recurrent layers equal Keras' own and NumPy on each unpadded row alone.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab.layers.randomness import random_scope
from rnnlab.layers.recurrent import FUSED_UNITS, GATES, NormalizedCell, Recurrent

from .made import make_sequences, pad_with

CELLS = list(GATES)
KERAS = {"simple": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
FEATURES, UNITS = 3, 4
LENGTHS = np.array([4, 1, 6, 3], np.int32)
ROWS = make_sequences(LENGTHS, FEATURES)
PADDED = pad_with(ROWS, 8, np.nan)


def random_weights(layer: keras.layers.Layer, seed: int = 0) -> dict[str, np.ndarray]:
    """Give a layer random weights, and return them by name."""
    random = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.7, size=weight.shape))
    return {weight.name: np.asarray(weight, np.float64) for weight in layer.weights}


def made(cell: str, **arguments: Any) -> Recurrent:
    layer = Recurrent(cell, UNITS, name="rnn_1", **arguments)
    layer.build((None, None, FEATURES), (None,))
    return layer


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def standardized(values: np.ndarray, gates: int) -> np.ndarray:
    parts = values.reshape(gates, UNITS)
    return ((parts - parts.mean(1, keepdims=True)) / np.sqrt(parts.var(1, keepdims=True) + 1e-3)).ravel()


def reference(cell: str, weights: dict[str, np.ndarray], row: np.ndarray, normalize: bool, keep: np.ndarray) -> Any:
    """Return the outputs (T, U) of one unpadded row (T, F), written out from the papers' formulas."""
    state = memory = np.zeros(UNITS)
    gates, outputs = GATES[cell], []
    for step in row:
        x, h = step @ weights["kernel"], (state * keep) @ weights["recurrent_kernel"]
        if normalize:
            x = standardized(x, gates) * weights["input_scale"]
            h = standardized(h, gates) * weights["state_scale"]
        x = x + weights["bias"]
        if cell == "simple":
            state = np.tanh(x + h)
        elif cell == "gru":
            (x_z, x_r, x_h), (h_z, h_r, h_h) = np.split(x, 3), np.split(h + weights["recurrent_bias"], 3)
            z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
            state = z * state + (1 - z) * np.tanh(x_h + r * h_h)
        else:
            i, f, c, o = np.split(x + h, 4)
            memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(c)
            read = memory
            if normalize:
                read = standardized(memory, 1) * weights["cell_scale"] + weights["cell_shift"]
            state = sigmoid(o) * np.tanh(read)
        outputs.append(state)
    return np.array(outputs)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_without_normalisation_equals_the_one_of_keras(cell: str) -> None:
    theirs = KERAS[cell](UNITS, return_sequences=True)
    theirs.build((None, None, FEATURES))
    weights = random_weights(theirs)
    ours = keras.layers.RNN(NormalizedCell(cell, UNITS, layer_normalization=False), return_sequences=True)
    ours.build((None, None, FEATURES))
    biases = weights["bias"] if cell == "gru" else [weights["bias"]]
    ours.set_weights([weights["kernel"], weights["recurrent_kernel"], *biases])
    inputs = np.stack(make_sequences([5, 5], FEATURES))
    np.testing.assert_allclose(ours(inputs), theirs(inputs), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_fresh_cells_start_from_the_biases_that_keras_starts_from(cell: str) -> None:
    theirs, ours = KERAS[cell](UNITS), NormalizedCell(cell, UNITS, layer_normalization=False)
    theirs.build((None, None, FEATURES))
    ours.build((None, FEATURES))
    biases = [np.asarray(weight).ravel() for weight in ours.weights if "bias" in weight.name]
    np.testing.assert_array_equal(np.concatenate(biases), np.asarray(theirs.cell.bias).ravel())


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("cell", CELLS)
def test_each_row_gets_what_it_gets_from_keras_alone(cell: str, backward: bool) -> None:
    layer = made(cell, backward=backward)
    random_weights(layer)
    outputs = np.asarray(layer(PADDED, LENGTHS))
    for row, found in zip(ROWS, outputs, strict=True):
        steps, *_ = layer.rnn(row[np.newaxis, :: -1 if backward else 1])
        alone = np.asarray(steps)[0]
        np.testing.assert_allclose(found[: len(row)], alone[:: -1 if backward else 1], atol=1e-6)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("cell", CELLS)
def test_layer_normalisation_equals_the_formulas(cell: str, backward: bool) -> None:
    layer = made(cell, layer_normalization=True, backward=backward)
    weights = random_weights(layer)
    outputs = np.asarray(layer(PADDED, LENGTHS))
    for row, found in zip(ROWS, outputs, strict=True):
        expected = reference(cell, weights, row[:: -1 if backward else 1], True, np.ones(UNITS))
        np.testing.assert_allclose(found[: len(row)], expected[:: -1 if backward else 1], atol=1e-5)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("cell", CELLS)
def test_training_computes_what_inference_computes(cell: str, backward: bool) -> None:
    """Training may take another kernel; values and gradients are those of Keras' loop."""
    layer = made(cell, backward=backward)
    random_weights(layer)
    lengths, inputs = np.array([*LENGTHS, 0]), tf.constant(pad_with([*ROWS, ROWS[0][:0]], 8, 0.0))
    found = []
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, lengths, training=training)
            total = tf.reduce_sum(outputs[:, :3] * tf.range(1.0, 5.0))
        watched = [inputs, *(weight.value for weight in layer.trainable_weights)]
        found.append([outputs, *tape.gradient(total, watched)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_sizes_around_the_fused_kernel_train_alike() -> None:
    for units in (1, FUSED_UNITS, FUSED_UNITS + 1):
        layer = Recurrent("lstm", units)
        outputs = [layer(pad_with(ROWS, 6, 0.0), LENGTHS, training=training) for training in (True, False)]
        np.testing.assert_allclose(*outputs, atol=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"layer_normalization": True}], ids=["plain", "normalised"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_loop_written_out_computes_what_the_loop_computes(cell: str, arguments: dict[str, bool]) -> None:
    loop, unrolled = made(cell, **arguments), made(cell, unroll=True, **arguments)
    random_weights(loop)
    unrolled.set_weights(loop.get_weights())
    shape = tf.TensorSpec([None, 6, FEATURES])
    graph = tf.function(lambda inputs: unrolled(inputs, LENGTHS), input_signature=[shape]).get_concrete_function()
    assert not any("While" in operation.type for operation in graph.graph.get_operations())
    inputs = tf.constant(pad_with(ROWS, 6, 0.0))
    np.testing.assert_allclose(graph(inputs), loop(inputs, LENGTHS), atol=1e-6)


def trajectories(rate: float, rows: int, seed: int = 0, steps: int = 5) -> tuple[np.ndarray, float]:
    """Return the states (B, T, U) of a simple RNN without input, tanh(bias + keep · state), and its bias."""
    layer = Recurrent("simple", 8, recurrent_dropout=rate, name="rnn_1")
    layer.build((None, None, 1), (None,))
    bias = 0.4
    layer.set_weights([np.zeros((1, 8)), np.eye(8), np.full(8, bias)])
    with random_scope(tf.constant([seed, 0])):
        outputs = layer(np.zeros((rows, steps, 1), np.float32), np.full(rows, steps), training=True)
    return np.asarray(outputs, np.float64), bias


def test_recurrent_dropout_draws_one_mask_for_every_step_of_a_row() -> None:
    rate = 0.25
    states, bias = trajectories(rate, rows=500)
    kept, last = [np.tanh(bias)], [np.tanh(bias)]
    for _ in range(4):
        kept.append(np.tanh(bias + kept[-1] / (1 - rate)))
        last.append(np.tanh(bias))
    is_kept = np.isclose(states, np.array(kept)[:, np.newaxis], atol=1e-5).all(axis=1)
    is_dropped = np.isclose(states, np.array(last)[:, np.newaxis], atol=1e-5).all(axis=1)
    assert (is_kept ^ is_dropped).all()
    assert is_kept.mean() == pytest.approx(1 - rate, abs=0.03)
    assert len(np.unique(is_kept, axis=0)) > 50


def test_recurrent_dropout_is_reproducible_by_seed() -> None:
    np.testing.assert_array_equal(trajectories(0.5, rows=4)[0], trajectories(0.5, rows=4)[0])
    assert (trajectories(0.5, rows=4)[0] != trajectories(0.5, rows=4, seed=1)[0]).any()


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_dropout_drops_nothing_in_inference(cell: str) -> None:
    layer = made(cell, recurrent_dropout=0.5)
    weights = random_weights(layer)
    outputs = np.asarray(layer(PADDED, LENGTHS, training=False))
    for row, found in zip(ROWS, outputs, strict=True):
        expected = reference(cell, weights, row, False, np.ones(UNITS))
        np.testing.assert_allclose(found[: len(row)], expected, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_dropout_drops_the_state_only_where_it_is_multiplied(cell: str) -> None:
    """Whatever mask was drawn, the formulas with one of the 2^U possible ones give the row."""
    layer = made(cell, recurrent_dropout=0.5)
    weights = random_weights(layer)
    with random_scope(tf.constant([3, 0])):
        outputs = np.asarray(layer(pad_with(ROWS, 6, 0.0), LENGTHS, training=True))
    masks = 2.0 * np.array(np.meshgrid(*[[0, 1]] * UNITS)).reshape(UNITS, -1).T
    for row, found in zip(ROWS, outputs, strict=True):
        fitting = [
            np.allclose(found[: len(row)], reference(cell, weights, row, False, mask), atol=1e-5) for mask in masks
        ]
        assert any(fitting)
