"""The network: an encoder and a head joined into one Keras model."""

from __future__ import annotations

from typing import Any

from rnnlab.architectures import Horizon, Writing
from rnnlab.errors import DataError, told
from rnnlab.experiment import Experiment
from rnnlab.signature import Field, Signature
from rnnlab.windows import FUTURE

STATE = "state_"  # begins the names of the states that are carried on


def build_network(
    experiment: Experiment, signature: Signature, precision: str = "float32", *, stateful: bool = False
) -> Any:
    """Return a `keras.Model` from {field: (B, T, …), "lengths": (B,) int32} to the task's outputs (B, …).

    Of forecasts, the fields are also `future` (B, H, K), where anything is known of steps to come, and for an
    architecture that decodes `teacher` (B, H, C), the truth that it may look at in training, NaN where it is not known.
    Of answers that are written token by token, `teacher` is (B, L) int32, a start mark and the true answer. Where
    answers are texts, the outputs are a dict.

    The initial weights are a function of the spec's seed, architecture and head alone.

    Args:
        experiment: the spec.
        signature: of the prepared examples.
        precision: Keras' dtype policy of the layers; the weights and the outputs are float32 in all of them.
        stateful: for truncated back-propagation: the inputs are also `state_0`, …, (B, U) each, and the result is a
            dict of `outputs` and of the states after the last step by the same names.

    Raises:
        DataError: the architecture does not fit the data's shapes, or the memory.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(experiment.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    shape = experiment.task.shape(signature.known_target)
    inputs = _inputs(experiment, signature, shape)
    lengths = inputs["lengths"]
    try:
        series = {
            field.name: _embedded(experiment, inputs, field, signature.known_target)
            for field in signature.inputs
            if field.kind != "future"
        }
        states = _states(experiment) if stateful else {}
        if stateful:
            encoded, after = experiment.model.carry(series, lengths, list(states.values()))
        else:
            encoded, after = experiment.model.encode(series, lengths), []
        if experiment.task.writes:
            result = experiment.model.write(encoded, _writing(experiment, inputs, signature.known_target))
        else:
            horizon = _horizon(experiment, inputs, signature, shape)
            read = experiment.model.decode if experiment.model.decodes else experiment.reader.read
            result = read(encoded, shape, horizon)
    except ValueError as error:
        raise DataError(f"model: the network can't be built on this data: {error}") from error
    except (MemoryError, OverflowError, tf.errors.OpError) as error:
        raise DataError(
            f"model: the network can't be built: {told(error)}. "
            "Is a number of units or filters too large for this machine's memory?"
        ) from error
    finally:
        keras.config.set_dtype_policy(before)
    if not stateful:
        return keras.Model(inputs, result, name="network")
    return keras.Model(
        {**inputs, **states}, {"outputs": result, **dict(zip(states, after, strict=True))}, name="network"
    )


def _states(experiment: Experiment) -> dict[str, Any]:
    import keras

    return {
        f"{STATE}{number}": keras.Input((size,), name=f"{STATE}{number}", dtype="float32")
        for number, size in enumerate(experiment.model.state_sizes)
    }


def _inputs(experiment: Experiment, signature: Signature, shape: tuple[int, ...]) -> dict[str, Any]:
    import keras

    # The horizon is the first axis of a forecast's outputs.
    inputs = {}
    for field in signature.inputs:
        time = shape[0] if field.kind == "future" else None
        inputs[field.name] = keras.Input((time, *field.shape), name=field.name, dtype=field.dtype)
    if experiment.task.writes:
        inputs["teacher"] = keras.Input((None,), name="teacher", dtype="int32")
    elif experiment.model.decodes:
        inputs["teacher"] = keras.Input((shape[0], shape[-1]), name="teacher", dtype="float32")
    return {**inputs, "lengths": keras.Input((), name="lengths", dtype="int32")}


def _embedded(experiment: Experiment, inputs: dict[str, Any], field: Field, target: Field) -> Any:
    """Return an input as one vector a step, (B, T, F), or as the architecture reads it.

    Raises:
        DataError: it needs a stem that it does not have, or the other way round.
    """
    values, lengths = inputs[field.name], inputs["lengths"]
    if field.kind == "frames":
        from rnnlab.layers.frames import Pixels

        values = Pixels(name="pixels")(values, lengths)
    stem = experiment.stem_for(field)
    return values if stem is None else stem.embed(values, lengths, field, target)


def _writing(experiment: Experiment, inputs: dict[str, Any], target: Field) -> Writing:
    """Return what an architecture needs to know of the answers that it writes."""
    search = experiment.task.search_within(target.shape[0])
    return Writing(inputs["teacher"], len(target.names), search)


def _horizon(
    experiment: Experiment, inputs: dict[str, Any], signature: Signature, shape: tuple[int, ...]
) -> Horizon | None:
    """Return what a forecast has beside the encoding; None of other tasks."""
    if signature.known_target.kind != "series":
        return None
    steps = inputs[signature.inputs[0].name]
    names = signature.inputs[0].names
    known = None
    for field in signature.inputs:
        if field.kind == "future":
            first = names.index(field.names[0])
            known = steps[..., first : first + len(field.names)]
    return Horizon(
        lengths=inputs["lengths"],
        observed=steps[..., : len(signature.known_target.names)],
        known=known,
        future=inputs.get(FUTURE),
        teacher=inputs.get("teacher"),
        steps=shape[0],
        seasons=experiment.task.seasons,
    )


def named_variables(network: Any) -> dict[str, Any]:
    """Return every variable of the network, trained or not, by a name that depends on the architecture alone."""
    return {
        f"{layer.name}/{number:02d}.{variable.name}": variable
        for layer in network.layers
        for number, variable in enumerate(layer.variables)
    }
