"""A learnt vector for each word, and beside it one made of its characters, which also knows words never seen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import Field as Key

from rnnlab.signature import Field, Kind
from rnnlab.stems import Stem


class WordCharacters(Stem):
    """A learnt vector for each word, and beside it one made of its characters by a small network of their own.

    Needs the option `characters` of the transform `words`.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"spelled"})
    idle_unless = MappingProxyType({"kernel_size": ("network", lambda network: network == "cnn")})

    units: int = Key(128, ge=1, description="size of a word's own vector")
    character_units: int = Key(32, ge=1, description="size of a character's vector")
    network: Literal["cnn", "gru", "lstm"] = Key(
        "cnn",
        description="what reads the characters; cnn: a convolution and the maximum over the word (Ma & Hovy 2016), the "
        "fastest; gru, lstm: both directions (Lample et al. 2016)",
    )
    character_features: int = Key(
        64, ge=1, description="filters of the convolution, or units of each direction: what characters add to a word"
    )
    kernel_size: int = Key(3, ge=1, description="characters that one filter sees")
    dropout: float = Key(0.0, ge=0, lt=1, description="share of each word's vector dropped in training")

    def embed(self, values: Any, lengths: Any, field: Field, target: Field) -> Any:
        import keras

        from rnnlab.layers.randomness import Dropout
        from rnnlab.layers.spelling import Spelling

        words = keras.layers.Embedding(len(field.names), self.units, name="embedding")(values[..., 0])
        spelling = Spelling(
            len(field.characters),
            self.character_units,
            self.character_features,
            self.network,
            self.kernel_size,
            name="spelling",
        )(values[..., 1:])
        both = keras.layers.Concatenate(name="word_and_spelling")([words, spelling])
        return Dropout(self.dropout, over_time=False, name="embedding_dropout")(both)
