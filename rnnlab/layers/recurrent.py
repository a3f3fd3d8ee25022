"""Recurrent layers over right-padded sequences, exact without a mask in the loop.

A recurrence that runs forward never sees the padding behind it, so nothing needs masking inside the loop; the backward
direction runs over each row's valid steps reversed. Padded steps hold whatever the recurrence made of the padding:
readers must use the lengths.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from rnnlab.layers.randomness import stateless_keep_mask
from rnnlab.layers.time import reverse_valid

CellName = Literal["simple", "gru", "lstm"]
GATES: dict[str, int] = {"simple": 1, "gru": 3, "lstm": 4}
# On a CPU a small LSTM spends its time between operations, not in them: one fused operation over all steps trains up to
# three times as fast (32 units) and half as fast beyond some 100 units (benchmarks/kernels.py).
FUSED_UNITS = 64


@keras.saving.register_keras_serializable("rnnlab")
class NormalizedCell(keras.layers.Layer):
    """A simple, GRU or LSTM cell with layer normalisation and dropout on the recurrent state.

    Without either it computes what Keras' cell computes, from weights of the same layout: LSTM gates i, f, c, o; GRU
    gates z, r, h with `reset_after`. Layer normalisation (Ba et al. 2016) is applied to the input's and the state's
    projections apart, and for an LSTM to the cell state that the output reads. Recurrent dropout (Gal & Ghahramani
    2016) draws one mask a sequence for the state that enters the recurrent product; the mask travels as a state of
    its own, so that every step sees the same one.

    Args:
        cell: `simple`, `gru` or `lstm`.
        units: U.
        layer_normalization: whether to normalise.
    """

    def __init__(self, cell: CellName, units: int, layer_normalization: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.cell, self.units, self.layer_normalization = cell, units, layer_normalization
        self.state_size = [units] * (3 if cell == "lstm" else 2)
        self.output_size = units

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        size = GATES[self.cell] * self.units
        self.kernel = self.add_weight(shape=(inputs_shape[-1], size), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, size), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(size,), initializer=self._bias, name="bias")
        if self.cell == "gru":
            self.recurrent_bias = self.add_weight(shape=(size,), initializer="zeros", name="recurrent_bias")
        if self.layer_normalization:
            self.input_scale = self.add_weight(shape=(size,), initializer="ones", name="input_scale")
            self.state_scale = self.add_weight(shape=(size,), initializer="ones", name="state_scale")
        if self.layer_normalization and self.cell == "lstm":
            self.cell_scale = self.add_weight(shape=(self.units,), initializer="ones", name="cell_scale")
            self.cell_shift = self.add_weight(shape=(self.units,), initializer="zeros", name="cell_shift")

    def _bias(self, shape: Any, dtype: Any = None) -> Any:
        """Zeros, and ones for an LSTM's forget gate (Jozefowicz et al. 2015)."""
        bias = keras.ops.zeros(shape, dtype)
        if self.cell != "lstm":
            return bias
        return keras.ops.concatenate([bias[: self.units], bias[: self.units] + 1, bias[2 * self.units :]])

    def call(self, inputs: Any, states: Any, training: bool | None = None) -> Any:
        """Return the output (B, U) and the states after one step of inputs (B, F)."""
        *states, keep = states
        projected = keras.ops.matmul(inputs, self.kernel)
        recurrent = keras.ops.matmul(states[0] * keep, self.recurrent_kernel)
        if self.layer_normalization:
            projected = _standardize(projected, GATES[self.cell]) * self.input_scale
            recurrent = _standardize(recurrent, GATES[self.cell]) * self.state_scale
        step = {"simple": self._simple, "gru": self._gru, "lstm": self._lstm}[self.cell]
        output, states = step(projected + self.bias, recurrent, states)
        return output, [*states, keep]

    def _simple(self, projected: Any, recurrent: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        output = keras.ops.tanh(projected + recurrent)
        return output, [output]

    def _gru(self, projected: Any, recurrent: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        x_z, x_r, x_h = keras.ops.split(projected, 3, axis=-1)
        h_z, h_r, h_h = keras.ops.split(recurrent + self.recurrent_bias, 3, axis=-1)
        update, reset = keras.ops.sigmoid(x_z + h_z), keras.ops.sigmoid(x_r + h_r)
        candidate = keras.ops.tanh(x_h + reset * h_h)
        output = update * states[0] + (1 - update) * candidate
        return output, [output]

    def _lstm(self, projected: Any, recurrent: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        i, f, c, o = keras.ops.split(projected + recurrent, 4, axis=-1)
        memory = keras.ops.sigmoid(f) * states[1] + keras.ops.sigmoid(i) * keras.ops.tanh(c)
        read = _standardize(memory, 1) * self.cell_scale + self.cell_shift if self.layer_normalization else memory
        output = keras.ops.sigmoid(o) * keras.ops.tanh(read)
        return output, [output, memory]

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        zeros = [keras.ops.zeros((batch_size, self.units), self.compute_dtype) for _ in self.state_size[:-1]]
        return [*zeros, keras.ops.ones((batch_size, self.units), self.compute_dtype)]

    def get_config(self) -> dict[str, Any]:
        own = {"cell": self.cell, "units": self.units, "layer_normalization": self.layer_normalization}
        return {**super().get_config(), **own}


def _standardize(values: Any, gates: int, epsilon: float = 1e-3) -> Any:
    """Return (B, gates · U) with each gate's U values brought to mean 0 and deviation 1.

    Epsilon is that of Keras' LayerNormalization; a smaller one blows rounding up where the state is still zero.
    """
    parts = keras.ops.split(values, gates, axis=-1)
    centred = [part - keras.ops.mean(part, axis=-1, keepdims=True) for part in parts]
    scaled = [part * keras.ops.rsqrt(keras.ops.mean(part * part, axis=-1, keepdims=True) + epsilon) for part in centred]
    return keras.ops.concatenate(scaled, axis=-1)


def fused_lstm(
    inputs: Any, kernel: Any, recurrent_kernel: Any, bias: Any, states: Sequence[Any] | None = None
) -> tuple[Any, list[Any]]:
    """Return what `keras.layers.LSTM` returns for every step, (B, T, U), from one operation with a gradient of its own.

    Beside it the states after the last step, h and c, (B, U) each.

    Args:
        inputs: (B, T, F).
        kernel: Keras' weights of the input, (F, 4U), gates in the order i, f, c, o.
        recurrent_kernel: of the state, (U, 4U), in the same order.
        bias: (4U,), in the same order.
        states: h and c before the first step, (B, U) each; zeros where there are none.
    """

    def reordered(weight: Any) -> Any:
        # BlockLSTMV2 takes Keras' order, but TensorFlow 2.21 registers the first version's gradient for it, which
        # reads the gates as i, c, f, o and is wrong. The first version agrees with its own gradient.
        i, f, c, o = tf.split(tf.convert_to_tensor(weight), 4, axis=-1)
        return tf.concat([i, c, f, o], axis=-1)

    steps = tf.transpose(inputs, [1, 0, 2])  # (T, B, F)
    units = recurrent_kernel.shape[0]
    zeros = tf.zeros([tf.shape(inputs)[0], units])
    hidden, memory = states or (zeros, zeros)
    peephole = tf.zeros([units])
    outputs = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(tf.shape(steps)[0], tf.int64),
        x=steps,
        cs_prev=memory,
        h_prev=hidden,
        w=tf.concat([reordered(kernel), reordered(recurrent_kernel)], axis=0),
        wci=peephole,
        wcf=peephole,
        wco=peephole,
        b=reordered(bias),
        forget_bias=0.0,  # Keras keeps it in the bias
        cell_clip=0.0,
        use_peephole=False,
    )
    return tf.transpose(outputs.h, [1, 0, 2]), [outputs.h[-1], outputs.cs[-1]]


@keras.saving.register_keras_serializable("rnnlab")
class Recurrent(keras.layers.Layer):
    """One recurrent layer in one direction over right-padded sequences.

    Plain cells run in Keras' own layers (on a GPU that is cuDNN: nothing here keeps it from being taken);
    recurrent dropout and layer normalisation run in `NormalizedCell`.

    Args:
        cell, units, recurrent_dropout, layer_normalization: see `NormalizedCell`.
        backward: run from each row's last valid step to its first; the output stands in the input's order.
        unroll: write the loop out where the number of steps is known while the graph is made.

    Call arguments: inputs (B, T, F), lengths (B,); returns (B, T, U), padded steps undefined. With `states` before the
    first step, (B, U) each (h, and c of an LSTM), returns beside it those after the last of T steps.
    """

    def __init__(
        self,
        cell: CellName,
        units: int,
        backward: bool = False,
        recurrent_dropout: float = 0.0,
        layer_normalization: bool = False,
        unroll: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.cell, self.units, self.backward = cell, units, backward
        self.recurrent_dropout, self.layer_normalization = recurrent_dropout, layer_normalization
        self.unroll = unroll
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        self.plain = not recurrent_dropout and not layer_normalization
        if self.plain:
            kind = {"simple": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
            self.rnn = kind(units, return_sequences=True, return_state=True, name="rnn")
        else:
            self.rnn = keras.layers.RNN(
                NormalizedCell(cell, units, layer_normalization, name="cell"),
                return_sequences=True,
                return_state=True,
                name="rnn",
            )

    def build(self, inputs_shape: Any, lengths_shape: Any = None, states_shape: Any = None) -> None:
        self.rnn.build(inputs_shape)

    def call(self, inputs: Any, lengths: Any, states: Any = None, training: bool | None = None) -> Any:
        # Only a loop whose length is known here can be written out; an export's is not.
        self.rnn.unroll = self.unroll and inputs.shape[1] is not None
        if self.backward:
            inputs = reverse_valid(inputs, lengths)
        if training and self._fused_is_faster() and not isinstance(inputs, keras.KerasTensor):
            kernel, recurrent_kernel, bias = self.rnn.cell.weights
            outputs, after = fused_lstm(inputs, kernel, recurrent_kernel, bias, states)
        else:
            outputs, *after = self.rnn(inputs, initial_state=self._initial_state(inputs, states, training))
        if self.backward:
            outputs = reverse_valid(outputs, lengths)
        # What a cell carries along to drop is drawn anew for each segment.
        return outputs if states is None else (outputs, *after[: len(states)])

    def _fused_is_faster(self) -> bool:
        fits = self.plain and self.cell == "lstm" and not self.unroll and self.units <= FUSED_UNITS
        # TensorFlow's CPU has it in 32 bits alone.
        fits = fits and self.compute_dtype == "float32"
        return fits and not tf.config.list_logical_devices("GPU")

    def _initial_state(self, inputs: Any, given: Any, training: bool | None) -> Any:
        if self.plain:
            return given
        states = self.rnn.cell.get_initial_state(keras.ops.shape(inputs)[0])
        if given is not None:
            states[: len(given)] = given
        if training and self.recurrent_dropout:
            keep = stateless_keep_mask(tf.shape(states[-1]), self.recurrent_dropout, self.salt)
            states[-1] *= tf.cast(keep, states[-1].dtype)
        return states

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None, states_shape: Any = None) -> Any:
        outputs = (*inputs_shape[:-1], self.units)
        return outputs if states_shape is None else (outputs, *[(inputs_shape[0], self.units)] * len(states_shape))

    def get_config(self) -> dict[str, Any]:
        own = {
            "cell": self.cell,
            "units": self.units,
            "backward": self.backward,
            "recurrent_dropout": self.recurrent_dropout,
            "layer_normalization": self.layer_normalization,
            "unroll": self.unroll,
        }
        return {**super().get_config(), **own}
