"""Logarithm: what grows by factors, or can't be negative, on a scale where it grows by sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.strict import shown
from rnnlab.transforms import ColumnTransform, Learnt, feature_names, input_field, on_known

SMALLEST = float(np.finfo(np.float32).tiny)
BELOW = 1e-6


class Log(ColumnTransform):
    """The natural logarithm of each value and `offset`; of training values, all must be above 0.

    A value that training never came near, zero or less, is taken for a millionth of training's smallest.
    """

    offset: float = Field(0.0, description="what is added before; 1 suits counts, which may be 0")

    @property
    def forecasts(self) -> bool:
        return True

    def fit(self, train: Examples) -> Learnt:
        chosen = self.chosen(train.signature)
        field = input_field(train.signature, self.field)
        smallest = np.full(field.shape, np.inf, np.float32)
        for index in range(len(train)):
            steps = np.asarray(train.read(index)[field.name], np.float32)
            smallest = np.fmin(smallest, np.fmin.reduce(steps, axis=0, initial=np.inf))
        shifted = smallest + np.float32(self.offset)
        for name, value, above, taken in zip(feature_names(field), smallest, shifted, chosen, strict=True):
            if taken and above <= 0:
                raise DataError(
                    f"transforms: column {shown(name)} has the value {value:g}; expected all above {0 - self.offset:g} "
                    "to take the logarithm; set a larger 'offset', or give 'columns' without it"
                )
        floor = np.maximum(np.where(np.isfinite(shifted), shifted, 1) * BELOW, SMALLEST)
        return {"chosen": chosen, "floor": floor.astype(np.float32)}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        return on_known(lambda known: self._logarithm(known, learnt), values), lengths

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        return on_known(lambda known: self._logarithm(known, learnt), ahead)

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        chosen = learnt["chosen"][: answers.shape[2], np.newaxis]
        # Of a column that is left as it is, the exponential could be infinite, and its gradient no number.
        raw = tf.exp(tf.where(chosen, answers, 0.0)) - self.offset
        return tf.where(chosen, raw, answers)

    def _logarithm(self, values: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        chosen, floor = learnt["chosen"], learnt["floor"]
        return tf.where(chosen, tf.math.log(tf.maximum(tf.where(chosen, values + self.offset, 1.0), floor)), values)
