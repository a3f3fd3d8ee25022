"""What every layer promises: padding never matters, rows of length 0 stay finite, its config makes it again.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlab.layers
from rnnlab.layers.attention import Attention
from rnnlab.layers.convolution import StridedLengths, TimeConvolution, TimePooling
from rnnlab.layers.crf import LinearChain
from rnnlab.layers.decoder import DecoderCell, ForecastDecoder
from rnnlab.layers.frames import (
    FlatFrames,
    FoldTime,
    FrameConvolution,
    FrameDifferences,
    FrameMean,
    FramePooling,
    FrameTimeConvolution,
    Pixels,
    UnfoldTime,
)
from rnnlab.layers.horizon import AheadOfEachStep, HorizonOutputs, SeasonalMean
from rnnlab.layers.normalization import MaskedBatchNormalization
from rnnlab.layers.pooling import AttentionOverTime, MaxOverTime, MeanOverTime
from rnnlab.layers.randomness import Dropout, random_scope
from rnnlab.layers.recurrent import NormalizedCell, Recurrent
from rnnlab.layers.spelling import Spelling
from rnnlab.layers.time import FinalStep, ZeroPadding
from rnnlab.layers.token_decoder import TokenDecoder

from .made import make_sequences, pad_with

Make = Callable[[], keras.layers.Layer]


class Attended(keras.layers.Layer):
    """Attention with a query of ones."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.attention = Attention(kind, 5)

    def call(self, inputs: Any, lengths: Any) -> Any:
        if not self.attention.built:
            self.attention.build((None, 5), inputs.shape)
        return self.attention(tf.ones([tf.shape(inputs)[0], 5]), *self.attention.keys(inputs, lengths))[0]


class Decoded(keras.layers.Layer):
    """A decoder that attends to the input, three steps of one number each."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.decoder = ForecastDecoder("gru", [4], (3, 1, 1), dropout=0.3, truth_last=1.0, **arguments)

    def call(self, inputs: Any, lengths: Any, training: bool = False) -> Any:
        rows = tf.ones([tf.shape(inputs)[0], 1])
        teacher = tf.ones([tf.shape(inputs)[0], 3, 1])
        return self.decoder(rows, inputs, lengths, rows, teacher, training=training)[..., 0]


class Ahead(keras.layers.Layer):
    """What is ahead of each step, where the two steps that come are ones, and outputs of it."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs = HorizonOutputs((2, 1, 1), 4)

    def call(self, inputs: Any, lengths: Any) -> Any:
        future = tf.ones([tf.shape(inputs)[0], 2, inputs.shape[-1]])
        ahead = AheadOfEachStep()(inputs, future, lengths)
        return self.outputs(inputs, ahead)[..., 0, 0]


LAYERS: dict[str, Make] = {
    "bahdanau": lambda: Attended("bahdanau"),
    "luong": lambda: Attended("luong"),
    "decoder": lambda: Decoded(attention="luong", input_feeding=True),
    "ahead of each step": lambda: Ahead(),
    "seasonal mean": lambda: SeasonalMean(2, 2, 3),
    "seasonal mean of each step": lambda: SeasonalMean(2, 2, 3, every_step=True),
    "zero padding": lambda: ZeroPadding(),
    "final step": lambda: FinalStep(1),
    "mean": lambda: MeanOverTime(),
    "max": lambda: MaxOverTime(),
    "attention": lambda: AttentionOverTime(4),
    "convolution": lambda: TimeConvolution(4, 3, 2, "same"),
    "long convolution": lambda: TimeConvolution(4, 9, 1, "valid", use_bias=False),
    "max pooling": lambda: TimePooling(3, "max"),
    "mean pooling": lambda: TimePooling(3, "mean"),
    "batch normalisation": lambda: MaskedBatchNormalization(0.5),
    "dropout": lambda: Dropout(0.3, over_time=True),
    "chain": lambda: LinearChain(),
    **{
        f"{cell} {kind} {direction}": lambda cell=cell, arguments=arguments, direction=direction: Recurrent(
            cell, 4, backward=direction == "backward", **arguments
        )
        for cell in ("simple", "gru", "lstm")
        for kind, arguments in (
            ("plain", {}),
            ("normalised", {"layer_normalization": True}),
            ("with dropout", {"recurrent_dropout": 0.3}),
        )
        for direction in ("forward", "backward")
    },
}
# Of (B,), of one step, of frames, none of which sees another, and of characters: they have no padding, or know it from
# the characters.
ELSEWHERE: dict[str, Make] = {
    "lengths": lambda: StridedLengths(3, 2, "valid"),
    "cell": lambda: NormalizedCell("lstm", 4, layer_normalization=True),
    "attention": lambda: Attention("luong", 4),
    "decoder cell": lambda: DecoderCell("lstm", [4], "luong", input_feeding=True, dropout=0.2),
    "forecast decoder": lambda: ForecastDecoder("gru", [4], (3, 1, 2), "bahdanau", hidden_units=3, feedback=False),
    "token decoder": lambda: TokenDecoder("lstm", [4], 9, 3, "luong", tied=True, hidden_units=3, beam=2, answers=2),
    "ahead": lambda: AheadOfEachStep(),
    "frame convolution": lambda: FrameConvolution(4, 3, 2, use_bias=False),
    "frame pooling": lambda: FramePooling(2),
    "flat frames": lambda: FlatFrames(),
    "frame mean": lambda: FrameMean(),
    "frame convolution over time": lambda: FrameTimeConvolution(4, 3, 3, use_bias=False),
    "frame differences": lambda: FrameDifferences(),
    "pixels": lambda: Pixels(),
    "folded time": lambda: FoldTime(3),
    "unfolded time": lambda: UnfoldTime(),
    "spelling": lambda: Spelling(9, 3, 4, "cnn", 2),
    "recurrent spelling": lambda: Spelling(9, 3, 4, "gru"),
    "horizon outputs": lambda: HorizonOutputs((2, 1, 1), 4),
}
CONFIGURED = {
    **{name: make for name, make in LAYERS.items() if type(make()).__module__ != __name__},
    **{f"{name} alone": make for name, make in ELSEWHERE.items()},
}
LENGTHS = np.array([4, 0, 6, 1], np.int32)
ROWS = make_sequences(LENGTHS, features=3)


