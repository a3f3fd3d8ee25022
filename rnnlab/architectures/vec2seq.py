"""A decoder that one vector starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rnnlab.architectures import Architecture, Encoded, Writing, only_field
from rnnlab.architectures._decoder import PlainDecoder, write_tokens


class Vec2Seq(Architecture):
    """A vector starts a decoder, which writes: a name of a class, the caption of a picture (Vinyals et al. 2015).

    The vector is the mean of the input's steps, as the stem makes them: of one token its embedding, of one picture what
    the CNN makes of it. No step of the input knows another, so their order is not seen.
    """

    hidden_units: int = Field(0, ge=0, description="units of a ReLU layer between the vector and the decoder; 0: none")
    decoder: PlainDecoder = Field(default_factory=PlainDecoder, description="what writes the answer")

    @property
    def decodes(self) -> frozenset[str]:
        return frozenset({"sequence_to_sequence"})

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        import keras

        from rnnlab.layers.pooling import MeanOverTime

        sequence = only_field(fields)
        vector = MeanOverTime(name="vector")(sequence, lengths)
        if self.hidden_units:
            vector = keras.layers.Dense(self.hidden_units, activation="relu", name="hidden")(vector)
        return Encoded(sequence, lengths, vector)

    def write(self, encoded: Encoded, writing: Writing) -> dict[str, Any]:
        return write_tokens(self.decoder, encoded, writing)
