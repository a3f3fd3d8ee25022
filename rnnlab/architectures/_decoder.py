"""What architectures with a decoder share: its settings, and how it writes an answer in tokens."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt
from pydantic_core import InitErrorDetails

from rnnlab.architectures import Encoded, Writing
from rnnlab.strict import Strict, mistake, shown


class TeacherForcing(Strict):
    """How often a step of training reads the truth of the step before, rather than its own forecast of it.

    1 learns fast, but what it learns to read it will never be given; 0 is what it will have to do. In between, each row
    and step is drawn (scheduled sampling, Bengio et al. 2015).
    """

    start: float = Field(1.0, ge=0, le=1, description="the probability at the beginning of training")
    end: float = Field(0.0, ge=0, le=1, description="the probability once `epochs` are done")
    epochs: int = Field(10, ge=1, description="epochs from `start` to `end`, in a straight line")

    def _idle_keys(self) -> list[InitErrorDetails]:
        if self.start != self.end or self.epochs == type(self).model_fields["epochs"].default:
            return []
        message = f"does nothing while 'start' and 'end' are both {shown(self.end)}; remove it, or change one of them"
        return [mistake(message, ("epochs",), self.epochs)]


class PlainDecoder(Strict):
    """A decoder that knows of its input what it starts with: one step after another."""

    cell: Literal["simple", "gru", "lstm"] = Field("gru", description="as of the encoder")
    units: list[PositiveInt] = Field(
        default_factory=lambda: [64], min_length=1, description="units of each cell, from the input up"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each cell's outputs dropped in training")
    hidden_units: int = Field(0, ge=0, description="units of a ReLU layer between the cells and the outputs; 0: none")
    teacher_forcing: TeacherForcing | None = Field(
        None,
        description="how often training reads the truth instead; default: of numbers, ever less over ten epochs, of "
        "tokens always",
    )
    embedding_units: int = Field(128, ge=1, description="of tokens: the size of the vector that a token is read as")
    tied_embeddings: bool = Field(
        False, description="of tokens: score a token by its product with that vector (Press & Wolf 2017)"
    )


def write_tokens(
    decoder: PlainDecoder,
    encoded: Encoded,
    writing: Writing,
    attention: Literal["bahdanau", "luong"] | None = None,
    input_feeding: bool = False,
) -> dict[str, Any]:
    """Return the symbolic `scores`, `tokens` and `ranks` of an answer in tokens; see `TokenDecoder`."""
    from rnnlab.layers.token_decoder import TokenDecoder

    search, forcing = writing.search, decoder.teacher_forcing or TeacherForcing(start=1.0, end=1.0)
    layer = TokenDecoder(
        decoder.cell,
        decoder.units,
        writing.tokens,
        decoder.embedding_units,
        attention=attention,
        input_feeding=input_feeding,
        dropout=decoder.dropout,
        tied=decoder.tied_embeddings,
        hidden_units=decoder.hidden_units,
        truth_first=forcing.start,
        truth_last=forcing.end,
        truth_epochs=forcing.epochs,
        longest=search.longest,
        beam=search.beam,
        length_penalty=search.length_penalty,
        answers=search.answers,
        name="decoder",
    )
    result: dict[str, Any] = layer(encoded.final, encoded.sequence, encoded.lengths, writing.teacher)
    return result