def call(layer: keras.layers.Layer, inputs: Any, lengths: np.ndarray, training: bool = False) -> Any:
    arguments = () if isinstance(layer, Dropout) else (lengths,)
    extra = {"training": training} if layer._call_has_training_arg else {}
    with random_scope(tf.constant([0, 0])):
        return layer(inputs, *arguments, **extra)


def valid(outputs: Any, lengths: np.ndarray, width: int) -> list[np.ndarray]:
    """Return each row's valid part; of a sequence that was shortened the first step, which no padding may reach."""
    rows = np.asarray(outputs)
    if rows.ndim == 2:
        return list(rows)
    shortened = rows.shape[1] != width
    return [row[: min(length, 1) if shortened else length] for row, length in zip(rows, lengths, strict=True)]


def test_every_layer_of_the_package_is_tried_here() -> None:
    modules = [
        importlib.import_module(f"rnnlab.layers.{each.name}") for each in pkgutil.iter_modules(rnnlab.layers.__path__)
    ]
    known = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, keras.layers.Layer) and each.__module__ == module.__name__
    }
    wrapped = {Attended, Decoded, Ahead}  # whose layers stand in ELSEWHERE, too
    assert known == {type(make()) for make in (*LAYERS.values(), *ELSEWHERE.values())} - wrapped


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_what_stands_in_the_padding_never_matters(make: Make) -> None:
    layer = make()
    expected = valid(call(layer, pad_with(ROWS, 6, 0.0), LENGTHS), LENGTHS, 6)
    for width, garbage in ((6, None), (6, np.nan), (9, None), (11, np.nan)):
        found = valid(call(layer, pad_with(ROWS, width, garbage), LENGTHS), LENGTHS, width)
        for one, other, length in zip(found, expected, LENGTHS, strict=True):
            if length:
                np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_rows_without_steps_stay_finite_forward_and_backward(make: Make, training: bool) -> None:
    layer = make()
    inputs = tf.constant(pad_with(ROWS, 6, 0.0))
    call(layer, inputs, LENGTHS)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = call(layer, inputs, LENGTHS, training)
        total = tf.reduce_sum(outputs * outputs)
    gradients = tape.gradient(total, [inputs, *(weight.value for weight in layer.trainable_weights)])
    for values in (outputs, *gradients):
        assert values is not None
        assert np.isfinite(values).all()


@pytest.mark.parametrize("make", CONFIGURED.values(), ids=CONFIGURED)
def test_a_layer_is_made_again_from_its_config(make: Make) -> None:
    layer = make()
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config, safe_mode=True)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("make", CONFIGURED.values(), ids=CONFIGURED)
def test_every_argument_of_a_layer_is_in_its_config(make: Make) -> None:
    arguments = set(inspect.signature(type(make()).__init__).parameters) - {"self", "arguments", "kwargs"}
    assert arguments <= set(make().get_config())
