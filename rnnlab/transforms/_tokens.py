"""Tokens: what `words` and `characters` share.

Axes: B batch, T time, L characters of a word, n tokens of a batch, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.entities import NOTHING
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict
from rnnlab.transforms import Learnt, Transform, input_field
from rnnlab.vocabulary import END, MARKS, START, UNKNOWN, choose_tokens, count_tokens, look_up, to_arrays, tokens_of

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

    @property
    def aligned(self) -> bool:
        return not self.marks

    @property
    def closing(self) -> int:
        return int(self.marks)

    @abstractmethod
    def split(self, texts: Any) -> Any:
        """Return the tokens of texts (B,), ragged (B, T), strings; TensorFlow ops only."""

    def spacing(self, texts: NDArray[Any], learnt: Mapping[str, NDArray[Any]]) -> Learnt:
        """Return what `join` is to know of texts (N,) beside their vocabulary."""
        return {}

    def join(self, numbers: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return tokens (…, L), padded behind, as text (…); marks are nothing. TensorFlow ops only."""
        import tensorflow as tf

        return tf.strings.reduce_join(self._names(numbers, learnt), axis=-1)

    def tokens(self, values: Any, lengths: Any) -> Any:
        """Return the tokens of what `apply` is given, ragged (B, T), strings; TensorFlow ops only."""
        return self.split(self._clean(values))

    def numbers(self, tokens: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return what there is to know of each token (n,), int32 (n, 1) or more columns; TensorFlow ops only."""
        return look_up(tokens, learnt)[:, None]

    def fit(self, train: Examples) -> Learnt:
        counts: Counter[str] = Counter()
        for tokens in self._chunks(train):
            counts += count_tokens([tokens.numpy().tolist()])
        return to_arrays(choose_tokens(counts, self.vocabulary.size, self.vocabulary.min_count))

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return numbers (B, T, 1) or (B, T, 1 + L) int32 and lengths (B,), from strings: texts (B,), or words (B, T).

        The first is a token's number; behind it come those of its characters, where they are asked for.
        """
        import tensorflow as tf

        tokens = self.tokens(values, lengths)
        numbers = self.numbers(tokens.flat_values, learnt)
        columns = numbers.shape[1]
        numbers = tokens.with_flat_values(numbers)
        if self.marks:
            start, end = (tf.tile(self._mark(each, columns), [numbers.nrows(), 1, 1]) for each in (START, END))
            numbers = tf.concat([start, numbers, end], axis=1)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        # Words keep the width that they came with.
        width = tf.shape(values)[1] if len(values.shape) == 2 and not self.marks else 1
        padded = numbers.to_tensor(shape=[None, None, columns])
        padded = tf.pad(padded, [[0, 0], [0, tf.maximum(width - tf.shape(padded)[1], 0)], [0, 0]])
        empty = (lengths == 0)[:, tf.newaxis] & (tf.range(tf.shape(padded)[1]) == 0)
        return tf.where(empty[..., tf.newaxis], self._mark(UNKNOWN, columns), padded), tf.maximum(lengths, 1)

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        field = input_field(before, self.field)
        tokens = replace(field, kind="tokens", shape=(1,), names=tokens_of(learnt))
        # What goes on as the input does is asked for in the same tokens.
        target = tokens if before.target == field else before.target
        return replace(before.with_input(tokens), target=target)

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        return [f"vocabulary: {self.told(learnt, {name: each.values[:, 0] for name, each in prepared.items()})}"]

    def told(self, learnt: Mapping[str, NDArray[Any]], numbers: Mapping[str, NDArray[Any]]) -> str:
        """Return how many tokens are known, and which share is not of the numbers of each split, of any shape."""
        shares = ", ".join(f"{name} {_unknown_share(each):.2%}" for name, each in numbers.items())
        return f"{len(learnt['ends']):,} tokens and 4 marks; unknown tokens: {shares}"

    def pieces(self, text: str) -> list[str]:
        """Return the tokens of one text, known or not."""
        return [piece.decode() for piece in self.split(self._clean([text.encode(errors="replace")])).to_list()[0]]

    def _chunks(self, train: Examples) -> Iterator[Any]:
        """Yield the tokens of the training examples (n,), strings, a thousand examples at a time."""
        import tensorflow as tf

        field = input_field(train.signature, self.field)
        for start in range(0, len(train), CHUNK):
            rows = [train.read(index)[field.name] for index in range(start, min(start + CHUNK, len(train)))]
            if field.kind == "words":
                yield self.tokens(tf.constant(np.concatenate(rows))[tf.newaxis], [sum(map(len, rows))]).flat_values
            else:
                yield self.tokens(tf.constant([row.tobytes() for row in rows]), None).flat_values

    def _clean(self, texts: Any) -> Any:
        """Return strings in valid UTF-8, and in lower case where that is wanted."""
        return self._lowered(valid_utf8(texts))

    def _lowered(self, texts: Any) -> Any:
        import tensorflow as tf

        return tf.strings.lower(texts, encoding="utf-8") if self.lower else texts

    def _names(self, numbers: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return what each token is, a string; nothing of marks."""
        import tensorflow as tf

        return tf.gather(tf.constant([*[""] * len(MARKS), *tokens_of(learnt)[len(MARKS) :]]), numbers)

    def _mark(self, number: int, columns: int) -> Any:
        """Return a token that is a mark, and has no characters, (1, 1, columns)."""
        import tensorflow as tf

        return tf.pad(tf.constant([[[number]]], tf.int32), [[0, 0], [0, 0], [0, columns - 1]])


def _unknown_share(numbers: NDArray[Any]) -> float:
    """Return the share of unknown tokens among those of texts, the marks around them and padding not counted."""
    return float((numbers == UNKNOWN).sum() / max((~np.isin(numbers, (START, END, NOTHING))).sum(), 1))


def valid_utf8(texts: Any) -> Any:
    """Return strings in which what is no UTF-8 is replaced."""
    import tensorflow as tf

    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
