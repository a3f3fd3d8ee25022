"""Randomness is a function of (seed, layer name): the same again for the same, another for another."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.layers.randomness import Dropout, random_scope
from rnnlab.layers.recurrent import Recurrent

ONES = np.ones((16, 12, 10), np.float32)
RATE = 0.3


def dropped(seed: int = 0, name: str = "dropout_1", over_time: bool = False, inputs: np.ndarray = ONES) -> np.ndarray:
    with random_scope(tf.constant([seed, 0])):
        return np.asarray(Dropout(RATE, over_time, name=name)(inputs, training=True))


def test_the_same_seed_and_name_draw_the_same() -> None:
    np.testing.assert_array_equal(dropped(), dropped())


def test_another_seed_draws_another() -> None:
    assert (dropped(seed=0) != dropped(seed=1)).any()


def test_another_layer_name_draws_another() -> None:
    assert (dropped(name="dropout_1") != dropped(name="dropout_2")).any()


def test_a_graph_draws_what_eager_execution_draws() -> None:
    layer = Dropout(RATE, name="dropout_1")

    @tf.function
    def call(seed: tf.Tensor) -> tf.Tensor:
        with random_scope(seed):
            return layer(ONES, training=True)

    for seed in (0, 1):
        np.testing.assert_array_equal(call(tf.constant([seed, 0])), dropped(seed))


def test_elements_are_zero_or_scaled_so_that_the_expectation_stays() -> None:
    outputs = dropped()
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / (1 - RATE)], rtol=1e-6)
    assert outputs.mean() == pytest.approx(1, abs=5 * np.sqrt(RATE / (1 - RATE) / outputs.size))


def test_one_mask_a_sequence_is_the_same_at_every_step_and_another_in_every_row() -> None:
    outputs = dropped(over_time=True)
    np.testing.assert_array_equal(outputs, np.repeat(outputs[:, :1], ONES.shape[1], axis=1))
    assert len(np.unique(outputs[:, 0], axis=0)) > len(outputs) // 2


def test_a_vector_is_dropped_too() -> None:
    assert 0 < (dropped(inputs=ONES[:, 0]) == 0).mean() < 1


@pytest.mark.parametrize("training", [False, None])
def test_inference_drops_nothing_and_needs_no_scope(training: bool | None) -> None:
    np.testing.assert_array_equal(Dropout(RATE)(ONES, training=training), ONES)


def test_rate_zero_drops_nothing_and_needs_no_scope() -> None:
    np.testing.assert_array_equal(Dropout(0.0)(ONES, training=True), ONES)


@pytest.mark.parametrize("layer", [Dropout(RATE), Recurrent("gru", 4, recurrent_dropout=RATE)], ids=["step", "state"])
def test_training_outside_a_scope_is_refused(layer: tf.keras.layers.Layer) -> None:
    arguments = (ONES,) if isinstance(layer, Dropout) else (ONES, np.full(len(ONES), 12))
    with pytest.raises(RuntimeError, match="random_scope"):
        layer(*arguments, training=True)


def test_a_scope_ends_even_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), random_scope(tf.constant([0, 0])):
        _ = 1 / 0
    with pytest.raises(RuntimeError, match="random_scope"):
        Dropout(RATE)(ONES, training=True)


def test_an_inner_scope_gives_way_to_the_outer_one() -> None:
    layer = Dropout(RATE, name="dropout_1")
    with random_scope(tf.constant([0, 0])):
        with random_scope(tf.constant([1, 0])):
            inner = np.asarray(layer(ONES, training=True))
        outer = np.asarray(layer(ONES, training=True))
    np.testing.assert_array_equal(inner, dropped(1))
    np.testing.assert_array_equal(outer, dropped(0))
