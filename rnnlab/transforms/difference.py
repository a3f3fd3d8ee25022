"""Difference: each value less the one some steps before; what trends, or repeats each season, keeps one level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.transforms import ColumnTransform, Learnt


class Difference(ColumnTransform):
    """Subtract from each value the one `lag` steps before it; the first `lag` steps are lost.

    What has no more steps than that becomes one step of zeros. A forecast is added up from the window's last `lag`
    steps on. A missing value makes two differences missing, so `impute` comes before.
    """

    lag: int = Field(1, ge=1, description="how many steps lie between; a season's steps for a seasonal difference")

    def adds_up(self, horizon: int) -> bool:
        return self.lag < horizon

    @property
    def forecasts(self) -> bool:
        return True

    @property
    def lost(self) -> int:
        return self.lag

    def fit(self, train: Examples) -> Learnt:
        return {"chosen": self.chosen(train.signature)}

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        more = tf.maximum(self.lag + 1 - tf.shape(values)[1], 0)
        values = tf.pad(values, [[0, 0], [0, more], [0, 0]])
        late = values[:, self.lag :]
        result = tf.where(learnt["chosen"], late - values[:, : -self.lag], late)
        enough = (lengths > self.lag)[:, tf.newaxis, tf.newaxis]
        return tf.where(enough, result, 0.0), tf.maximum(lengths - self.lag, 1)

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        earlier = tf.concat([self._last(window, lengths), ahead], axis=1)[:, : ahead.shape[1]]
        return tf.where(learnt["chosen"], ahead - earlier, ahead)

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        horizon, targets, values = answers.shape[1:]
        last = self._last(window, lengths)[:, tf.newaxis, :, :targets, tf.newaxis]  # (B, 1, lag, C, 1)
        blocks = -(-horizon // self.lag)
        padded = tf.pad(answers, [[0, 0], [0, blocks * self.lag - horizon], [0, 0], [0, 0]])
        sums = tf.cumsum(tf.reshape(padded, [-1, blocks, self.lag, targets, values]), axis=1)
        raw = tf.reshape(last + sums, [-1, blocks * self.lag, targets, values])[:, :horizon]
        return tf.where(learnt["chosen"][:targets, np.newaxis], raw, answers)

    def _last(self, window: Any, lengths: Any) -> Any:
        """Return (B, lag, F): each row's last `lag` valid steps; of fewer, the first one stands for those before it."""
        import tensorflow as tf

        places = tf.maximum(lengths[:, tf.newaxis] - self.lag + tf.range(self.lag), 0)
        return tf.gather(window, places, batch_dims=1)
