"""Stacked recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, PositiveInt

from rnnlab.architectures import Architecture, Encoded, only_field


class StackedRnn(Architecture):
    """Recurrent layers on top of each other, each over all steps of the one below.

    LSTM: Hochreiter & Schmidhuber 1997; GRU: Cho et al. 2014; bidirectional: Schuster & Paliwal 1997.
    """

    idle_unless = MappingProxyType({"dropout_over_time": ("dropout", lambda dropout: dropout > 0)})

    cell: Literal["simple", "gru", "lstm"] = Field(
        "lstm", description="simple forgets within some ten steps; gru and lstm remember; gru has fewer weights"
    )
    units: list[PositiveInt] = Field(
        default_factory=lambda: [64], min_length=1, description="units of each layer, from the input up"
    )
    bidirectional: bool = Field(
        False, description="run a second stack backwards in every layer; doubles each layer's output"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each layer's outputs dropped in training")
    dropout_over_time: bool = Field(
        True,
        description="drop the same outputs at every step (Gal & Ghahramani 2016), which keeps probabilities in scale "
        "where the maximum over time is read; false: draw anew at each step, which disturbs more",
    )
    recurrent_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the state dropped on its way to the next step; rules cuDNN out"
    )
    layer_normalization: bool = Field(False, description="normalise within each step's gates; rules cuDNN out")
    residual: bool = Field(
        False,
        description="add each layer's input to its output, through a linear projection where their sizes differ "
        "(He et al. 2016); eases deep stacks",
    )
    unroll: bool = Field(
        False, description="write the loop over time out, one graph for each padded width: faster steps, slower start"
    )

    @property
    def causal(self) -> bool:
        return not self.bidirectional

    @property
    def static_widths(self) -> bool:
        return self.unroll

    @property
    def state_sizes(self) -> tuple[int, ...]:
        if self.bidirectional:
            return ()
        return tuple(units for units in self.units for _ in range(2 if self.cell == "lstm" else 1))

    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        return self.stack(only_field(fields), lengths)

    def carry(self, fields: Mapping[str, Any], lengths: Any, states: Sequence[Any]) -> tuple[Encoded, list[Any]]:
        after: list[Any] = []
        return self.stack(only_field(fields), lengths, list(states), after), after

    def stack(
        self, sequence: Any, lengths: Any, states: Sequence[Any] = (), after: list[Any] | None = None, of: str = ""
    ) -> Encoded:
        """Return the encoding of a symbolic sequence (B, T, F) of these lengths (B,).

        Args:
            sequence: (B, T, F).
            lengths: (B,).
            states: (B, U) each, to go on from; none: zeros.
            after: takes up the states after the last step, where there are states.
            of: begins the names of the layers, so that a network may have several stacks.
        """
        import keras

        from rnnlab.layers.randomness import Dropout
        from rnnlab.layers.time import FinalStep

        for level, units in enumerate(self.units, start=1):
            below = sequence
            forward = self._recurrent(f"{of}rnn_{level}", units, backward=False)
            if states and after is not None:
                per_layer = len(states) // len(self.units)
                own = list(states[per_layer * (level - 1) : per_layer * level])
                sequence, *own = forward(below, lengths, own)
                after += own
                outputs = [sequence]
            else:
                outputs = [forward(below, lengths)]
            if self.bidirectional:
                outputs.append(self._recurrent(f"{of}rnn_{level}_backward", units, backward=True)(below, lengths))
            sequence = keras.layers.Concatenate(name=f"{of}both_{level}")(outputs) if self.bidirectional else outputs[0]
            if self.residual:
                if below.shape[-1] != sequence.shape[-1]:
                    project = keras.layers.Dense(sequence.shape[-1], use_bias=False, name=f"{of}projection_{level}")
                    below = project(below)
                sequence = keras.layers.Add(name=f"{of}residual_{level}")([below, sequence])
            sequence = Dropout(self.dropout, over_time=self.dropout_over_time, name=f"{of}dropout_{level}")(sequence)
        backward_units = self.units[-1] if self.bidirectional else 0
        return Encoded(sequence, lengths, FinalStep(backward_units, name=f"{of}final")(sequence, lengths))

    def _recurrent(self, name: str, units: int, *, backward: bool) -> Any:
        from rnnlab.layers.recurrent import Recurrent

        return Recurrent(
            self.cell,
            units,
            backward=backward,
            recurrent_dropout=self.recurrent_dropout,
            layer_normalization=self.layer_normalization,
            unroll=self.unroll,
            name=name,
        )
