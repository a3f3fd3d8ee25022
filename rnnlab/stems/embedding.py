"""Embedding: a learnt vector for each token."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field as Key

from rnnlab.signature import Field, Kind
from rnnlab.stems import Stem


class Embedding(Stem):
    """A learnt vector for each token of the vocabulary, at first uniform between -0.05 and 0.05."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"tokens"})

    units: int = Key(128, ge=1, description="size of a token's vector")
    dropout: float = Key(0.0, ge=0, lt=1, description="share of each token's vector dropped in training")

    def embed(self, values: Any, lengths: Any, field: Field) -> Any:
        import keras

        from rnnlab.layers.randomness import Dropout

        vectors = keras.layers.Embedding(len(field.names), self.units, name="embedding")(values[..., 0])
        return Dropout(self.dropout, over_time=False, name="embedding_dropout")(vectors)
