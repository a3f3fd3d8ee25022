"""The network: an encoder and a head joined into one Keras model."""

from __future__ import annotations

from typing import Any

from rnnlab.errors import DataError, told
from rnnlab.experiment import Experiment
from rnnlab.signature import Signature


def build_network(experiment: Experiment, signature: Signature, precision: str = "float32") -> Any:
    """Return a `keras.Model` from {field: (B, T, F) float32, "lengths": (B,) int32} to outputs (B, C).

    The initial weights are a function of the spec's seed, architecture and head alone.

    Args:
        experiment: the spec.
        signature: of the prepared examples.
        precision: Keras' dtype policy of the layers; the weights and the outputs are float32 in all of them.

    Raises:
        DataError: the architecture does not fit the data's shapes, or the memory.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(experiment.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    inputs = {
        field.name: keras.Input((None, *field.shape), name=field.name, dtype="float32") for field in signature.inputs
    }
    lengths = keras.Input((), name="lengths", dtype="int32")
    outputs = experiment.task.outputs(signature.known_target)
    try:
        result = experiment.reader.read(experiment.model.encode(inputs, lengths), outputs)
    except ValueError as error:
        raise DataError(f"model: the network can't be built on this data: {error}") from error
    except (MemoryError, OverflowError, tf.errors.OpError) as error:
        raise DataError(
            f"model: the network can't be built: {told(error)}. "
            "Is a number of units or filters too large for this machine's memory?"
        ) from error
    finally:
        keras.config.set_dtype_policy(before)
    return keras.Model({**inputs, "lengths": lengths}, result, name="network")


def named_variables(network: Any) -> dict[str, Any]:
    """Return every variable of the network, trained or not, by a name that depends on the architecture alone."""
    return {
        f"{layer.name}/{number:02d}.{variable.name}": variable
        for layer in network.layers
        for number, variable in enumerate(layer.variables)
    }
