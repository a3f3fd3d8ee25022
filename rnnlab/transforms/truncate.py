"""Truncate: keep at most so many steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.signature import Kind
from rnnlab.transforms import Learnt, Transform


class Truncate(Transform):
    """Keep the first or the last `max_length` steps of a longer sequence."""

    reads: ClassVar[frozenset[Kind]] = frozenset({"series", "tokens", "strokes"})

    max_length: int = Field(ge=1, description="the most steps that are kept")
    keep: Literal["start", "end"] = Field("start", description="which end of a longer sequence is kept")

    @property
    def forecasts(self) -> bool:
        return self.keep == "end"  # what follows the first steps is not what is asked for

    @property
    def shortens(self) -> bool:
        return True

    def remaining(self, steps: int) -> int:
        return min(steps, self.max_length)

    def fit(self, train: Examples) -> Learnt:
        return {}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        kept = tf.minimum(lengths, self.max_length)
        if self.keep == "end":
            first = lengths - kept
            width = tf.minimum(tf.shape(values)[1], self.max_length)
            positions = tf.minimum(first[:, tf.newaxis] + tf.range(width), tf.shape(values)[1] - 1)
            return tf.gather(values, positions, batch_dims=1), kept
        return values[:, : self.max_length], kept

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        return ahead if self.forecasts else super().extend(ahead, window, lengths, learnt)

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        return answers if self.forecasts else super().invert(answers, window, lengths, learnt)
