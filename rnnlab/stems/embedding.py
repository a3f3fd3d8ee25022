"""Embedding: a vector for each token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import Field as Key

from rnnlab.places import Places
from rnnlab.signature import Field, Kind
from rnnlab.stems import Stem
from rnnlab.stems._vectors import read_vectors
from rnnlab.vocabulary import MARKS


class Embedding(Stem):
    """A vector for each token of the vocabulary, at first drawn at random, or one learnt elsewhere."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"tokens"})
    idle_unless = MappingProxyType({"frozen": ("pretrained", lambda pretrained: pretrained is not None)})

    units: int = Key(128, ge=1, description="size of a token's vector")
    dropout: float = Key(0.0, ge=0, lt=1, description="share of each token's vector dropped in training")
    pretrained: str | None = Key(
        None,
        description="a text file of vectors, as word2vec, GloVe and fastText write them: a token and its numbers a "
        "line; a token that is not there as it is written may be in lower case",
    )
    scale: float | None = Key(
        None,
        gt=0,
        description="standard deviation of the vectors at first, normal; default: uniform between -0.05 and 0.05, but "
        "normal and 1 where answers are written in tokens: what takes many steps to learn starts much faster from "
        "large vectors, and what little data teaches is worse for them",
    )
    frozen: bool = Key(False, description="keep the vectors as they are in training, those of other tokens too")

    def embed(self, values: Any, lengths: Any, field: Field, target: Field) -> Any:
        from rnnlab.layers.randomness import Dropout
        from rnnlab.layers.vectors import token_vectors

        scale = 1.0 if self.scale is None and target.kind == "string" else self.scale
        layer = token_vectors(len(field.names), self.units, scale, name="embedding", trainable=not self.frozen)
        return Dropout(self.dropout, name="embedding_dropout")(layer(values[..., 0]))

    def begin(self, network: Any, field: Field, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        if self.pretrained is None or "embedding" in given:
            return ()
        tokens = field.names[len(MARKS) :]
        path = places.find(self.pretrained, "stem.pretrained")
        found = read_vectors(path, {*tokens, *(token.lower() for token in tokens)}, self.units)
        (table,) = network.get_layer("embedding").weights
        values, covered = table.numpy(), 0
        for number, token in enumerate(tokens, start=len(MARKS)):
            vector = found.get(token, found.get(token.lower()))
            if vector is not None:
                values[number], covered = vector, covered + 1
        table.assign(values)
        return [
            f"stem: {covered:,} of {len(tokens):,} tokens ({covered / len(tokens):.1%}) have a vector in {path.name}"
        ]
