"""A decoder of tokens: it writes an answer, one token after another.

Axes: B batch, T time of the encoder, U units, L tokens of an answer, V vocabulary, E embedding, N answers.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnlab.decoding.beam import Step, beam_search
from rnnlab.decoding.search import Search
from rnnlab.layers.attention import AttentionName
from rnnlab.layers.decoder import DecoderCell, share_of_truth
from rnnlab.layers.randomness import Dropout, stateless_uniform
from rnnlab.layers.recurrent import CellName
from rnnlab.layers.vectors import token_vectors
from rnnlab.vocabulary import END


@keras.saving.register_keras_serializable("rnnlab")
class TokenDecoder(keras.layers.Layer):
    """An answer in tokens: each step reads the token before it, and scores every token that may follow.

    In training the token before is the true one (teacher forcing, Williams & Zipser 1989); or, of each row and step
    with a probability that goes from 1 - `truth_first` to 1 - `truth_last` over so many epochs, the most probable one
    (scheduled sampling, Bengio et al. 2015).

    Args:
        cell, units, attention, input_feeding, dropout: see `DecoderCell`; what a step reads, and what is scored, is
            dropped in the same share.
        tokens: V.
        embedding_units: E, the size of the vector that a token is read as.
        tied: score a token by its product with that vector (Press & Wolf 2017).
        hidden_units: of a ReLU layer between the cells and the scores; 0: none.
        truth_first, truth_last, truth_epochs: see above.
        longest, beam, length_penalty, answers: see `Search`.

    Call arguments: final (B, U), sequence (B, T, U) and lengths (B,) of the encoder; teacher (B, L) int32, a start mark
    and the true answer, padded behind. Returns a dict: `scores` (B, L, V) float32 of what follows each of the teacher's
    tokens, in its padding without meaning; and, outside of training, what `search` finds: `tokens` (B, N, L') int32 and
    `ranks` (B, N); in training these are empty.
    """

    def __init__(
        self,
        cell: CellName,
        units: Sequence[int],
        tokens: int,
        embedding_units: int,
        attention: AttentionName | None = None,
        input_feeding: bool = False,
        dropout: float = 0.0,
        tied: bool = False,
        hidden_units: int = 0,
        truth_first: float = 1.0,
        truth_last: float = 1.0,
        truth_epochs: float = 1.0,
        longest: int = 100,
        beam: int = 1,
        length_penalty: float = 0.0,
        answers: int = 1,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.core = DecoderCell(cell, units, attention, input_feeding, dropout, name="cells")
        self.tokens, self.embedding_units, self.tied, self.hidden_units = tokens, embedding_units, tied, hidden_units
        self.truth_first, self.truth_last, self.truth_epochs = truth_first, truth_last, truth_epochs
        self.longest, self.beam, self.length_penalty, self.answers = longest, beam, length_penalty, answers
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        self.embedding = token_vectors(tokens, embedding_units, name="embedding")
        self.reading = Dropout(dropout, name=f"{self.name}_reading")
        self.writing = Dropout(dropout, name=f"{self.name}_writing")
        self.hidden = keras.layers.Dense(hidden_units, activation="relu", name="hidden") if hidden_units else None
        # A token's vector may have another size than what the cells give.
        self.project: Any = keras.layers.Dense(embedding_units, use_bias=False, name="project") if tied else None
        self.outputs = None if tied else keras.layers.Dense(tokens, dtype="float32", name="outputs")

    def build(
        self, final_shape: Any, sequence_shape: Any, lengths_shape: Any = None, teacher_shape: Any = None
    ) -> None:
        self.embedding.build((None, None))
        self.core.build(self.embedding_units, final_shape[-1], sequence_shape[-1])
        size = self.core.output_units(sequence_shape[-1])
        if self.hidden is not None:
            self.hidden.build((None, size))
            size = self.hidden_units
        if self.project is not None:
            self.project.build((None, size))
            self.bias = self.add_weight(shape=(self.tokens,), initializer="zeros", name="bias")
        if self.outputs is not None:
            self.outputs.build((None, size))
        self.built = True

    @property
    def search(self) -> Search:
        """How an answer is looked for."""
        return Search(self.longest, self.beam, self.length_penalty, self.answers)

    def call(self, final: Any, sequence: Any, lengths: Any, teacher: Any, training: bool | None = None) -> Any:
        memory = self._memory(sequence, lengths)
        state, masks = self.core.start(final, training)
        if training and (self.truth_first, self.truth_last) != (1.0, 1.0):
            scores = self._sampled(teacher, state, masks, memory)
        else:
            scores = self._taught(teacher, state, masks, memory, training)
        if training:
            nothing = tf.zeros([tf.shape(final)[0], self.answers, 0], tf.int32)
            return {"scores": scores, "tokens": nothing, "ranks": tf.zeros(tf.shape(nothing)[:2])}
        tokens, ranks = self.find(final, sequence, lengths)
        return {"scores": scores, "tokens": tokens, "ranks": ranks}

    def find(self, final: Any, sequence: Any, lengths: Any) -> tuple[Any, Any]:
        """Return the answers that the search finds (B, N, L') and their scores (B, N)."""
        step, state = self.steps(final, sequence, lengths, self.beam)
        return beam_search(step, state, tf.shape(final)[0], self.search)

    def steps(self, final: Any, sequence: Any, lengths: Any, times: int = 1) -> tuple[Step, Any]:
        """Return what one step of writing does, and the state before the first, of B rows.

        A step goes on from `times` beginnings of each example, whose rows stand beside each other.
        """
        state, _ = self.core.start(final, training=False)
        # All beginnings of an example look back at the same steps.
        memory = [tf.repeat(each, times, axis=0) for each in self._memory(sequence, lengths)]

        def step(before: Any, state: Any) -> tuple[Any, Any]:
            output, state, _ = self.core.step(self._read(before), state, [], memory)
            return self._scores(output), state

        return step, state

    def weights_over(self, final: Any, sequence: Any, lengths: Any, teacher: Any) -> Any:
        """Return how much each step that reads the teacher looks at each of the encoder's, (B, L, T).

        Raises:
            ValueError: there is no attention.
        """
        if self.core.attend is None:
            raise ValueError("a decoder without attention looks at no step")
        memory = self._memory(sequence, lengths)
        state, _ = self.core.start(final, training=False)
        found = []
        for position in range(teacher.shape[1]):
            _, state, weights = self.core.step(self._read(teacher[:, position]), state, [], memory)
            found.append(weights)
        return tf.stack(found, axis=1)

    def _memory(self, sequence: Any, lengths: Any) -> Any:
        return () if self.core.attend is None else self.core.attend.keys(sequence, lengths)

    def _read(self, tokens: Any) -> Any:
        return tf.cast(self.embedding(tokens), self.compute_dtype)

    def _scores(self, output: Any) -> Any:
        """Return the scores (…, V) of the tokens that may follow outputs (…, U)."""
        output = output if self.hidden is None else self.hidden(output)
        if self.outputs is not None:
            return self.outputs(output)
        # Divided, for scores of the size that a layer of its own would give at first.
        vectors = tf.cast(self.embedding.embeddings, self.compute_dtype) * self.embedding_units**-0.5
        scores = tf.matmul(self.project(output), vectors, transpose_b=True)
        return tf.cast(scores, tf.float32) + tf.cast(self.bias, tf.float32)

    def _taught(self, teacher: Any, state: Any, masks: Any, memory: Any, training: bool | None) -> Any:
        """Return the scores (B, L, V) where every step reads the truth."""
        read = self.reading(self._read(teacher), training=training)
        read = tf.transpose(read, [1, 0, 2])

        def step(position: Any, carried: Any, state: Any) -> tuple[Any, Any, Any]:
            if self.core.looks_afterwards:
                output, state = self.core.move(read[position], state, masks)
            else:
                output, state, _ = self.core.step(read[position], state, masks, memory)
            return output, carried, state

        size = self.core.output_units(memory[1].shape[-1] if memory else 0)
        outputs = _loop(step, tf.shape(teacher)[1], (), state, size, self.compute_dtype)
        if self.core.looks_afterwards and memory:  # of all steps at once: one product in place of many
            outputs, _ = self.core.look(outputs, memory)
        return self._scores(self.writing(outputs, training=training))

    def _sampled(self, teacher: Any, state: Any, masks: Any, memory: Any) -> Any:
        """Return the scores (B, L, V) where a step may read what the one before found most probable."""
        steps = tf.shape(teacher)[1]
        share = share_of_truth(self.truth_first, self.truth_last, self.truth_epochs)
        rows = tf.shape(teacher)[:1]

        def step(position: Any, said: Any, state: Any) -> tuple[Any, Any, Any]:
            drawn = stateless_uniform(rows, self.salt, position) < share
            before = tf.where(drawn | (position == 0), teacher[:, position], said)
            # Inside a loop, dropout draws the same at every step.
            output, state, _ = self.core.step(self.reading(self._read(before), training=True), state, masks, memory)
            scores = self._scores(self.writing(output, training=True))
            return scores, most_probable(scores), state

        return _loop(step, steps, teacher[:, 0], state, self.tokens, "float32")

    def compute_output_spec(self, final: Any, sequence: Any, lengths: Any, teacher: Any, training: Any = None) -> Any:
        rows = final.shape[0]
        return {
            "scores": keras.KerasTensor((rows, None, self.tokens), "float32"),
            "tokens": keras.KerasTensor((rows, self.answers, None), "int32"),
            "ranks": keras.KerasTensor((rows, self.answers), "float32"),
        }

    def get_config(self) -> dict[str, Any]:
        core = self.core.get_config()
        own = {name: core[name] for name in ("cell", "units", "attention", "input_feeding", "dropout")}
        names = ("tokens", "embedding_units", "tied", "hidden_units", "truth_first", "truth_last", "truth_epochs")
        searched = ("longest", "beam", "length_penalty", "answers")
        return {**super().get_config(), **own, **{name: getattr(self, name) for name in (*names, *searched)}}


def most_probable(scores: Any) -> Any:
    """Return the most probable token of scores (…, V), int32; never a mark that no answer holds."""
    return END + tf.argmax(scores[..., END:], axis=-1, output_type=tf.int32)  # these marks come before the end's


def _loop(step: Any, count: Any, carried: Any, state: Any, size: int, dtype: str) -> Any:
    """Return what all steps give, (B, L, size), each from what the one before handed on."""

    def body(position: Any, carried: Any, state: Any, written: Any) -> tuple[Any, Any, Any, Any]:
        output, carried, state = step(position, carried, state)
        return position + 1, carried, state, written.write(position, output)

    written = tf.TensorArray(dtype, size=count, element_shape=[None, size])
    *_, written = tf.while_loop(
        lambda position, *_: position < count, body, (tf.constant(0), carried, state, written), maximum_iterations=count
    )
    return tf.transpose(written.stack(), [1, 0, 2])
