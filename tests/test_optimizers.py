"""Optimizers and schedules are Keras's own: same names, arguments and defaults, and they build that very class."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from rnnlab.optimizers import OPTIMIZERS, SCHEDULES, Optimizer, Schedule

# What rnnlab does itself, under its own names and not quite as Keras does (see Optimizer's docstring).
OWN = {"clip_value", "clip_norm", "clip_global_norm"}
# Keras's arguments that are left out, each with the reason.
LEFT_OUT = {
    "name": "names nothing that anyone sees",
    "clipvalue": "clip_value, after the replicas' gradients were summed",
    "clipnorm": "clip_norm, likewise",
    "global_clipnorm": "clip_global_norm, likewise",
    "use_ema": "averaged weights are not offered yet",
    "ema_momentum": "as use_ema",
    "ema_overwrite_frequency": "as use_ema",
    "loss_scale_factor": "for half precision, which is not offered",
    "gradient_accumulation_steps": "accumulation is the loop's business",
    "kwargs": "takes nothing",
}
REQUIRED: dict[str, dict[str, Any]] = {
    "exponential_decay": {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.8, "staircase": True},
    "cosine_decay": {
        "initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.2, "warmup_target": 0.3, "warmup_steps": 3,
    },
    "cosine_decay_restarts": {
        "initial_learning_rate": 0.1, "first_decay_steps": 7, "t_mul": 1.5, "m_mul": 0.9, "alpha": 0.1,
    },
    "polynomial_decay": {
        "initial_learning_rate": 0.1, "decay_steps": 7, "end_learning_rate": 0.01, "power": 2.0, "cycle": True,
    },
    "inverse_time_decay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    "piecewise_constant_decay": {"boundaries": [2, 5], "values": [0.3, 0.2, 0.1]},
}  # fmt: skip


@pytest.fixture(scope="module")
def keras() -> Any:
    from rnnlab.quiet import load_tensorflow

    load_tensorflow()
    import keras

    return keras


def keras_class(keras: Any, kind: str, name: str) -> Any:
    module = keras.optimizers if kind == "optimizers" else keras.optimizers.schedules
    return getattr(module, (OPTIMIZERS if kind == "optimizers" else SCHEDULES).load(name).__name__)


def arguments_of(cls: Any) -> dict[str, Any]:
    """Return the arguments of a Keras class that have a key, and their defaults; an empty one where there is none."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {each.name: each.default for each in parameters if each.name not in LEFT_OUT}


def fields_of(cls: Any) -> dict[str, Any]:
    fields = {name: field.get_default(call_default_factory=True) for name, field in cls.model_fields.items()}
    return {
        name: inspect.Parameter.empty if default is PydanticUndefined else default
        for name, default in fields.items()
        if name not in OWN
    }


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_an_optimizer_has_the_arguments_and_defaults_of_keras(keras: Any, name: str) -> None:
    assert fields_of(OPTIMIZERS.load(name)) == arguments_of(keras_class(keras, "optimizers", name))


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_a_schedule_has_the_arguments_and_defaults_of_keras(keras: Any, name: str) -> None:
    assert fields_of(SCHEDULES.load(name)) == arguments_of(keras_class(keras, "schedules", name))


def test_every_clipping_key_is_one_that_keras_calls_otherwise(keras: Any) -> None:
    assert {key.replace("_", "") for key in OWN} == {"clipvalue", "clipnorm", "clipglobalnorm"}
    assert set(Optimizer.model_fields) >= OWN


def test_what_is_left_out_of_keras_is_there(keras: Any) -> None:
    known = set(inspect.signature(keras.optimizers.Adam.__init__).parameters)
    assert set(LEFT_OUT) <= known


def test_every_keras_schedule_is_offered(keras: Any) -> None:
    offered = {SCHEDULES.load(name).__name__ for name in SCHEDULES.names()}
    there = {name for name in dir(keras.optimizers.schedules) if name[0].isupper()} - {"LearningRateSchedule"}
    assert offered == there


