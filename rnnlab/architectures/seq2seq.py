"""A decoder behind any encoder."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from rnnlab.architectures import ARCHITECTURES, Architecture, Encoded, Horizon
from rnnlab.architectures.stacked_rnn import StackedRnn
from rnnlab.registry import Choice
from rnnlab.strict import Strict


class TeacherForcing(Strict):
    """How often a step of training reads the truth of the step before, rather than its own forecast of it.

    1 learns fast, but what it learns to read it will never be given; 0 is what it will have to do. In between, each row
    and step is drawn (scheduled sampling, Bengio et al. 2015).
    """

    start: float = Field(1.0, ge=0, le=1, description="the probability at the beginning of training")
    end: float = Field(0.0, ge=0, le=1, description="the probability once `epochs` are done")
    epochs: int = Field(10, ge=1, description="epochs from `start` to `end`, in a straight line")


class Decoder(Strict):
    """The decoder: one step after another."""

    idle_unless = MappingProxyType(
        {
            "input_feeding": ("attention", lambda attention: attention == "luong"),
            "teacher_forcing": ("feedback", lambda feedback: feedback),
        }
    )

    cell: Literal["simple", "gru", "lstm"] = Field("gru", description="as of the encoder")
    units: list[PositiveInt] = Field(
        default_factory=lambda: [64], min_length=1, description="units of each cell, from the input up"
    )
    attention: Literal["none", "bahdanau", "luong"] = Field(
        "none",
        description="what looks back at the encoder's steps: bahdanau (additive, before a step), luong "
        "(multiplicative, after it); none: the encoder's end is all that is known",
    )
    input_feeding: bool = Field(False, description="hand what luong's attention found on to the next step")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each cell's outputs dropped in training")
    hidden_units: int = Field(0, ge=0, description="units of a ReLU layer between the cells and the outputs; 0: none")
    feedback: bool = Field(True, description="each step reads the forecast of the one before (autoregressive)")
    teacher_forcing: TeacherForcing = Field(
        default_factory=TeacherForcing, description="how often training reads the truth instead"
    )


class Seq2Seq(Architecture):
    """An encoder reads the window, a decoder writes the horizon, one step after another (Sutskever et al. 2014).

    What is known of the steps to come goes into the decoder at each of them.
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
        return frozenset({"forecasting"})

    @property
    def static_widths(self) -> bool:
        return self.encoder.static_widths

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        return self.encoder.encode(fields, lengths)

    def decode(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        from rnnlab.layers.decoder import ForecastDecoder
        from rnnlab.layers.time import FinalStep

        if horizon is None:
            raise ValueError("seq2seq forecasts")
        own = self.decoder
        decoder = ForecastDecoder(
            own.cell,
            own.units,
            shape,
            attention=None if own.attention == "none" else own.attention,
            input_feeding=own.input_feeding,
            dropout=own.dropout,
            feedback=own.feedback,
            hidden_units=own.hidden_units,
            truth_first=own.teacher_forcing.start,
            truth_last=own.teacher_forcing.end,
            truth_epochs=own.teacher_forcing.epochs,
            name="decoder",
        )
        last = FinalStep(name="last_observed")(horizon.observed, horizon.lengths)
        return decoder(encoded.final, encoded.sequence, encoded.lengths, last, horizon.teacher, horizon.ahead())
