"""Characters: text cut between its code points."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from rnnlab.transforms._tokens import Tokens


class Characters(Tokens):
    """Text as numbers of characters (Unicode code points), by a vocabulary of the training split."""

    joint: ClassVar[str] = ""

    lower: bool = Field(False, description="in lower case, of every script")

    def split(self, texts: Any) -> Any:
        import tensorflow as tf

        return tf.strings.unicode_split(texts, "UTF-8")
