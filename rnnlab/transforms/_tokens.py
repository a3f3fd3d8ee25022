"""Tokens: what `words` and `characters` share.

Axes: B batch, T time, L characters of a word, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict
from rnnlab.transforms import Learnt, Transform, input_field
from rnnlab.vocabulary import END, START, UNKNOWN, choose_tokens, count_tokens, look_up, to_arrays, tokens_of

CHUNK = 1000


class Vocabulary(Strict):
    """Which tokens have a number of their own; all others are one, the unknown token."""

    size: int | None = Field(None, ge=1, description="the most tokens, the most frequent ones; default: no limit")
    min_count: int = Field(1, ge=1, description="how often a token stands in the training texts to be known")


class Tokens(Transform):
    """Text as numbers of tokens, by a vocabulary of the training split. An empty text is one unknown token.

    Class attributes:
        joint: what stands between tokens where they are written as text again.
    """

    joint: ClassVar[str] = " "

    reads: ClassVar[frozenset[Kind]] = frozenset({"text"})

    lower: bool = Field(True, description="in lower case, of every script")
    vocabulary: Vocabulary = Field(default_factory=Vocabulary, description="which tokens have a number of their own")
    marks: bool = Field(False, description="put a start mark before the first token and an end mark behind the last")

    @abstractmethod
    def split(self, texts: Any) -> Any:
        """Return the tokens of texts (B,), ragged (B, T), strings; TensorFlow ops only."""

    def fit(self, train: Examples) -> Learnt:
        counts: Counter[str] = Counter()
        name = input_field(train.signature, self.field).name
        for start in range(0, len(train), CHUNK):
            texts = [train.read(index)[name].tobytes() for index in range(start, min(start + CHUNK, len(train)))]
            counts += count_tokens(self.split(self._clean(texts)).to_list())
        return to_arrays(choose_tokens(counts, self.vocabulary.size, self.vocabulary.min_count))

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return token numbers (B, T, 1) int32 and lengths (B,), from texts (B,) of strings."""
        import tensorflow as tf

        numbers = self.split(self._clean(values))
        numbers = numbers.with_flat_values(look_up(numbers.flat_values, learnt))
        if self.marks:
            column = tf.ones([numbers.nrows(), 1], tf.int32)
            numbers = tf.concat([START * column, numbers, END * column], axis=1)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        padded = numbers.to_tensor()
        padded = tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)]])
        empty = (lengths == 0)[:, tf.newaxis] & (tf.range(tf.shape(padded)[1]) == 0)
        return tf.where(empty, UNKNOWN, padded)[..., tf.newaxis], tf.maximum(lengths, 1)

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        field = input_field(before, self.field)
        tokens = replace(field, kind="tokens", shape=(1,), names=tokens_of(learnt))
        # What goes on as the input does is asked for in the same tokens.
        target = tokens if before.target == field else before.target
        return replace(before.with_input(tokens), target=target)

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        shares = {name: float((each.values[:, 0] == UNKNOWN).mean()) for name, each in prepared.items()}
        told = ", ".join(f"{name} {share:.2%}" for name, share in shares.items())
        return [f"vocabulary: {len(learnt['ends']):,} tokens and 4 marks; unknown tokens: {told}"]

    def pieces(self, text: str) -> list[str]:
        """Return the tokens of one text, known or not."""
        return [piece.decode() for piece in self.split(self._clean([text])).to_list()[0]]

    def _clean(self, texts: Any) -> Any:
        """Return texts (B,) in valid UTF-8, and in lower case where that is wanted."""
        import tensorflow as tf

        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        return tf.strings.lower(texts, encoding="utf-8") if self.lower else texts
