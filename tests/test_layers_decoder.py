"""Decoders, attention and the layers of horizons equal independent computations in NumPy.

Axes: B batch, T time of the encoder, U units, H horizon, P outputs a number, C targets, K features known beforehand.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import rnnlab.layers.decoder
from rnnlab.layers.attention import Attention
from rnnlab.layers.decoder import DecoderCell, ForecastDecoder
from rnnlab.layers.horizon import AheadOfEachStep, HorizonOutputs, SeasonalMean
from rnnlab.layers.randomness import random_scope

B, T, U, H, P, C, K = 5, 7, 6, 4, 2, 2, 3
LENGTHS = np.array([7, 1, 4, 6, 2], np.int32)
LOOKS: list[dict[str, Any]] = [
    {"attention": None},
    {"attention": "bahdanau"},
    {"attention": "luong"},
    {"attention": "luong", "input_feeding": True},
]
looks = pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))


def inputs(seed: int = 0, horizon: int = H, known: int = K) -> dict[str, np.ndarray]:
    """Return what a decoder reads, NaN in the padding of the encoder's steps."""
    random = np.random.default_rng(seed)
    shapes = {"final": (B, U), "sequence": (B, T, U), "last": (B, C), "teacher": (B, horizon, C)}
    given = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    given["sequence"][np.arange(T) >= LENGTHS[:, None]] = np.nan
    given["lengths"] = LENGTHS
    if known:
        given["future"] = random.normal(size=(B, horizon, known)).astype(np.float32)
    return given


def make(horizon: int = H, **arguments: Any) -> ForecastDecoder:
    cell = arguments.pop("cell", "gru")
    return ForecastDecoder(cell, arguments.pop("units", [6, 5]), (horizon, P, C), name="decoder", **arguments)


def run(decoder: ForecastDecoder, given: dict[str, np.ndarray], training: bool = False, **scope: Any) -> np.ndarray:
    """Return the outputs; weights are moved off what initialisers choose, the first time."""
    built = decoder.built
    with random_scope(tf.constant([scope.get("seed", 0), 0]), scope.get("epoch", 0.0)):
        outputs = decoder(**given, training=training)
        if not built:
            random = np.random.default_rng(1)
            for weight in decoder.weights:
                weight.assign(weight.numpy() + random.uniform(-0.3, 0.3, weight.shape))
            outputs = decoder(**given, training=training)
    return np.asarray(outputs)


