"""Linear-chain conditional random fields (Lafferty et al. 2001): the exact forward algorithm, and Viterbi decoding.

A chain is scored by its pairs: `pairs[b, t, i, j]` is the score of tag j at step t after tag i. At the first step
nothing is before, so it is the same for every i. A sequence's score is the sum over its valid steps, and its
probability the softmax over all sequences of tags of the same length.

Axes: B batch, T time, F features, C tags.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.time import valid_steps, zero_padding


def chain(scores: Any, transitions: Any, first: Any, last: Any, lengths: Any) -> Any:
    """Return pairs (B, T, C, C) with scores of following, beginning and ending added; zeros in the padding.

    Args:
        scores: (B, T, C) of each tag by itself, or pairs (B, T, C, C).
        transitions: (C, C), the score of tag j (second axis) after tag i.
        first: (C,), of tags at the first step.
        last: (C,), of tags at the last valid step.
        lengths: (B,).
    """
    scores = scores if scores.shape.rank == 4 else scores[:, :, tf.newaxis, :]
    steps = tf.range(tf.shape(scores)[1])
    begins = (steps == 0)[tf.newaxis, :, tf.newaxis, tf.newaxis]
    ends = (steps == lengths[:, tf.newaxis] - 1)[:, :, tf.newaxis, tf.newaxis]
    pairs = scores + tf.where(begins, tf.convert_to_tensor(first), tf.convert_to_tensor(transitions))
    return zero_padding(pairs + tf.where(ends, tf.convert_to_tensor(last), tf.zeros_like(last)), lengths)


def log_partition(pairs: Any, lengths: Any) -> Any:
    """Return the logarithm of the sum of exp(score) over all sequences of tags, (B,), by the forward algorithm.

    Args:
        pairs: (B, T, C, C).
        lengths: (B,).
    """
    return tf.reduce_logsumexp(_forward(pairs, lengths, tf.reduce_logsumexp), axis=-1)


def _forward(pairs: Any, lengths: Any, reduce: Any) -> Any:
    """Return, for each tag, the scores of all sequences that end with it at the last valid step, reduced: (B, C)."""

    def step(before: Any, current: tuple[Any, Any]) -> Any:
        scores, valid = current
        # (B, i, 1) + (B, i, j) → (B, j); after the last valid step nothing changes any more
        return tf.where(valid[:, tf.newaxis], reduce(before[:, :, tf.newaxis] + scores, axis=1), before)

    steps = tf.transpose(pairs, [1, 0, 2, 3])  # (T, B, C, C)
    valid = tf.transpose(valid_steps(lengths, tf.shape(pairs)[1], "bool"))  # (T, B)
    return tf.foldl(step, (steps[1:], valid[1:]), initializer=pairs[:, 0, 0])


def sequence_score(pairs: Any, tags: Any, lengths: Any) -> Any:
    """Return the score of one sequence of tags in each row, (B,).

    Args:
        pairs: (B, T, C, C).
        tags: (B, T) int, in the padding anything from 0 to C - 1.
        lengths: (B,).
    """
    before = tf.pad(tags[:, :-1], [[0, 0], [1, 0]])
    scores = tf.gather(tf.gather(pairs, before, axis=2, batch_dims=2), tags, axis=2, batch_dims=2)  # (B, T)
    return tf.reduce_sum(zero_padding(scores, lengths), axis=1)


def best_sequence(pairs: Any, lengths: Any) -> Any:
    """Return the sequence of tags with the highest score in each row, (B, T) int32, by Viterbi decoding; 0 in padding.

    Args:
        pairs: (B, T, C, C).
        lengths: (B,).
    """
    classes = pairs.shape[-1]
    steps = tf.transpose(pairs, [1, 0, 2, 3])  # (T, B, C, C)
    valid = tf.transpose(valid_steps(lengths, tf.shape(pairs)[1], "bool"))  # (T, B)
    stay = tf.range(classes)[tf.newaxis]

    def forward(state: tuple[Any, Any], current: tuple[Any, Any]) -> tuple[Any, Any]:
        """Take the best score of each tag, and the tag that it came from; in the padding it came from itself."""
        scores, valid = current
        scores = state[0][:, :, tf.newaxis] + scores
        best = tf.where(valid[:, tf.newaxis], tf.reduce_max(scores, axis=1), state[0])
        return best, tf.where(valid[:, tf.newaxis], tf.argmax(scores, axis=1, output_type=tf.int32), stay)

    # The first step is taken as one that changes nothing, so that a single one is no loop over none.
    valid &= (tf.range(tf.shape(valid)[0]) > 0)[:, tf.newaxis]
    begin = (pairs[:, 0, 0], tf.zeros(tf.shape(pairs[:, 0, 0]), tf.int32))
    scores, origins = tf.scan(forward, (steps, valid), initializer=begin)  # (T, B, C) each
    last = tf.argmax(scores[-1], axis=-1, output_type=tf.int32)
    before = tf.scan(lambda tag, origin: tf.gather(origin, tag, batch_dims=1), origins, initializer=last, reverse=True)
    return zero_padding(tf.transpose(tf.concat([before[1:], last[tf.newaxis]], axis=0)), lengths)


@keras.saving.register_keras_serializable("rnnlab")
class LinearChain(keras.layers.Layer):
    """Scores of tags joined into a chain, by learnt scores of each tag after each other, as the first and as the last.

    They begin as zeros, so that at first every step stands for itself.

    Call arguments: inputs (B, T, C) scores of each tag by itself, lengths (B,); returns pairs (B, T, C, C), see above.
    """

    def __init__(self, **arguments: Any) -> None:
        arguments.setdefault("dtype", "float32")  # sums over many steps have no room in 16 bits
        super().__init__(**arguments)

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        classes = inputs_shape[-1]
        self.transitions = self.add_weight(shape=(classes, classes), initializer="zeros", name="transitions")
        self.first = self.add_weight(shape=(classes,), initializer="zeros", name="first")
        self.last = self.add_weight(shape=(classes,), initializer="zeros", name="last")

    def call(self, inputs: Any, lengths: Any) -> Any:
        return chain(inputs, self.transitions, self.first, self.last, lengths)

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Any:
        return (*inputs_shape, inputs_shape[-1])
