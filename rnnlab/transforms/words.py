"""Words: text cut at white space, and by default around punctuation."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rnnlab.transforms._tokens import Tokens


class Words(Tokens):
    """Text as numbers of words, by a vocabulary of the training split.

    White space of every script separates words, and so do control characters. Letters, marks, digits and the
    underscore make words; any other character is a word of its own, unless `punctuation: keep`.
    """

    punctuation: Literal["separate", "keep"] = Field(
        "separate",
        description="separate: each character that is no letter, mark or digit is a word of its own; keep: only white "
        "space separates, for text that was cut into words before",
    )

    def split(self, texts: Any) -> Any:
        import tensorflow as tf

        texts = tf.strings.regex_replace(texts, r"[\p{Z}\p{C}\s]+", " ")
        if self.punctuation == "separate":
            texts = tf.strings.regex_replace(texts, r"([^\p{L}\p{M}\p{N}_ ])", r" \1 ")
        return tf.strings.split(texts)