# The loop, written in NumPy.


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def cell_step(cell: Any, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    """Return the state after one step of a cell as its paper has it, with Keras' order of gates."""
    kernel, recurrent, bias = (np.asarray(each, np.float64) for each in cell.get_weights())
    if isinstance(cell, keras.layers.SimpleRNNCell):
        return [np.tanh(x @ kernel + state[0] @ recurrent + bias)]
    if isinstance(cell, keras.layers.LSTMCell):
        i, f, c, o = np.split(x @ kernel + state[0] @ recurrent + bias, 4, axis=-1)
        carry = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(c)
        return [sigmoid(o) * np.tanh(carry), carry]
    z, r, h = np.split(x @ kernel + bias[0], 3, axis=-1)
    z_, r_, h_ = np.split(state[0] @ recurrent + bias[1], 3, axis=-1)
    z, r = sigmoid(z + z_), sigmoid(r + r_)
    return [z * state[0] + (1 - z) * np.tanh(h + r * h_)]


def dense(layer: Any, x: np.ndarray) -> np.ndarray:
    kernel, bias = (np.asarray(each, np.float64) for each in layer.get_weights())
    return x @ kernel + bias


def attended(layer: Attention, query: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each row's valid steps, row by row and step by step."""
    answers = []
    for row, length in enumerate(LENGTHS):
        steps = np.asarray(sequence[row, :length], np.float64)
        step_kernel = np.asarray(layer.of_step, np.float64)
        if layer.kind == "luong":
            scores = [query[row] @ (step @ step_kernel) / np.sqrt(layer.units) for step in steps]
        else:
            query_kernel, bias, score = (np.asarray(each) for each in (layer.of_query, layer.bias, layer.score))
            scores = [score @ np.tanh(query[row] @ query_kernel + bias + step @ step_kernel) for step in steps]
        weights = np.exp(scores) / np.sum(np.exp(scores))
        answers.append(weights @ steps)
    return np.stack(answers)


def reference(decoder: ForecastDecoder, given: dict[str, np.ndarray], truth: np.ndarray | None = None) -> np.ndarray:
    """Return a decoder's outputs (B, H, P, C); `truth` (B, H, C) is what stands for its own forecasts where known."""
    core = decoder.core
    states = [np.tanh(dense(bridge, given["final"])) for bridge in core.bridges]
    count = 2 if core.cell == "lstm" else 1
    per_cell = [states[count * level : count * level + count] for level in range(len(core.cells))]
    before, fed, outputs = given["last"], np.zeros((B, core.units[-1])), []
    for position in range(decoder.horizon):
        x = [before] if decoder.feedback else []
        x += [given["future"][:, position]] if "future" in given else []
        x = [np.concatenate(x, axis=-1) if x else np.ones((B, 1))]
        if core.input_feeding:
            x.append(fed)
        if core.attention == "bahdanau":
            context = attended(core.attend, per_cell[-1][0], given["sequence"])
            x.append(context)
        output = np.concatenate(x, axis=-1)
        for level, cell in enumerate(core.cells):
            per_cell[level] = cell_step(cell, output, per_cell[level])
            output = per_cell[level][0]
        if core.attention == "luong":
            context = attended(core.attend, output, given["sequence"])
            fed = output = np.tanh(dense(core.join, np.concatenate([context, output], axis=-1)))
        elif core.attention == "bahdanau":
            output = np.concatenate([output, context], axis=-1)
        if decoder.hidden is not None:
            output = np.maximum(dense(decoder.hidden, output), 0)
        said = dense(decoder.outputs, output)
        outputs.append(said.reshape(B, P, C))
        before = said[:, :C]
        if truth is not None:
            before = np.where(np.isnan(truth[:, position]), before, truth[:, position])
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize("feedback", [True, False], ids=["feedback", "alone"])
@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
@looks
def test_a_decoder_equals_its_loop_in_numpy(look: dict[str, Any], cell: str, feedback: bool) -> None:
    for known, hidden, units in ((K, 0, [6, 5]), (0, 3, [4])):
        decoder = make(**look, cell=cell, feedback=feedback, hidden_units=hidden, units=units)
        given = inputs(known=known)
        found = run(decoder, given)
        assert found.shape == (B, H, P, C)
        np.testing.assert_allclose(found, reference(decoder, given), atol=2e-5)


@looks
def test_in_training_with_the_truth_always_it_reads_the_truth(look: dict[str, Any]) -> None:
    decoder = make(**look, truth_last=1.0)
    given = inputs()
    found = run(decoder, given, training=True)
    np.testing.assert_allclose(found, reference(decoder, given, given["teacher"]), atol=2e-5)


def test_truth_that_is_not_known_is_never_read() -> None:
    decoder, given = make(truth_last=1.0), inputs()
    given["teacher"][np.random.default_rng(0).random(given["teacher"].shape) < 0.4] = np.nan
    found = run(decoder, given, training=True)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, reference(decoder, given, given["teacher"]), atol=2e-5)
    given["teacher"][:] = np.nan
    np.testing.assert_allclose(run(decoder, given, training=True), run(decoder, given), atol=1e-6)


@pytest.mark.parametrize("step", range(H))
def test_the_truth_of_a_step_changes_only_those_behind_it(step: int) -> None:
    decoder, given = make(truth_last=1.0), inputs()
    before = run(decoder, given, training=True)
    given["teacher"][:, step] += 1
    changed = np.abs(run(decoder, given, training=True) - before).max(axis=(0, 2, 3)) > 1e-6
    assert changed.tolist() == [each > step for each in range(H)]


@looks
def test_without_forcing_and_outside_of_training_the_truth_is_never_read(look: dict[str, Any]) -> None:
    never, always = make(**look, truth_first=0.0), make(**look, truth_last=1.0)
    other = inputs()
    other["teacher"] += 100
    for decoder, training in ((never, True), (never, False), (always, False)):
        np.testing.assert_array_equal(run(decoder, inputs(), training), run(decoder, other, training))
    np.testing.assert_allclose(run(never, inputs(), True), run(never, inputs(), False), atol=1e-6)


def test_without_feedback_nothing_is_read_of_truth_and_of_last_values() -> None:
    decoder, other = make(feedback=False), inputs()
    other["teacher"] += 100
    other["last"] += 100
    for training in (False, True):
        np.testing.assert_array_equal(run(decoder, inputs(), training), run(decoder, other, training))


@pytest.mark.parametrize(("epoch", "share"), [(0.0, 0.9), (1.0, 0.75), (2.5, 0.525), (4.0, 0.3), (9.0, 0.3)], ids=str)
def test_the_share_of_truth_follows_its_schedule(epoch: float, share: float) -> None:
    """A straight line from first to last over so many epochs; counted where the next step read the truth."""
    rows, horizon = 400, 6
    decoder = ForecastDecoder("simple", [1], (horizon, 1, 1), truth_first=0.9, truth_last=0.3, truth_epochs=4)
    teacher = np.full((rows, horizon, 1), 7.0, np.float32)
    zeros = np.zeros((rows, 1), np.float32)
    with random_scope(tf.constant([3, 0]), epoch):
        decoder(zeros, zeros[:, None], np.ones(rows), zeros, teacher)
        fed = [np.asarray(decoder._fed(tf.constant(zeros), teacher[:, h], h)) for h in range(horizon)]
        again = [np.asarray(decoder._fed(tf.constant(zeros), teacher[:, h], h)) for h in range(horizon)]
    read = np.concatenate(fed, axis=1) == 7.0
    np.testing.assert_array_equal(np.concatenate(again, axis=1) == 7.0, read)
    assert read.mean() == pytest.approx(share, abs=0.04)  # 2 standard errors are 0.02
    assert (read.mean(axis=0) > share - 0.12).all(), "each step draws for itself"
    assert len(np.unique(read, axis=0)) > 5, "each row and step draws for itself"


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@looks
def test_a_loop_in_the_graph_gives_what_one_written_out_gives(
    look: dict[str, Any], training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = make(**look, units=[4], truth_first=0.6, truth_last=0.6, dropout=0.3)
    given = inputs()
    written_out = run(decoder, given, training)
    monkeypatch.setattr(rnnlab.layers.decoder, "WRITTEN_OUT", 1)
    np.testing.assert_allclose(run(decoder, given, training), written_out, atol=1e-6)

    @tf.function
    def loss(last: Any) -> Any:
        outputs = decoder(**{**given, "last": last}, training=training)
        return tf.gradients(tf.reduce_sum(outputs**2), [last, *(each.value for each in decoder.trainable_weights)])

    def gradients() -> list[np.ndarray]:
        with random_scope(tf.constant([0, 0])):
            return [np.asarray(each) for each in loss(tf.constant(given["last"]))]

    looped = gradients()
    monkeypatch.setattr(rnnlab.layers.decoder, "WRITTEN_OUT", 48)
    loss = tf.function(loss.python_function)
    for one, other in zip(looped, gradients(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_long_horizon_is_a_loop_in_the_graph_and_a_short_one_is_not() -> None:
    for horizon, loops in ((48, 0), (49, 1)):
        decoder, given = make(horizon), inputs(horizon=horizon)
        graph = tf.function(lambda decoder=decoder, given=given: decoder(**given)).get_concrete_function().graph
        assert sum(each.type in ("While", "StatelessWhile") for each in graph.get_operations()) == loops


def test_dropout_is_the_same_at_every_step_and_none_outside_of_training() -> None:
    core = DecoderCell("gru", [50, 40], dropout=0.4)
    core.build(2, U, U)
    final = tf.ones([B, U])
    assert core.start(final, False)[1] == []
    with random_scope(tf.constant([0, 0])):
        _, masks = core.start(final, True)
        _, again = core.start(final, True)
    assert [mask.shape.as_list() for mask in masks] == [[B, 50], [B, 40]]
    for mask, other in zip(masks, again, strict=True):
        np.testing.assert_array_equal(mask, other)
        assert set(np.unique(mask)) == {0, np.float32(1 / 0.6)}
        assert len(np.unique(mask, axis=0)) == B, "each row draws for itself"


@looks
def test_what_stands_in_the_encoders_padding_never_matters(look: dict[str, Any]) -> None:
    decoder, given = make(**look), inputs()
    expected = run(decoder, given)
    wider = np.concatenate([given["sequence"], np.full((B, 4, U), np.inf, np.float32)], axis=1)
    garbage = np.where(np.isnan(given["sequence"]), np.float32(1e6), given["sequence"])
    for sequence in (wider, garbage):
        np.testing.assert_allclose(run(decoder, {**given, "sequence": sequence}), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["bahdanau", "luong"])
def test_attention_weighs_valid_steps_alone_and_they_sum_to_one(kind: Any) -> None:
    layer, random = Attention(kind, U), np.random.default_rng(0)
    sequence = inputs()["sequence"]
    query = random.normal(size=(B, U)).astype(np.float32)
    layer.build((B, U), (B, T, U))
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    found, weights = layer(tf.constant(query), *layer.keys(tf.constant(sequence), LENGTHS))
    np.testing.assert_allclose(found, attended(layer, query, sequence), atol=1e-5)
    # Of steps that say their own number, the answer is the weights.
    keys, _, valid = layer.keys(tf.constant(sequence), LENGTHS)
    own, weights = layer(tf.constant(query), keys, tf.tile(tf.eye(T)[None], [B, 1, 1]), valid)
    np.testing.assert_allclose(own, weights, atol=1e-6)
    weights = np.asarray(weights)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (weights[np.arange(T) >= LENGTHS[:, None]] == 0).all()
    assert (weights[np.arange(T) < LENGTHS[:, None]] > 0).all()


# Layers of horizons.


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    season=st.integers(1, 5),
    count=st.integers(1, 3),
    horizon=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_the_seasonal_mean_equals_a_loop(lengths: list[int], season: int, count: int, horizon: int, seed: int) -> None:
    observed = np.random.default_rng(seed).normal(size=(len(lengths), max(lengths) + 1, C)).astype(np.float32)

    def mean_of(row: int, last: int, h: int) -> np.ndarray:
        """Return the mean of values whole seasons before step last + 1 + h, none of them behind `last`."""
        places, place = [], last + 1 + h
        while place > last:
            place -= season
        for _ in range(count):
            places += [place] if place >= 0 else []
            place -= season
        return observed[row, places].mean(axis=0) if places else observed[row, last]

    steps = range(horizon)
    found = SeasonalMean(season, count, horizon)(observed, np.array(lengths, np.int32))
    expected = [[mean_of(row, length - 1, h) for h in steps] for row, length in enumerate(lengths)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    every = SeasonalMean(season, count, horizon, every_step=True)(observed, np.array(lengths, np.int32))
    for row, length in enumerate(lengths):
        expected = [[mean_of(row, last, h) for h in steps] for last in range(length)]
        np.testing.assert_allclose(every[row, :length], expected, atol=1e-5)


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    more=st.integers(0, 4),
    horizon=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_what_is_ahead_of_each_step_is_what_follows_it(lengths: list[int], more: int, horizon: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    width = max(lengths) + more
    rows = [random.normal(size=(length + horizon, K)).astype(np.float32) for length in lengths]
    steps = np.full((len(rows), width, K), np.nan, np.float32)
    for row, length in enumerate(lengths):
        steps[row, :length] = rows[row][:length]
    future = np.stack([row[-horizon:] for row in rows])
    found = np.asarray(AheadOfEachStep()(steps, future, np.array(lengths, np.int32)))
    assert found.shape == (len(rows), width, horizon, K)
    for row, length in enumerate(lengths):
        for step in range(length):
            np.testing.assert_array_equal(found[row, step], rows[row][step + 1 : step + 1 + horizon])


@pytest.mark.parametrize(
    ("hidden", "known", "every_step"), list(itertools.product([0, 5], [0, K], [False, True])), ids=str
)
def test_outputs_of_a_horizon_equal_their_formula(hidden: int, known: int, every_step: bool) -> None:
    random = np.random.default_rng(0)
    axes = (B, T) if every_step else (B,)
    vector = random.normal(size=(*axes, U)).astype(np.float32)
    future = random.normal(size=(*axes, H, K)).astype(np.float32) if known else None
    layer = HorizonOutputs((H, P, C), hidden)
    layer(vector, future)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    expected = np.zeros((*axes, H, P, C))
    for h in range(H):
        if hidden:
            at = vector @ layer.of_vector.kernel.numpy() + layer.of_vector.bias.numpy() + layer.distance.numpy()[h]
        else:
            size = P * C
            columns = slice(h * size, (h + 1) * size)
            at = vector @ layer.of_vector.kernel.numpy()[:, columns] + layer.of_vector.bias.numpy()[columns]
        if future is not None:
            at = at + future[..., h, :] @ layer.of_future.kernel.numpy()
        if hidden:
            at = np.maximum(at, 0) @ layer.outputs.kernel.numpy() + layer.outputs.bias.numpy()
        expected[..., h, :, :] = at.reshape(*axes, P, C)
    np.testing.assert_allclose(layer(vector, future), expected, atol=1e-5)
