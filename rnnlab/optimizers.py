"""Keras optimizers and learning-rate schedules as YAML, by their own names, arguments and defaults.

A test holds each class against the signature of the Keras class of the same name.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, model_validator

from rnnlab.errors import UserError, did_you_mean
from rnnlab.registry import Choice, Registry
from rnnlab.strict import Strict, shown


class _Catalogue(Registry[Any]):
    """A registry whose components are the classes of this module, too small for a file each."""

    def names(self) -> list[str]:
        return sorted(_snake(each.__name__) for each in self._classes())

    def load(self, name: str) -> type[Any]:
        for each in self._classes():
            if _snake(each.__name__) == name:
                return each
        raise UserError(f"unknown {self.key} {shown(name)}{did_you_mean(name, self.names())}")

    def name_of(self, component: Any) -> str:
        return _snake(component.__name__ if isinstance(component, type) else type(component).__name__)

    def _classes(self) -> list[type[Any]]:
        return self.base.__subclasses__()


def _snake(name: str) -> str:
    words = {"SGD": "sgd", "RMSprop": "rmsprop", "AdamW": "adamw"}
    return words.get(name) or "".join("_" + each.lower() if each.isupper() else each for each in name).lstrip("_")


class Schedule(Strict):
    """A learning rate that is a function of the update's number (one update is one optimizer step)."""

    def build(self) -> Any:
        """Return the `keras.optimizers.schedules` object."""
        import keras

        return getattr(keras.optimizers.schedules, type(self).__name__)(**self.model_dump())


class ExponentialDecay(Schedule):
    """The rate falls by `decay_rate` every `decay_steps` updates."""

    initial_learning_rate: float = Field(gt=0)
    decay_steps: int = Field(gt=0)
    decay_rate: float = Field(gt=0)
    staircase: bool = Field(False, description="fall at whole multiples of decay_steps only")


class CosineDecay(Schedule):
    """The rate follows half a cosine down to `alpha` times itself, after an optional linear warm-up."""

    idle_unless = MappingProxyType({"warmup_steps": ("warmup_target", lambda target: target is not None)})

    initial_learning_rate: float = Field(ge=0)
    decay_steps: int = Field(gt=0)
    alpha: float = Field(0.0, ge=0, le=1, description="the smallest rate as a fraction of the largest")
    warmup_target: float | None = Field(None, gt=0, description="the rate at the end of the warm-up")
    warmup_steps: int = Field(0, ge=0, description="updates of linear warm-up ahead of the decay")

    @model_validator(mode="after")
    def _warm_up_takes_time(self) -> CosineDecay:
        if self.warmup_target is not None and self.warmup_steps == 0:
            raise ValueError("warmup_target needs warmup_steps, the updates in which it is reached")
        return self


class CosineDecayRestarts(Schedule):
    """Cosine decay that starts again, each period `t_mul` times as long (Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = Field(gt=0)
    first_decay_steps: int = Field(gt=0)
    t_mul: float = Field(2.0, gt=0)
    m_mul: float = Field(1.0, gt=0)
    alpha: float = Field(0.0, ge=0, le=1)


class PolynomialDecay(Schedule):
    """The rate falls to `end_learning_rate` along a polynomial."""

    initial_learning_rate: float = Field(gt=0)
    decay_steps: int = Field(gt=0)
    end_learning_rate: float = Field(0.0001, ge=0)
    power: float = Field(1.0, gt=0)
    cycle: bool = Field(False, description="start again beyond decay_steps")


class InverseTimeDecay(Schedule):
    """The rate falls as 1 / (1 + decay_rate · updates / decay_steps)."""

    initial_learning_rate: float = Field(gt=0)
    decay_steps: int = Field(gt=0)
    decay_rate: float = Field(gt=0)
    staircase: bool = False


class PiecewiseConstantDecay(Schedule):
    """The rate is `values[i]` up to update `boundaries[i]`."""

    boundaries: list[NonNegativeInt] = Field(min_length=1)
    values: list[NonNegativeFloat] = Field(min_length=2, description="one more value than boundaries")

    @model_validator(mode="after")
    def _pieces_fit(self) -> PiecewiseConstantDecay:
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"expected one more value than boundaries; received {len(self.values)} values "
                f"and {len(self.boundaries)} boundaries"
            )
        if any(second <= first for first, second in pairwise(self.boundaries)):
            raise ValueError(f"expected ascending boundaries; received {self.boundaries}")
        return self


SCHEDULES = _Catalogue("rnnlab.schedules", Schedule, "name")


class Optimizer(Strict):
    """A Keras optimizer.

    Gradients are clipped after they have been summed over all replicas and divided by the global number of examples,
    so that clipping doesn't depend on the number of devices.
    """

    learning_rate: Annotated[float, Field(gt=0)] | Annotated[Schedule, Choice(SCHEDULES)] = Field(
        0.001, description="a number, or a schedule: {name: cosine_decay, …}"
    )
    clip_value: float | None = Field(None, gt=0, description="clip every element of the gradient to ± this")
    clip_norm: float | None = Field(None, gt=0, description="scale each variable's gradient down to this norm")
    clip_global_norm: float | None = Field(
        None, gt=0, description="scale all gradients together down to this norm, which keeps their direction"
    )
    weight_decay: float | None = Field(None, ge=0, description="decoupled weight decay per update")

    def build(self) -> Any:
        """Return the `keras.optimizers` object; clipping is the training step's own."""
        import keras

        arguments = self.model_dump(exclude={"learning_rate", "clip_value", "clip_norm", "clip_global_norm"})
        rate = self.learning_rate
        return getattr(keras.optimizers, type(self).__name__)(
            learning_rate=rate.build() if isinstance(rate, Schedule) else rate, **arguments
        )

    @property
    def scheduled(self) -> bool:
        return isinstance(self.learning_rate, Schedule)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015)."""

    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-7, gt=0)
    amsgrad: bool = False


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    weight_decay: float | None = Field(0.004, ge=0, description="decoupled weight decay per update")
    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-7, gt=0)
    amsgrad: bool = False


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat 2016)."""

    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-7, gt=0)


class Adamax(Optimizer):
    """Adam on the infinity norm (Kingma & Ba 2015)."""

    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-7, gt=0)


class SGD(Optimizer):
    """Gradient descent with optional momentum."""

    idle_unless = MappingProxyType({"nesterov": ("momentum", lambda momentum: momentum > 0)})

    learning_rate: Annotated[float, Field(gt=0)] | Annotated[Schedule, Choice(SCHEDULES)] = Field(
        0.01, description="a number, or a schedule: {name: cosine_decay, …}"
    )
    momentum: float = Field(0.0, ge=0, le=1)
    nesterov: bool = False


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012)."""

    rho: float = Field(0.9, ge=0, lt=1)
    momentum: float = Field(0.0, ge=0, le=1)
    epsilon: float = Field(1e-7, gt=0)
    centered: bool = False


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011)."""

    initial_accumulator_value: float = Field(0.1, ge=0)
    epsilon: float = Field(1e-7, gt=0)


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012)."""

    rho: float = Field(0.95, ge=0, lt=1)
    epsilon: float = Field(1e-7, gt=0)


class Lion(Optimizer):
    """Lion: the sign of an interpolated momentum (Chen et al. 2023)."""

    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.99, ge=0, lt=1)


OPTIMIZERS = _Catalogue("rnnlab.optimizers", Optimizer, "name")
