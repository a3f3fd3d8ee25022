"""Architectures: named networks. One file each; its name is the YAML name.

An encoder turns the input into one vector a step, and says how many steps are valid. What reads the steps is the
head's business. Keras is imported inside `encode`, so that a typo in a spec is reported before TensorFlow loads.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnlab.decoding.search import Search
from rnnlab.places import Places
from rnnlab.registry import Registry
from rnnlab.signature import Kind
from rnnlab.strict import Strict


@dataclass(frozen=True)
class Encoded:
    """What an encoder gives.

    Attributes:
        sequence: (B, T', U), padded steps undefined.
        lengths: (B,) int32, the valid steps of `sequence`.
        final: (B, U), what the network holds after the whole sequence: of a forward direction the last valid step,
            of a backward direction the first.
    """

    sequence: Any
    lengths: Any
    final: Any


@dataclass(frozen=True)
class Horizon:
    """What a forecast has beside the encoding, symbolic.

    Attributes:
        lengths: (B,) int32, the steps that were read.
        observed: (B, T, C), the targets of these steps, prepared.
        known: (B, T, K), what was known of these steps beforehand; None where K = 0.
        future: (B, H, K), what is known of the steps to come; None where K = 0.
        teacher: (B, H, C), the truth, for training; NaN where it is not known. None where nothing decodes.
        steps: H.
        seasons: (steps of a season, number of them) whose mean stands beside what is known of the steps to come.
    """

    lengths: Any
    observed: Any
    known: Any = None
    future: Any = None
    teacher: Any = None
    steps: int = 1
    seasons: tuple[int, int] | None = None

    def ahead(self) -> Any:
        """Return what is known of each step to come, (B, H, K'); None where nothing is."""
        return self._beside_mean(self.future, every_step=False)

    def ahead_of_each_step(self) -> Any:
        """Return what is known, at each step that was read, of each step that follows it, (B, T, H, K'), or None."""
        from rnnlab.layers.horizon import AheadOfEachStep

        if self.future is None:
            return self._beside_mean(None, every_step=True)
        ahead = AheadOfEachStep(name="ahead_of_each_step")(self.known, self.future, self.lengths)
        return self._beside_mean(ahead, every_step=True)

    def _beside_mean(self, ahead: Any, *, every_step: bool) -> Any:
        """Return the features ahead and the mean of the last same seasons beside them, where it is asked for."""
        import keras

        from rnnlab.layers.horizon import SeasonalMean

        if self.seasons is None:
            return ahead
        mean = SeasonalMean(*self.seasons, self.steps, every_step, name="seasonal_mean")(self.observed, self.lengths)
        return mean if ahead is None else keras.layers.Concatenate(name="ahead")([ahead, mean])


@dataclass(frozen=True)
class Writing:
    """What an answer in tokens is written with.

    Attributes:
        teacher: (B, L) int32, symbolic: a start mark and the true answer, for training and its loss.
        tokens: V, how many there are, marks among them.
        search: how an answer is looked for where there is no truth.
    """

    teacher: Any
    tokens: int
    search: Search


class Architecture(Strict, ABC):
    """A named network over one sequence."""

    @abstractmethod
    def encode(self, fields: Mapping[str, Any], lengths: Any) -> Encoded:
        """Return the symbolic encoding of symbolic inputs: (B, T, F) by field name, and lengths (B,) int32."""

    def begin(self, network: Any, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        """Give a new network weights that are no draws, as a stem does; return what the user should know of them."""
        return ()

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes of the states that can be carried from one segment to the next; none: not stateful."""
        return ()

    def carry(self, fields: Mapping[str, Any], lengths: Any, states: Sequence[Any]) -> tuple[Encoded, list[Any]]:
        """Return what `encode` does, going on from these states (B, U) each, and the states after the last step.

        The states are those of rows that fill the whole width; others have something without meaning.
        """
        raise NotImplementedError(f"{type(self).__name__} carries no state")

    def decode(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        """Return the symbolic outputs of an architecture that `decodes`, in a head's place; see `Head.read`."""
        raise NotImplementedError(f"{type(self).__name__} is an encoder: a head reads it")

    def write(self, encoded: Encoded, writing: Writing) -> dict[str, Any]:
        """Return the symbolic `scores`, `tokens` and `ranks` of an architecture that writes; see `TokenDecoder`."""
        raise NotImplementedError(f"{type(self).__name__} writes no tokens")

    def unused(self, task: str) -> Sequence[tuple[tuple[str | int, ...], str]]:
        """Return keys that were set and do nothing for this kind of task, each with what to do about it."""
        return ()

    @property
    def reads(self) -> frozenset[Kind]:
        """The kinds of input that it reads as they are, without a stem that makes vectors of their steps first.

        Where there are any, it reads nothing else.
        """
        return frozenset()

    @property
    def decodes(self) -> frozenset[str]:
        """The kinds of task that it answers by itself, without a head; none of an encoder."""
        return frozenset()

    @property
    def causal(self) -> bool:
        """Whether no step sees a later one."""
        return False

    @property
    def time_stride(self) -> int:
        """How many input steps one step of the encoded sequence stands for."""
        return 1

    @property
    def aligned(self) -> bool:
        """Whether each input step has its step in the encoded sequence."""
        return self.time_stride == 1

    @property
    def static_widths(self) -> bool:
        """Whether training steps are compiled for each padded width, with the number of steps known."""
        return False


ARCHITECTURES: Registry[Architecture] = Registry("rnnlab.architectures", Architecture, "architecture")


def only_field(fields: Mapping[str, Any]) -> Any:
    """Return the one input of an encoder of a single sequence."""
    (value,) = fields.values()
    return value
