"""Impute: missing values made up from known ones of the same window, never from what comes after it.

Axes: B batch, T time, F features, G of them imputed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.examples import Examples
from rnnlab.signature import Signature
from rnnlab.transforms import (
    ADDED,
    ColumnTransform,
    Learnt,
    Names,
    feature_names,
    input_field,
    masked_moments,
    valid_steps,
)


class Impute(ColumnTransform):
    """Fill in missing values (NaN) from the known ones of the same feature and window.

    Before the first known value stands that one, after the last known value that one. A feature of which a window
    knows nothing gets its training mean. What is known of days to come is missing at a stamp without a row: ahead of a
    window the last known value stands there, whatever the method. Targets ahead are never filled in.
    """

    idle_unless = {"season": ("method", lambda method: method == "seasonal")}

    method: Literal["forward", "linear", "seasonal"] = Field(
        "forward",
        description="forward: the last known value; linear: on a line between the known values on both sides; "
        "seasonal: the last known value whole seasons before, and where there is none as linear does",
    )
    season: int | None = Field(None, ge=2, description="the steps of a season, which `seasonal` needs")
    indicator: bool = Field(
        False,
        description="add a feature for each that is imputed: 1 where it was missing, else 0; where `columns` are not "
        "named, for those that are not known of the future",
    )
    columns: Names | None = Field(None, description="the features that are filled in; default: all")

    @model_validator(mode="after")
    def _has_season(self) -> Impute:
        if self.method == "seasonal" and self.season is None:
            raise ValueError("method: seasonal needs 'season', the number of steps of a season")
        return self

    @property
    def forecasts(self) -> bool:
        return True

    @property
    def causal(self) -> bool:
        return self.method == "forward"

    @property
    def fills(self) -> bool:
        return True

    def prepares(self, name: str, future: frozenset[str]) -> bool:
        return not name.endswith(ADDED)

    def marked(self, signature: Signature) -> NDArray[np.bool_]:
        """Return (F,) bool: which features get an indicator."""
        chosen = self.chosen(signature)
        if not self.indicator:
            return np.zeros_like(chosen)
        return chosen if self.columns is not None else chosen & ~self._known_ahead(signature)

    def fit(self, train: Examples) -> Learnt:
        mean, _ = masked_moments(train, self.field)
        chosen = self.chosen(train.signature)
        return {
            "chosen": chosen,
            "marked": self.marked(train.signature),
            "ahead": chosen & self._known_ahead(train.signature),
            "mean": mean.astype(np.float32),
        }

    def _known_ahead(self, signature: Signature) -> NDArray[np.bool_]:
        """Return (F,) bool: which features are known of the future."""
        future = {name for each in signature.inputs if each.kind == "future" for name in each.names}
        return np.array([name in future for name in feature_names(input_field(signature, self.field))])

    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        numbers = np.flatnonzero(learnt["chosen"])
        some = tf.transpose(tf.gather(values, numbers, axis=2), [0, 2, 1])  # (B, G, T)
        known = tf.transpose(valid_steps(values, lengths), [0, 2, 1]) & ~tf.math.is_nan(some)
        filled = self._filled(some, known)
        mean = tf.gather(learnt["mean"], numbers)[:, tf.newaxis]
        filled = tf.where(tf.reduce_any(known, axis=2, keepdims=True), filled, mean)
        parts = [tf.transpose(tf.where(known, some, filled), [0, 2, 1]), values]
        if self.indicator:
            missing = tf.math.is_nan(tf.gather(values, np.flatnonzero(learnt["marked"]), axis=2))
            parts.append(tf.cast(missing & valid_steps(values, lengths), values.dtype))
        return tf.gather(tf.concat(parts, axis=2), _order(learnt["chosen"], learnt["marked"]), axis=2), lengths

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        import tensorflow as tf

        if learnt["ahead"].any():
            ahead = tf.where(learnt["ahead"], self._carried(ahead, window, lengths, learnt), ahead)
        return tf.pad(ahead, [[0, 0], [0, 0], [0, int(np.sum(learnt["marked"]))]])

    def _carried(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return (B, H, F): of each feature the last value that is known, and before that the window's last one."""
        import tensorflow as tf

        filled, _ = self.apply(window, lengths, learnt)
        last = tf.gather(filled, tf.maximum(lengths - 1, 0), batch_dims=1)[:, tf.newaxis, : ahead.shape[-1]]
        values = tf.transpose(tf.concat([last, ahead], axis=1), [0, 2, 1])  # (B, F, 1 + H)
        before, _ = neighbours(~tf.math.is_nan(values))
        return tf.transpose(_at(values, before), [0, 2, 1])[:, 1:]

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        return answers

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        if not self.indicator:
            return before
        field = input_field(before, self.field)
        names = list(feature_names(field))
        for name in np.array(names)[self.marked(before)]:
            added = f"{name}{ADDED}"
            names.append(added if added not in names else f"{added}{ADDED}")
        return before.with_input(replace(field, shape=(len(names),), names=tuple(names)))

    def _filled(self, values: Any, known: Any) -> Any:
        """Return (B, G, T): what stands where nothing is known."""
        import tensorflow as tf

        before, after = neighbours(known)
        first, last = _at(values, before), _at(values, after)
        if self.method == "forward":
            return first
        steps = tf.broadcast_to(tf.range(tf.shape(values)[2]), tf.shape(values))
        share = tf.cast(steps - before, values.dtype) / tf.cast(tf.maximum(after - before, 1), values.dtype)
        line = first + (last - first) * tf.clip_by_value(share, 0.0, 1.0)
        return line if self.method == "linear" else self._seasonal(values, known, line)

    def _seasonal(self, values: Any, known: Any, otherwise: Any) -> Any:
        import tensorflow as tf

        shape = tf.shape(values)  # (B, G, T)
        seasons = -(-shape[2] // self.season)
        more = [[0, 0], [0, 0], [0, seasons * self.season - shape[2]]]

        def by_phase(each: Any) -> Any:  # (B, G, season, seasons)
            folded = tf.reshape(tf.pad(each, more), [shape[0], shape[1], seasons, self.season])
            return tf.transpose(folded, [0, 1, 3, 2])

        def in_order(each: Any) -> Any:  # (B, G, T)
            return tf.reshape(tf.transpose(each, [0, 1, 3, 2]), [shape[0], shape[1], -1])[:, :, : shape[2]]

        before, _ = neighbours(by_phase(known))
        found = in_order(tf.cumsum(tf.cast(by_phase(known), tf.int32), axis=-1)) > 0
        return tf.where(found, in_order(_at(by_phase(values), before)), otherwise)


def _order(chosen: NDArray[np.bool_], marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the place of each that comes out, among imputed features, all as they were, and indicators."""
    count = int(chosen.sum())
    order = np.where(chosen, np.cumsum(chosen) - 1, count + np.arange(len(chosen)))
    return np.concatenate([order, count + len(chosen) + np.arange(int(marked.sum()))])


def neighbours(known: Any) -> tuple[Any, Any]:
    """Return the places of the last known value up to each step and of the first from it on, (…, T) int32.

    Where there is none, it is the known one on the other side; where there is none at all, any place.
    """
    import tensorflow as tf

    count = tf.cumsum(tf.cast(known, tf.int32), axis=-1)
    end = tf.shape(known)[-1]
    places = tf.minimum(tf.sort(tf.where(known, tf.range(end), end), axis=-1), end - 1)  # the known ones come first
    before = tf.maximum(count - 1, 0)
    after = tf.minimum(count - tf.cast(known, tf.int32), tf.maximum(count[..., -1:] - 1, 0))
    return _at(places, before), _at(places, after)


def _at(values: Any, places: Any) -> Any:
    import tensorflow as tf

    return tf.gather(values, places, axis=-1, batch_dims=len(places.shape) - 1)