def changed(cls: Any, keras_default: dict[str, Any]) -> dict[str, Any]:
    """Return another value than the default for every key of an optimizer."""

    def other(default: Any) -> Any:
        if isinstance(default, bool):
            return not default
        return 0.25 if default is None else default * 0.5 if default else 0.5

    return {name: other(keras_default[name]) for name in fields_of(cls)}


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_building_gives_the_keras_class_with_these_values(keras: Any, name: str) -> None:
    cls, wanted = OPTIMIZERS.load(name), keras_class(keras, "optimizers", name)
    for values in ({}, changed(cls, arguments_of(wanted))):
        built = cls(**values).build()
        assert type(built) is wanted
        config = built.get_config()
        for key, value in {**arguments_of(wanted), **values}.items():
            assert config[key] == pytest.approx(value), key
        for key in ("clipnorm", "clipvalue", "global_clipnorm"):
            assert config[key] is None


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_clipping_is_left_to_the_training_step(keras: Any, name: str) -> None:
    built = OPTIMIZERS.load(name)(clip_value=1.0, clip_norm=2.0, clip_global_norm=3.0).build()
    assert (built.clipnorm, built.clipvalue, built.global_clipnorm) == (None, None, None)


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_a_built_schedule_is_the_keras_class_and_gives_its_rates(keras: Any, name: str) -> None:
    values, wanted = REQUIRED[name], keras_class(keras, "schedules", name)
    assert set(values) == set(SCHEDULES.load(name).model_fields)  # every key is tried
    built = SCHEDULES.load(name)(**values).build()
    assert type(built) is wanted
    expected = wanted(**values)
    assert [float(built(step)) for step in range(12)] == [float(expected(step)) for step in range(12)]


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_an_optimizer_follows_the_schedule_that_it_is_given(keras: Any, name: str) -> None:
    schedule = {"name": name, **REQUIRED[name]}
    optimizer = OPTIMIZERS.parse({"name": "sgd", "learning_rate": schedule})
    assert optimizer.scheduled
    variable = keras.Variable([0.0])
    built = optimizer.build()
    built.build([variable])
    expected = SCHEDULES.parse(schedule).build()
    for step in range(4):
        before = float(variable[0])
        built.apply([keras.ops.ones(1)], [variable])
        assert before - float(variable[0]) == pytest.approx(float(expected(step)), rel=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_an_optimizer_lowers_a_simple_loss(keras: Any, name: str) -> None:
    variable = keras.Variable([3.0, -2.0])
    built = OPTIMIZERS.load(name)(learning_rate=0.1).build()
    built.build([variable])
    for _ in range(5):
        built.apply([2 * variable.value], [variable])
    assert float(keras.ops.sum(variable**2)) < 13.0


@pytest.mark.parametrize("values", [{"boundaries": [5, 2]}, {"values": [1.0, 2.0]}, {"boundaries": [2, 2]}])
def test_a_piecewise_schedule_that_does_not_fit_together_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SCHEDULES.load("piecewise_constant_decay")(**{**REQUIRED["piecewise_constant_decay"], **values})


def test_warming_up_needs_both_a_target_and_a_number_of_steps() -> None:
    base = {"initial_learning_rate": 0.1, "decay_steps": 7}
    for half in ({"warmup_steps": 3}, {"warmup_target": 0.3}):
        with pytest.raises(ValidationError):
            SCHEDULES.load("cosine_decay")(**base, **half)


def test_a_nesterov_step_without_momentum_is_refused() -> None:
    with pytest.raises(ValidationError):
        OPTIMIZERS.load("sgd")(nesterov=True)


def test_every_name_is_its_class_in_small_letters() -> None:
    for registry, base in ((OPTIMIZERS, Optimizer), (SCHEDULES, Schedule)):
        assert len(registry.names()) == len(set(registry.names())) == len(base.__subclasses__())
        for name in registry.names():
            assert registry.load(name).__name__.lower() == name.replace("_", "")
            assert registry.name_of(registry.load(name)) == name
