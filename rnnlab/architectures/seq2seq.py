"""A decoder behind any encoder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from rnnlab.architectures import ARCHITECTURES, Architecture, Encoded, Horizon, Writing
from rnnlab.architectures._decoder import PlainDecoder, TeacherForcing, write_tokens
from rnnlab.architectures.stacked_rnn import StackedRnn
from rnnlab.places import Places
from rnnlab.registry import Choice
from rnnlab.signature import Kind


class Decoder(PlainDecoder):
    """The decoder: one step after another."""

    idle_unless = MappingProxyType(
        {
            "input_feeding": ("attention", lambda attention: attention == "luong"),
            "teacher_forcing": ("feedback", lambda feedback: feedback),
        }
    )

    attention: Literal["none", "bahdanau", "luong"] = Field(
        "none",
        description="what looks back at the encoder's steps: bahdanau (additive, before a step), luong "
        "(multiplicative, after it); none: the encoder's end is all that is known",
    )
    input_feeding: bool = Field(False, description="hand what luong's attention found on to the next step")
    feedback: bool = Field(True, description="each step reads the forecast of the one before (autoregressive)")

    @property
    def looks(self) -> Literal["bahdanau", "luong"] | None:
        """The kind of attention, if any."""
        return None if self.attention == "none" else self.attention


class Seq2Seq(Architecture):
    """An encoder reads, a decoder writes, one step after another (Sutskever et al. 2014): a forecast, or a text.

    What is known of the steps of a forecast goes into the decoder at each of them.
    """

    encoder: Annotated[Architecture, Choice(ARCHITECTURES)] = Field(
        default_factory=lambda: StackedRnn(cell="gru"), description="any architecture that is an encoder"
    )
    decoder: Decoder = Field(default_factory=Decoder, description="what writes the answer")

    @model_validator(mode="after")
    def _encodes(self) -> Seq2Seq:
        if self.encoder.decodes:
            raise ValueError(f"encoder: '{ARCHITECTURES.name_of(self.encoder)}' decodes by itself; name an encoder")
        return self

    @property
    def decodes(self) -> frozenset[str]:
        return frozenset({"forecasting", "sequence_to_sequence"})

    def unused(self, task: str) -> Sequence[tuple[tuple[str | int, ...], str]]:
        of_tokens = ("embedding_units", "tied_embeddings")
        if task == "forecasting":
            text = "is for answers in tokens; remove it"
            default = Decoder()
            return [
                (("decoder", key), text) for key in of_tokens if getattr(self.decoder, key) != getattr(default, key)
            ]
        if not self.decoder.feedback:
            return [(("decoder", "feedback"), "a text can't be written without reading what is written; remove it")]
        return ()

    @property
    def reads(self) -> frozenset[Kind]:
        return self.encoder.reads

    @property
    def time_stride(self) -> int:
        return self.encoder.time_stride

    @property
    def static_widths(self) -> bool:
        return self.encoder.static_widths

    def begin(self, network: Any, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        return self.encoder.begin(network, places, given)

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        return self.encoder.encode(fields, lengths)

    def write(self, encoded: Encoded, writing: Writing) -> dict[str, Any]:
        return write_tokens(self.decoder, encoded, writing, self.decoder.looks, self.decoder.input_feeding)

    def decode(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        from rnnlab.layers.decoder import ForecastDecoder
        from rnnlab.layers.time import FinalStep

        if horizon is None:
            raise ValueError("expected what there is of a horizon; received none; a text is written by `write`")
        own = self.decoder
        forcing = own.teacher_forcing or TeacherForcing()
        decoder = ForecastDecoder(
            own.cell,
            own.units,
            shape,
            attention=own.looks,
            input_feeding=own.input_feeding,
            dropout=own.dropout,
            feedback=own.feedback,
            hidden_units=own.hidden_units,
            truth_first=forcing.start,
            truth_last=forcing.end,
            truth_epochs=forcing.epochs,
            name="decoder",
        )
        last = FinalStep(name="last_observed")(horizon.observed, horizon.lengths)
        return decoder(encoded.final, encoded.sequence, encoded.lengths, last, horizon.teacher, horizon.ahead())
