"""Attention: what a decoder looked at, while it wrote.

Axes: B batch, T time, L tokens of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples, Subset
from rnnlab.figures import Looking
from rnnlab.prediction import Predictor, stack
from rnnlab.vocabulary import END, MARKS, PADDING, START

FEW = 4  # answers that are looked at
LONGEST = 40  # tokens that still can be read beside each other
MOST = 1000  # examples that these are chosen among


def looking(predictor: Predictor, examples: Examples) -> Sequence[Looking]:
    """Return what the answers to a few examples of middling length looked at; none where nothing can be told.

    That is so without attention, where a step of the encoder stands for several tokens, and where no tokens are read.
    """
    import keras
    import tensorflow as tf

    field = predictor.pipeline.signature.inputs[0]
    decoder = predictor.network.get_layer("decoder")
    tokens_read = field.kind in ("tokens", "spelled")
    if decoder.core.attend is None or not predictor.experiment.model.aligned or not tokens_read:
        return ()
    fields, lengths = stack(examples, _middling(predictor, examples))
    inputs = predictor.network_inputs(fields, lengths)
    tokens = np.asarray(predictor.network(inputs, training=False)["tokens"])[:, 0]
    inputs["teacher"] = tf.constant(np.pad(tokens, [[0, 0], [1, 0]], constant_values=START))
    final, sequence, valid, teacher = keras.Model(predictor.network.input, decoder.input)(inputs, training=False)
    weights = np.asarray(decoder.weights_over(final, sequence, valid, teacher))
    said = predictor.pipeline.signature.known_target.names
    found = []
    for row, count in enumerate(np.asarray(inputs["lengths"])):
        read = [_shown(field.names[int(token)]) for token in _numbers(inputs[field.name])[row, :count]]
        answer = [said[int(token)] for token in tokens[row] if token != PADDING]
        steps = [*map(_shown, answer), MARKS[END]]
        if count <= LONGEST and len(steps) <= LONGEST:
            found.append(Looking(read, steps, weights[row, : len(steps), :count]))
    return found


def _middling(predictor: Predictor, examples: Examples) -> NDArray[np.int64]:
    """Return a few examples about the middle of those that are not too long in tokens, in their order."""
    asked = np.unique(np.linspace(0, len(examples) - 1, MOST, dtype=np.int64))
    lengths = predictor.pipeline.prepare(Subset(examples, asked)).lengths
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= max(LONGEST, lengths.min())]
    middle = len(order) // 2
    return np.sort(asked[order[max(middle - FEW // 2, 0) : middle + FEW - FEW // 2]])


def _numbers(values: Any) -> NDArray[np.int32]:
    """Return the tokens' own numbers, (B, T)."""
    return np.asarray(values)[..., 0]


def _shown(token: str) -> str:
    return "␣" if token == " " else token
