"""Forecasting: the next steps of a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key
from pydantic import field_validator, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.metrics.mase import naive_scale
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task
from rnnlab.transforms.truncate import Truncate
from rnnlab.windows import SEQUENCE, SeriesExamples, Tiles, Windows, cut_windows

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Forecasting(Task):
    """The next `horizon` steps of each target, from the `history` steps before them, in the target's own unit.

    The loss is a mean over all targets that are known, in the units that the transforms make. Quantiles never cross:
    each is the one next to it and something positive, from the median on. A normal's deviation is 0.001 of those units
    or more.
    """

    targets = frozenset({"series"})
    head = "direct"
    idle_unless = MappingProxyType(
        {
            "loss": ("output", lambda output: output == "point"),
            "levels": ("output", lambda output: output != "point"),
        }
    )

    history: int | Literal["all"] = Key(description="steps that are read before a forecast; all: from the beginning on")
    horizon: int = Key(ge=1, description="steps that are forecast")
    stride: int = Key(
        1, ge=1, description="steps from one training window to the next; every step is scored, whatever the stride"
    )
    min_history: int | None = Key(
        None,
        ge=1,
        description="the fewest steps to read: a window near a series' beginning is then shorter, and padded; default: "
        "`history`, or 1 where that is `all`",
    )
    season: int | None = Key(
        None, ge=1, description="steps of a season; default: the usual one, such as 7 of days, 24 of hours, 52 of weeks"
    )
    seasonal_mean: int = Key(
        0,
        ge=0,
        description="give the network, for each step to come, the mean of the last so many values at the same place in "
        "the season; needs `season`. 0: not",
    )
    output: Literal["point", "quantiles", "normal"] = Key(
        "point",
        description="point: one number a step; quantiles: one a level, without an assumption about their distribution; "
        "normal: mean and deviation (in the units that the transforms make)",
    )
    loss: Literal["absolute", "squared", "huber"] = Key(
        "absolute",
        description="of point forecasts: absolute asks for the median, squared for the mean; huber: squared up to 1, "
        "then absolute",
    )
    levels: list[float] = Key(
        default_factory=lambda: list(LEVELS),
        min_length=1,
        description="levels of the quantiles, ascending; of `output: quantiles` 0.5 is the forecast itself",
    )

    @field_validator("history")
    @classmethod
    def _reads_something(cls, history: int | str) -> int | str:
        if isinstance(history, int) and history < 1:
            raise ValueError(f"expected 1 or more, or all; received {history}")
        return history

    @field_validator("levels")
    @classmethod
    def _ascending(cls, levels: list[float]) -> list[float]:
        if levels != sorted(set(levels)) or levels[0] <= 0 or levels[-1] >= 1:
            raise ValueError(f"expected ascending levels between 0 and 1; received {levels}")
        return levels

    @model_validator(mode="after")
    def _fits_together(self) -> Forecasting:
        if self.output == "quantiles" and 0.5 not in self.levels:
            raise ValueError(f"levels: expected 0.5 among them, which is the forecast itself; received {self.levels}")
        if self.seasonal_mean and self.season is None:
            raise ValueError("seasonal_mean: needs `season`, the number of steps of a season")
        if self.seasons is not None and self.history != "all" and self.history < self.seasons[0]:
            raise ValueError(
                f"seasonal_mean: needs a history of a season, {self.season} steps, or more; received {self.history}"
            )
        if self.min_history is not None and self.history != "all" and self.min_history > self.history:
            raise ValueError(f"min_history: expected at most `history`, {self.history}; received {self.min_history}")
        return self

    @property
    def shortest(self) -> int:
        return self.min_history or (1 if self.history == "all" else self.history)

    @property
    def continuous(self) -> bool:
        return self.history == "all"

    @property
    def steps_ahead(self) -> int:
        return self.horizon

    @property
    def skips_steps(self) -> bool:
        return self.stride > 1

    @property
    def spread(self) -> bool:
        return self.output != "point"

    @property
    def seasons(self) -> tuple[int, int] | None:
        return (self.season, self.seasonal_mean) if self.season is not None and self.seasonal_mean else None

    def examples(self, raw: Examples, *, train: bool = False) -> Windows:
        return self._windows(raw, self.stride if train else 1)

    def to_answer(self, given: Examples, from_date: str | None = None) -> Windows:
        if isinstance(given, SeriesExamples):
            given = given.to_forecast(self.horizon, from_date, least=self.shortest)
        return self._windows(given, 1, to_score=False)

    def read_part(self, fields: Mapping[str, Any], lengths: Any) -> tuple[Mapping[str, Any], Any]:
        """Return the last `history` steps: whoever asks may give more, and gets the answer of a window."""
        if self.history == "all":
            return fields, lengths
        last = Truncate(max_length=self.history, keep="end")
        sequence, lengths = last.apply(fields[SEQUENCE], lengths, {})
        return {**fields, SEQUENCE: sequence}, lengths

    def _windows(self, raw: Examples, stride: int, *, to_score: bool = True) -> Windows:
        if not isinstance(raw, SeriesExamples):
            raise DataError("task.kind: forecasting needs series in time: use data.source: series")
        history = None if self.history == "all" else self.history
        season = self.season or raw.panel.step.season
        return cut_windows(raw, history, self.horizon, stride, self.shortest, season, to_score=to_score)

    def to_fit(self, train: Examples) -> Examples:
        windows = cast(Windows, train)
        return Tiles(windows.series, windows.history, self.shortest)

    def fit(self, train: Examples) -> Learnt:
        """Return the targets' deviations `scale` (C,), and of each series the mean seasonal change `error` (S + 1, C).

        The last row of `error` is of a series that is not among those of the training split.
        """
        windows = cast(Windows, train)
        values = [windows.series.target_values(number) for number in range(len(windows.series))]
        changes = [naive_scale(each, windows.season) for each in values]
        with np.errstate(invalid="ignore"):
            scale = np.nanstd(np.concatenate(values), axis=0)
        unknown = np.full_like(scale, np.nan)
        return {
            "scale": np.where(scale > 0, scale, 1).astype(np.float32),
            "error": np.array([*changes, unknown], np.float32),
            "series": np.array(list(windows.series.ids), np.str_),
        }

    def shape(self, target: Field) -> tuple[int, ...]:
        return self.horizon, self._parameters, len(target.names)

    @property
    def _parameters(self) -> int:
        return {"point": 1, "normal": 2, "quantiles": len(self.levels)}[self.output]

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        truth = batch["ahead"]
        weights = tf.reshape(batch["weights"], [-1, 1, 1])
        if len(outputs.shape) == 5:  # (B, T, H, P, C): every step forecasts
            from rnnlab.layers.horizon import ahead_of_each_step
            from rnnlab.layers.time import valid_steps

            steps = tf.where(batch["known"], batch["observed"], np.nan)
            truth = ahead_of_each_step(steps, truth, batch["lengths"])
            valid = valid_steps(batch["lengths"], tf.shape(outputs)[1])[:, :, tf.newaxis, tf.newaxis]
            # Before a target's first value that is known, its steps may have been filled in from a later one.
            begun = tf.cumsum(tf.cast(batch["known"], tf.int32), axis=1) > 0
            if "begun" in batch:  # in what lies before this segment of the series
                begun |= batch["begun"][:, tf.newaxis]
            valid *= tf.cast(begun, valid.dtype)[:, :, tf.newaxis]
            weights = weights[..., tf.newaxis] * valid
        known = tf.math.is_finite(truth)
        losses = self._losses(outputs, tf.where(known, truth, 0.0))
        return losses, tf.cast(known, tf.float32) * weights

    def _losses(self, outputs: Any, truth: Any) -> Any:
        """Return (…, H, C) of outputs (…, H, P, C) and targets (…, H, C)."""
        import tensorflow as tf

        if self.output == "quantiles":
            error = truth[..., tf.newaxis, :] - _quantiles(outputs, self.levels.index(0.5))
            levels = tf.constant(self.levels, tf.float32)[:, tf.newaxis]
            return 2 * tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-2)
        error = truth - outputs[..., 0, :]
        if self.output == "normal":
            deviation = _deviation(outputs[..., 1, :])
            return tf.math.log(deviation) + 0.5 * tf.square(error / deviation) + 0.5 * np.log(2 * np.pi)
        if self.loss == "squared":
            return tf.square(error)
        if self.loss == "absolute":
            return tf.abs(error)
        return tf.where(tf.abs(error) <= 1, 0.5 * tf.square(error), tf.abs(error) - 0.5)

    def final(self, outputs: Any, lengths: Any) -> Any:
        """Return (B, H, P, C): of outputs of every step (B, T, H, P, C), those of the last one."""
        import tensorflow as tf

        return tf.gather(outputs, tf.maximum(lengths - 1, 0), batch_dims=1) if len(outputs.shape) == 5 else outputs

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `values` (B, H, C), and unless they are points `quantiles` (B, H, C, Q)."""
        import tensorflow as tf

        outputs = self.final(outputs, lengths)
        answers = {"values": outputs[..., 0, :]}
        if self.output == "quantiles":
            answers["quantiles"] = tf.transpose(_quantiles(outputs, self.levels.index(0.5)), [0, 1, 3, 2])
        elif self.output == "normal":
            from scipy.special import ndtri

            deviation = _deviation(outputs[..., 1, :])[..., tf.newaxis]
            answers["quantiles"] = answers["values"][..., tf.newaxis] + deviation * ndtri(self.levels).astype("float32")
        return answers

    def constants(self) -> dict[str, Any]:
        return {} if self.output == "point" else {"levels": np.array(self.levels, np.float32)}

    def per_series(self, learnt: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"scale": learnt["error"]}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        return self.constants()

    def metric_names(self, target: Field) -> Sequence[str]:
        points = ("mae", "rmse", "mase", "smape", "mape")
        return points if self.output == "point" else (*points, "wql", "coverage")


def _quantiles(outputs: Any, median: int) -> Any:
    """Return ascending quantiles (…, Q, C) of outputs (…, Q, C): the median, then the steps up, then those down.

    Args:
        outputs: as the network gives them.
        median: the median's place among the quantiles.
    """
    import tensorflow as tf

    above = outputs.shape[-2] - 1 - median
    middle, up, down = outputs[..., :1, :], outputs[..., 1 : 1 + above, :], outputs[..., 1 + above :, :]
    higher = middle + tf.cumsum(tf.nn.softplus(up), axis=-2)
    lower = middle - tf.cumsum(tf.nn.softplus(down), axis=-2)
    return tf.concat([tf.reverse(lower, axis=[-2]), middle, higher], axis=-2)


def _deviation(output: Any) -> Any:
    """Return a positive deviation."""
    import tensorflow as tf

    return tf.nn.softplus(output) + 1e-3
