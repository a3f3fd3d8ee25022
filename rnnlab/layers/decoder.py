"""Decoders: one step after another, each from what the step before said.

`DecoderCell` is what a decoder does in one step, whatever it decodes; `ForecastDecoder` feeds numbers back into it.

Axes: B batch, T time of the encoder, U units, H horizon, P outputs a number, C targets, K features known beforehand.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnlab.layers.attention import Attention, AttentionName
from rnnlab.layers.randomness import epochs_done, stateless_keep_mask, stateless_uniform
from rnnlab.layers.recurrent import CellName

WRITTEN_OUT = 48  # steps up to which a loop is written out in the graph: faster, but slower to start


@keras.saving.register_keras_serializable("rnnlab")
class DecoderCell(keras.layers.Layer):
    """Recurrent cells on top of each other, with attention over the encoder or without, for one step at a time.

    Without attention (Cho et al. 2014; Sutskever et al. 2014) all that the decoder knows of the input is its first
    state, a projection of what the encoder holds at the end. `bahdanau` attention asks with the state before the step,
    and the cells read the answer; `luong` attention asks with the state after it, and the answer and the state make
    the output, which `input_feeding` hands to the next step (Luong et al. 2015).

    Args:
        cell: `simple`, `gru` or `lstm`.
        units: of each cell, from the input up.
        attention: over the encoder's steps, or None.
        input_feeding: see above; of `luong` alone.
        dropout: share of each cell's outputs dropped in training, the same at every step.
    """

    def __init__(
        self,
        cell: CellName,
        units: Sequence[int],
        attention: AttentionName | None = None,
        input_feeding: bool = False,
        dropout: float = 0.0,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.cell, self.units, self.attention = cell, list(units), attention
        self.input_feeding, self.dropout = input_feeding and attention == "luong", dropout
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        kind = {"simple": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}[cell]
        self.cells = [kind(each, name=f"cell_{level}") for level, each in enumerate(self.units, start=1)]
        states = 2 if cell == "lstm" else 1
        self.bridges = [
            keras.layers.Dense(each, activation="tanh", name=f"bridge_{level}_{number}")
            for level, each in enumerate(self.units, start=1)
            for number in range(states)
        ]
        self.attend: Any = None if attention is None else Attention(attention, self.units[-1], name="attention")
        self.join: Any = None
        if attention == "luong":
            self.join = keras.layers.Dense(self.units[-1], activation="tanh", name="join")

    def build(self, inputs: int, final: int, memory: int) -> None:
        """Make the weights.

        Args:
            inputs: the features of a step's input.
            final: those of the encoder's end.
            memory: those of the encoder's steps.
        """
        top = self.units[-1]
        for bridge in self.bridges:
            bridge.build((None, final))
        size = inputs + (memory if self.attention == "bahdanau" else 0) + (top if self.input_feeding else 0)
        for cell, units in zip(self.cells, self.units, strict=True):
            cell.build((None, size))
            size = units
        if self.attend is not None:
            self.attend.build((None, top), (None, None, memory))
        if self.join is not None:
            self.join.build((None, top + memory))
        self.built = True

    def output_units(self, memory: int) -> int:
        """Return the features of a step's output, of which those of `bahdanau`'s answer are `memory`, the encoder's."""
        return self.units[-1] + (memory if self.attention == "bahdanau" else 0)

    def start(self, final: Any, training: bool | None) -> tuple[list[Any], list[Any]]:
        """Return the first state, and the masks of dropout, the same at every step.

        Args:
            final: (B, U), what the encoder holds at the end.
            training: whether anything is dropped.
        """
        state = [bridge(final) for bridge in self.bridges]
        rows = tf.shape(final)[0]
        if self.input_feeding:
            state.append(tf.zeros([rows, self.units[-1]], final.dtype))
        if not training or not self.dropout:
            return state, []
        masks = [
            tf.cast(stateless_keep_mask([rows, units], self.dropout, self.salt + level), final.dtype)
            for level, units in enumerate(self.units)
        ]
        return state, masks

    def step(self, inputs: Any, state: Sequence[Any], masks: Sequence[Any], memory: Any) -> tuple[Any, list[Any], Any]:
        """Return the output (B, U), the state after one step, and attention's weights (B, T), None without attention.

        Args:
            inputs: (B, D).
            state: as `start`, or the step before, gives it.
            masks: as `start` gives them.
            memory: the encoder's steps, as `Attention.keys` gives them; None without attention.
        """
        context, weights = [], None
        if self.attention == "bahdanau":
            asking = state[self.states_per_cell * (len(self.cells) - 1)]
            found, weights = self.attend(asking, *memory)
            context = [found]
        fed = [state[-1]] if self.input_feeding else []
        output, after = self.move(
            tf.concat([inputs, *fed, *context], axis=-1) if fed or context else inputs, state, masks
        )
        if self.attention == "luong":
            output, weights = self.look(output, memory)
            after += [output] if self.input_feeding else []
        elif context:
            output = tf.concat([output, *context], axis=-1)
        return output, after, weights

    @property
    def states_per_cell(self) -> int:
        return 2 if self.cell == "lstm" else 1

    @property
    def looks_afterwards(self) -> bool:
        """Whether no step needs what another one's attention found: then all steps may look at once."""
        return self.attention != "bahdanau" and not self.input_feeding

    def move(self, inputs: Any, state: Sequence[Any], masks: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Return the cells' output (B, U) and their states after one step, without attention."""
        output, after = inputs, []
        for level, cell in enumerate(self.cells):
            own = list(state[self.states_per_cell * level : self.states_per_cell * (level + 1)])
            output, own = cell(output, own)
            after += list(own) if isinstance(own, (list, tuple)) else [own]
            if masks:
                output *= masks[level]
        return output, after

    def look(self, output: Any, memory: Any) -> tuple[Any, Any]:
        """Return what `luong` makes of the cells' outputs (B, U) or (B, L, U), and its weights (B, T) or (B, L, T)."""
        found, weights = self.attend(output, *memory)
        return self.join(tf.concat([found, output], axis=-1)), weights

    def get_config(self) -> dict[str, Any]:
        own = {"cell": self.cell, "units": self.units, "attention": self.attention}
        return {**super().get_config(), **own, "input_feeding": self.input_feeding, "dropout": self.dropout}


def share_of_truth(first: float, last: float, epochs: float) -> Any:
    """Return how probably a step of training reads the truth: from `first` to `last` in so many epochs, by a line."""
    return first + (last - first) * tf.minimum(epochs_done() / epochs, 1.0)


@keras.saving.register_keras_serializable("rnnlab")
class ForecastDecoder(keras.layers.Layer):
    """A forecast, one step ahead after the other: each step reads the forecast of the step before.

    In training it may read the truth instead (teacher forcing, Williams & Zipser 1989), of each row and step with a
    probability that goes from `truth_first` to `truth_last` over so many epochs (scheduled sampling, Bengio et al.
    2015). What is not known is never read as truth, and outside of training nothing is.

    Args:
        cell, units, attention, input_feeding, dropout: see `DecoderCell`.
        shape: (H, P, C) of the outputs; those of P = 0 are fed back.
        feedback: whether a step reads the step before at all.
        hidden_units: of a ReLU layer between the cells and the outputs; 0: none.
        truth_first, truth_last, truth_epochs: see above.

    Call arguments: final (B, U), sequence (B, T, U) and lengths (B,) of the encoder; last (B, C), the last values that
    were observed; teacher (B, H, C), NaN where the truth is not known; future (B, H, K) or None. Returns (B, H, P, C).
    """

    def __init__(
        self,
        cell: CellName,
        units: Sequence[int],
        shape: Sequence[int],
        attention: AttentionName | None = None,
        input_feeding: bool = False,
        dropout: float = 0.0,
        feedback: bool = True,
        hidden_units: int = 0,
        truth_first: float = 1.0,
        truth_last: float = 0.0,
        truth_epochs: float = 1.0,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.core = DecoderCell(cell, units, attention, input_feeding, dropout, name="cells")
        self.horizon, self.parameters, self.numbers = self.shape = list(shape)
        self.feedback, self.hidden_units = feedback, hidden_units
        self.truth_first, self.truth_last, self.truth_epochs = truth_first, truth_last, truth_epochs
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        self.hidden = keras.layers.Dense(hidden_units, activation="relu", name="hidden") if hidden_units else None
        self.outputs = keras.layers.Dense(self.parameters * self.numbers, dtype="float32", name="outputs")

    def build(
        self,
        final_shape: Any,
        sequence_shape: Any,
        lengths_shape: Any = None,
        last_shape: Any = None,
        teacher_shape: Any = None,
        future_shape: Any = None,
    ) -> None:
        known = future_shape[-1] if future_shape is not None else 0
        inputs = (self.numbers if self.feedback else 0) + known
        self.core.build(max(inputs, 1), final_shape[-1], sequence_shape[-1])
        size = self.core.output_units(sequence_shape[-1])
        if self.hidden is not None:
            self.hidden.build((None, size))
            size = self.hidden_units
        self.outputs.build((None, size))

    def call(
        self,
        final: Any,
        sequence: Any,
        lengths: Any,
        last: Any,
        teacher: Any,
        future: Any = None,
        training: bool | None = None,
    ) -> Any:
        attend = self.core.attend
        memory = attend.keys(sequence, lengths) if attend is not None else None
        state, masks = self.core.start(final, training)

        def step(position: Any, before: Any, state: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
            inputs = [before] if self.feedback else []
            inputs += [future[:, position]] if future is not None else []
            # Where there is nothing to read, ones: of zeros, the cell's kernel would never learn anything.
            inputs = [tf.cast(each, final.dtype) for each in inputs or [tf.ones_like(last[:, :1])]]
            output, state, _ = self.core.step(tf.concat(inputs, axis=-1), state, masks, memory)
            output = self.outputs(output if self.hidden is None else self.hidden(output))
            said = output[:, : self.numbers]
            return output, self._fed(said, teacher[:, position], position) if training else said, state

        outputs = _steps(step, self.horizon, tf.cast(last, "float32"), state)
        return tf.reshape(outputs, [-1, *self.shape])

    def _fed(self, said: Any, truth: Any, position: Any) -> Any:
        """Return what the next step reads, (B, C): the truth, where it is known and drawn, else what was said."""
        if not self.feedback:
            return said
        share = share_of_truth(self.truth_first, self.truth_last, self.truth_epochs)
        drawn = stateless_uniform([tf.shape(said)[0], self.horizon], self.salt)[:, position][:, tf.newaxis] < share
        return tf.where(drawn & ~tf.math.is_nan(truth), tf.cast(truth, said.dtype), said)

    def compute_output_shape(self, final_shape: Any, *rest: Any, **named: Any) -> Any:
        return (final_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        core = self.core.get_config()
        own = {name: core[name] for name in ("cell", "units", "attention", "input_feeding", "dropout")}
        names = ("shape", "feedback", "hidden_units", "truth_first", "truth_last", "truth_epochs")
        return {**super().get_config(), **own, **{name: getattr(self, name) for name in names}}


def _steps(step: Callable[[Any, Any, Any], tuple[Any, Any, Any]], count: int, before: Any, state: list[Any]) -> Any:
    """Return what all steps give, (B, H, …), each from what the one before handed on."""
    if count <= WRITTEN_OUT:
        outputs = []
        for position in range(count):
            output, before, state = step(position, before, state)
            outputs.append(output)
        return tf.stack(outputs, axis=1)

    def body(position: Any, before: Any, state: Any, written: Any) -> tuple[Any, Any, Any, Any]:
        output, before, state = step(position, before, state)
        return position + 1, before, state, written.write(position, output)

    written = tf.TensorArray(tf.float32, size=count)
    *_, written = tf.while_loop(
        lambda position, *_: position < count, body, (0, before, state, written), maximum_iterations=count
    )
    return tf.transpose(written.stack(), [1, 0, 2])
