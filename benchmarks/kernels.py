"""Time one training step of a single LSTM layer: Keras' loop against rnnlab's fused operation, by shape.

    python benchmarks/kernels.py

The two take turns, and the ratio is taken pair by pair. `FUSED_UNITS` in rnnlab/layers/recurrent.py is read off this.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from rnnlab.quiet import load_tensorflow

load_tensorflow()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from rnnlab.layers.recurrent import fused_lstm  # noqa: E402

SHAPES = [(32, 16, 12, 32), (32, 16, 12, 64), (32, 50, 8, 32), (32, 100, 32, 64), (64, 100, 32, 96), (64, 100, 32, 128)]
ROUNDS, STEPS = 15, 10


def training_step(run: Callable[[Any], Any], variables: list[Any], features: int) -> Any:
    """Return a compiled step that gives the gradients of a sum of squares."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, features])])
    def step(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(run(inputs)))
        return tape.gradient(loss, variables)

    return step


def seconds(step: Any, inputs: Any) -> float:
    started = time.perf_counter()
    for _ in range(STEPS):
        step(inputs)
    return (time.perf_counter() - started) / STEPS


def main() -> None:
    print("| batch, time, features, units | Keras' loop, ms | fused, ms | fused is faster by |")
    print("|---|---|---|---|")
    for batch, width, features, units in SHAPES:
        inputs = tf.random.stateless_normal([batch, width, features], [0, 1])
        layer = keras.layers.LSTM(units, return_sequences=True)
        layer(inputs)
        variables = [weight.value for weight in layer.cell.weights]
        loop = training_step(layer, variables, features)
        fused = training_step(lambda each, weights=layer.cell.weights: fused_lstm(each, *weights), variables, features)
        for step in (loop, fused):
            seconds(step, inputs)
        pairs = [(seconds(loop, inputs), seconds(fused, inputs)) for _ in range(ROUNDS)]
        slow, quick = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
        ratios = sorted(a / b for a, b in pairs)
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
        print(f"| {batch}, {width}, {features}, {units} | {slow:.1f} | {quick:.1f} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
