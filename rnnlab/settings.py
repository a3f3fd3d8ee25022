"""The `training` section of a spec: how long, how many at once, on what, and when to stop or save."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from rnnlab.optimizers import OPTIMIZERS, Adam, Optimizer
from rnnlab.registry import Choice
from rnnlab.strict import Strict


class Buckets(Strict):
    """Batches of like lengths. Boundaries are chosen from the training lengths to waste the least padding."""

    shapes: int = Field(
        8, ge=1, le=64, description="number of padded widths; more waste less padding but shuffle less freely. 1: off"
    )


class Replicas(Strict):
    """Logical CPU devices, for trying replication without GPUs."""

    replicas: int = Field(ge=1, le=16, description="number of replicas on the CPU")


class Monitored(Strict):
    """What is watched, and which direction is better."""

    monitor: str = Field("val_loss", description="a column of history.csv, such as val_loss or val_accuracy")
    mode: Literal["auto", "min", "max"] = Field(
        "auto", description="which is better; auto knows loss and every metric of the task"
    )


class EarlyStopping(Monitored):
    """Stop when the monitored value has not improved for `patience` epochs."""

    patience: int = Field(10, ge=1, description="epochs without improvement")
    min_delta: float = Field(0.0, ge=0, description="the least change that counts as an improvement")


class ReduceOnPlateau(Monitored):
    """Multiply the learning rate by `factor` when the monitored value has not improved for `patience` epochs."""

    patience: int = Field(5, ge=1, description="epochs without improvement")
    factor: float = Field(0.5, gt=0, lt=1, description="what the learning rate is multiplied by")
    min_learning_rate: float = Field(1e-6, ge=0, description="never below this")
    min_delta: float = Field(0.0, ge=0, description="the least change that counts as an improvement")


class SaveEvery(Strict):
    """How often the state is saved; it always is at the end, and when training is interrupted. Give one of the two."""

    seconds: float | None = Field(
        None, gt=0, description="seconds between two saves; more where saving would take over 1 % of the time"
    )
    steps: int | None = Field(None, ge=1, description="steps between two saves")

    @model_validator(mode="after")
    def _one_of_two(self) -> SaveEvery:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("give either `seconds` or `steps`")
        return self


class Truncated(Strict):
    """Truncated back-propagation through time (Williams & Peng 1990): series are read in order, segment by segment.

    The network's memory goes on from one segment to the next, gradients do not.
    """

    steps: int = Field(ge=1, description="steps of a segment, through which gradients are propagated back")


class Training(Strict):
    """How the network is trained."""

    idle_unless = MappingProxyType(
        {
            "batch_size": ("batch_steps", lambda steps: steps is None),
            "examples_per_epoch": ("tbptt", lambda tbptt: tbptt is None),
        }
    )

    epochs: int = Field(50, ge=1, description="passes over the training examples, at most")
    examples_per_epoch: int | None = Field(
        None,
        ge=1,
        description="so many examples, drawn anew for each epoch, make an epoch, where there are more: an epoch of "
        "millions of windows would be too long to validate, save the best, or stop only after it. Whatever counts "
        "epochs counts the shorter ones; a learning-rate schedule counts updates, of which an epoch then has fewer, so "
        "its decay_steps are about epochs · examples_per_epoch / batch_size. Default: all",
    )
    batch_size: int = Field(32, ge=1, description="sequences in a batch, over all replicas together")
    batch_steps: int | None = Field(
        None, ge=1, description="instead of batch_size: padded time steps in a batch, so that short ones come in more"
    )
    tbptt: Truncated | None = Field(
        None,
        description="truncated back-propagation through time: read whole series, `batch_size` places of them side by "
        "side, and learn after so many steps; what the network remembers reaches back as far as it likes",
    )
    accumulate: int = Field(
        1,
        ge=1,
        le=16,
        description="compute each batch in so many parts, one after another, and make one update of all: less memory, "
        "the same result (but that batch normalisation counts the steps of a part); each part is compiled anew",
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32",
        description="mixed: the network computes in 16 bits, weights and sums stay in 32; faster on GPUs made for it, "
        "slower elsewhere. mixed_float16 scales the loss, and skips an update whose gradient overflows. Answers "
        "outside of training are computed in 32 bits",
    )
    buckets: Buckets = Field(default_factory=lambda: Buckets(shapes=8), description="batches of like lengths")
    optimizer: Annotated[Optimizer, Choice(OPTIMIZERS)] = Field(
        default_factory=lambda: Adam(),
        description="a Keras optimizer by its own name and arguments, with clip_value, clip_norm, clip_global_norm",
    )
    early_stopping: EarlyStopping | None = Field(None, description="when to stop before `epochs`")
    reduce_on_plateau: ReduceOnPlateau | None = Field(None, description="when to lower the learning rate")
    best: Monitored | None = Field(
        default_factory=Monitored,
        description="which epoch's weights answer in the end; null for the last epoch's. Needs a validation split",
    )
    devices: Literal["auto", "cpu"] | Replicas = Field(
        "auto", description="auto: all GPUs there are, or else the CPU; cpu; or {replicas: 2} logical CPU devices"
    )
    save_every: SaveEvery = Field(
        default_factory=lambda: SaveEvery(seconds=60.0),
        description="how often the state is saved; what came later is trained again after a kill",
    )
    tensorboard: bool = Field(False, description="write TensorBoard logs into the run folder")

    @model_validator(mode="after")
    def _plateau_moves_a_number(self) -> Training:
        if self.reduce_on_plateau is not None and self.optimizer.scheduled:
            raise ValueError("reduce_on_plateau can't lower a learning rate that follows a schedule; remove one")
        return self

    def build_optimizer(self) -> Any:
        """Return the `keras.optimizers` object, in 16-bit floats within one that scales the loss."""
        optimizer = self.optimizer.build()
        if self.precision != "mixed_float16":
            return optimizer
        import keras

        return keras.optimizers.LossScaleOptimizer(optimizer)

    @property
    def replicas(self) -> int | None:
        """The number of logical CPU replicas asked for, or None."""
        return self.devices.replicas if isinstance(self.devices, Replicas) else None
