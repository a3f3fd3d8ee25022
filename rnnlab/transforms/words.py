"""Words: text cut at white space, and by default around punctuation; or words that come cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict
from rnnlab.transforms import Learnt, input_field
from rnnlab.transforms._tokens import Tokens, Vocabulary, valid_utf8
from rnnlab.vocabulary import PADDING, choose_tokens, count_tokens, look_up, to_arrays, tokens_of

SPACE = r"[\p{Z}\p{Cc}\s]+"
PUNCTUATION = r"[^\p{L}\p{M}\p{N}\p{Cf}_ ]"
OF_CHARACTERS = "characters/"  # begins the names of what is learnt of characters


class Spelling(Strict):
    """What is kept of a word's characters, as they are written, in either case."""

    length: int = Field(20, ge=1, description="the most characters of a word; what is behind them is not read")
    vocabulary: Vocabulary = Field(
        default_factory=Vocabulary, description="which characters have a number of their own"
    )


class Words(Tokens):
    """Text as numbers of words, by a vocabulary of the training split.

    White space of every script separates words, and so do control characters. Letters, marks, digits and the
    underscore make words, with the invisible characters of format among them; any other character is a word of its own,
    unless `punctuation: keep`. Words that come cut, such as those of `conll`, stay as they are.
    """

    reads: ClassVar[frozenset[Kind]] = frozenset({"text", "words"})

    punctuation: Literal["separate", "keep"] = Field(
        "separate",
        description="of text: separate: each character that is no letter, mark or digit is a word of its own; keep: "
        "only white space separates, for text that was cut into words before",
    )
    characters: Spelling | None = Field(
        None, description="give the network each word's characters, too, for the stem word_characters; default: not"
    )

    @property
    def spells(self) -> bool:
        return self.characters is not None

    def split(self, texts: Any) -> Any:
        import tensorflow as tf

        texts = tf.strings.regex_replace(texts, SPACE, " ")
        if self.punctuation == "separate":
            texts = tf.strings.regex_replace(texts, rf"({PUNCTUATION})", r" \1 ")
        return tf.strings.split(texts)

    def spacing(self, texts: NDArray[Any], learnt: Mapping[str, NDArray[Any]]) -> Learnt:
        """Return `close` (V, 2) bool: whether a mark of punctuation mostly stands without a space before and behind."""
        import tensorflow as tf

        between_spaces = tf.strings.split(tf.strings.regex_replace(self._clean(texts), SPACE, " ")).flat_values
        words = self.split(between_spaces)  # of what stands between two spaces, only the first has one before it
        numbers, bounds = look_up(words.flat_values, learnt).numpy(), words.row_splits.numpy()
        names = tokens_of(learnt)
        count = np.bincount(numbers, minlength=len(names))
        spaced = [np.bincount(numbers[places], minlength=len(names)) for places in (bounds[:-1], bounds[1:] - 1)]
        # A word that stands once and before a full stop is not close to everything.
        marks = tf.strings.regex_full_match(tf.constant(names), PUNCTUATION).numpy()
        return {"close": np.stack([marks & (2 * each < count) for each in spaced], axis=1)}

    def join(self, numbers: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        words, close = self._names(numbers, learnt), tf.gather(tf.constant(learnt["close"]), numbers)  # (…, L, 2)
        touching = close[..., 1:, 0] | close[..., :-1, 1] | (words[..., 1:] == "")
        spaced = tf.where(touching, words[..., 1:], self.joint + words[..., 1:])
        return tf.strings.reduce_join(tf.concat([words[..., :1], spaced], axis=-1), axis=-1)

    def tokens(self, values: Any, lengths: Any) -> Any:
        """Return words as they are written: only to be looked up are they brought to lower case."""
        import tensorflow as tf

        texts = valid_utf8(values)
        if len(texts.shape) == 1:
            return self.split(texts)
        return tf.RaggedTensor.from_tensor(texts, tf.cast(lengths, tf.int64))

    def numbers(self, tokens: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        words = look_up(self._lowered(tokens), learnt)[:, tf.newaxis]
        if self.characters is None:
            return words
        characters = tf.strings.unicode_split(tokens, "UTF-8")
        numbers = characters.with_flat_values(look_up(characters.flat_values, _of_characters(learnt)))
        spelled = numbers.to_tensor(PADDING, shape=[None, self.characters.length])
        return tf.concat([words, tf.ensure_shape(spelled, [None, self.characters.length])], axis=1)

    def fit(self, train: Examples) -> Learnt:
        import tensorflow as tf

        if self.punctuation == "keep" and input_field(train.signature, self.field).kind == "words":
            raise DataError("transforms: words: punctuation does nothing to words that come cut; remove it")
        words: Counter[str] = Counter()
        characters: Counter[str] = Counter()
        for tokens in self._chunks(train):
            words += count_tokens([self._lowered(tokens).numpy().tolist()])
            if self.characters is not None:
                characters += count_tokens([tf.strings.unicode_split(tokens, "UTF-8").flat_values.numpy().tolist()])
        learnt = to_arrays(choose_tokens(words, self.vocabulary.size, self.vocabulary.min_count))
        if self.characters is None:
            return learnt
        own = self.characters.vocabulary
        spelling = to_arrays(choose_tokens(characters, own.size, own.min_count))
        return {**learnt, **{f"{OF_CHARACTERS}{name}": values for name, values in spelling.items()}}

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        after = super().signature(before, learnt)
        if self.characters is None:
            return after
        field, names = input_field(after, self.field), tokens_of(_of_characters(learnt))
        return after.with_input(replace(field, kind="spelled", shape=(1 + self.characters.length,), characters=names))

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        told = super().notes(learnt, prepared)
        return [*told, f"characters: {len(_of_characters(learnt)['ends']):,}"] if self.characters is not None else told


def _of_characters(learnt: Mapping[str, NDArray[Any]]) -> Learnt:
    """Return the vocabulary of characters."""
    return {
        name.removeprefix(OF_CHARACTERS): values for name, values in learnt.items() if name.startswith(OF_CHARACTERS)
    }
