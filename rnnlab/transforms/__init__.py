"""Transforms: how examples are prepared. One file each; its name is the YAML name.

A transform is fitted on the training split alone. What it learnt is arrays, kept in the run folder. It is applied by
TensorFlow functions over batches, so the very same object prepares training data and runs inside the exported model.

Forecasts are prepared, too. A window is what `apply` is given: rows of raw values (B, T, F), right-padded, NaN where
they are missing. Ahead of it lie the H steps that follow each row's last valid one, (B, H, F): the same features, of
which the targets come first (NaN where nobody knows them), then past covariates (always NaN), then what is known of
the future. A transform may add columns at the end only, so the first C columns stay the targets.

Axes: B batch, T time, F features, N examples, S series, H horizon, C targets, Q values of one answer (quantiles).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError, UserError, did_you_mean
from rnnlab.examples import Examples, FlatExamples
from rnnlab.registry import Registry
from rnnlab.signature import Field as InputField
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict, shown

Learnt = dict[str, NDArray[Any]]
Names = Annotated[list[str], Field(min_length=1)]
# Ends the name of a column that `impute` adds, 1 where a value was missing; by default, others leave it as it is.
ADDED = " (missing)"


class Transform(Strict, ABC):
    """One step of preparation of one input field.

    Class attributes:
        reads: the kinds of field that it prepares.
    """

    reads: ClassVar[frozenset[Kind]] = frozenset({"series"})

    field: str | None = Field(None, description="the input field that is prepared; default: the first")

    @property
    def forecasts(self) -> bool:
        """Whether there is `extend` and `invert`; without them it can't prepare what is forecast."""
        return False

    @property
    def causal(self) -> bool:
        """Whether no step that it prepares has seen a later one."""
        return True

    @property
    def fills(self) -> bool:
        """Whether it fills in missing values."""
        return False

    def adds_up(self, horizon: int) -> bool:
        """Whether `invert` adds up answers about several of so many steps: quantiles of sums are no sums of them."""
        return False

    @property
    def per_series(self) -> bool:
        """Whether each series has numbers of its own.

        Then `fit` needs `train.groups`, the number of each example's series, and returns arrays of (S + 1, F), the last
        row over all series, for those that training has not seen; S is the largest number and one. The other methods
        are given each row's own, (B, 1, F).
        """
        return False

    @property
    def lost(self) -> int:
        """How many steps a window loses."""
        return 0

    @property
    def shortens(self) -> bool:
        """Whether it leaves out what a longer window has more."""
        return False

    @property
    def aligned(self) -> bool:
        """Whether each step that comes out is that step which went in, so that it keeps its tag."""
        return not self.lost and not self.shortens

    @property
    def closing(self) -> int:
        """How many steps it puts behind the last one, which say that nothing follows."""
        return 0

    @property
    def spells(self) -> bool:
        """Whether it puts the characters of a token beside it."""
        return False

    def remaining(self, steps: int) -> int:
        """Return how many of a window's steps are left; below 1: so many are wanting."""
        return steps - self.lost

    @abstractmethod
    def fit(self, train: Examples) -> Learnt:
        """Return what is learnt from the training examples, as arrays by name."""

    @abstractmethod
    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return (B, T', F') float32 and lengths (B,) int32, from (B, T, F) and lengths; TensorFlow ops only.

        Padded steps may hold anything going in and coming out.
        """

    def extend(self, ahead: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return (B, H, F') float32: what `apply` would make of the steps ahead of a window; TensorFlow ops only.

        A missing value stays missing, and makes no other column's values missing.

        Args:
            ahead: (B, H, F), the steps that follow each row's last valid one.
            window: (B, T, F), as `apply` is given it.
            lengths: (B,), as `apply` is given them.
            learnt: as `apply` is given it.

        Raises:
            UserError: this transform can't prepare what is forecast.
        """
        raise UserError(self._no_forecasts())

    def invert(self, answers: Any, window: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return answers (B, H, C, Q) in the units that `apply` was given, from answers in those that it gave.

        It undoes `extend` on the targets, which are the first C columns, and never changes the order of a step's Q
        values, so quantiles stay in order.

        Args:
            answers: (B, H, C, Q).
            window: (B, T, F), as `apply` was given it.
            lengths: (B,), as `apply` was given them.
            learnt: as `apply` is given it.

        Raises:
            UserError: this transform can't prepare what is forecast.
        """
        raise UserError(self._no_forecasts())

    def signature(self, before: Signature, learnt: Mapping[str, NDArray[Any]]) -> Signature:
        """Return the signature of what `apply` gives."""
        return before

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        """Return what the user should know of how the splits came out, one line each."""
        return ()

    def _no_forecasts(self) -> str:
        return f"transforms: {TRANSFORMS.name_of(self)}, as it is set, can't be used to forecast; remove it"


class ColumnTransform(Transform, ABC):
    """A transform of some of the features, the others staying as they are."""

    columns: Names | None = Field(
        None, description="the features that are prepared; default: all that are not known of the future"
    )

    def prepares(self, name: str, future: frozenset[str]) -> bool:
        """Return whether a feature is prepared by default, of some that are known of the future."""
        return name not in future and not name.endswith(ADDED)

    def chosen(self, signature: Signature) -> NDArray[np.bool_]:
        """Return (F,) bool: which features are prepared.

        Raises:
            DataError: `columns` names one that is not there.
        """
        names = feature_names(input_field(signature, self.field))
        for name in self.columns or ():
            if name not in names:
                raise DataError(f"transforms: column {shown(name)} is not in the data{did_you_mean(name, names)}")
        if self.columns is not None:
            return np.array([name in self.columns for name in names])
        future = frozenset(name for each in signature.inputs if each.kind == "future" for name in each.names)
        return np.array([self.prepares(name, future) for name in names])


TRANSFORMS: Registry[Transform] = Registry("rnnlab.transforms", Transform, "name")


def input_field(signature: Signature, name: str | None) -> InputField:
    """Return the input field of this name; None: the first."""
    return next(each for each in signature.inputs if name in (None, each.name))


def feature_names(field: InputField) -> tuple[str, ...]:
    """Return the names of a field's features; their numbers where they have none."""
    return field.names or tuple(map(str, range(field.shape[0])))


def valid_steps(values: Any, lengths: Any) -> Any:
    """Return (B, T, 1) bool: which steps are no padding."""
    import tensorflow as tf

    return tf.range(tf.shape(values)[1])[tf.newaxis, :, tf.newaxis] < lengths[:, tf.newaxis, tf.newaxis]


def on_known(function: Callable[[Any], Any], values: Any) -> Any:
    """Return function(values), NaN where values are; what is missing reaches neither the function nor its gradient."""
    import tensorflow as tf

    missing = tf.math.is_nan(values)
    return tf.where(missing, values, function(tf.where(missing, tf.ones_like(values), values)))


def series_numbers(train: Examples) -> NDArray[np.int64]:
    """Return the number of each example's series, (N,).

    Raises:
        DataError: the examples are of no numbered series.
    """
    numbers = None if train.groups is None else np.asarray(train.groups)
    if numbers is None or numbers.dtype.kind not in "iu":
        raise DataError("transforms: 'over: series' needs series to forecast; use 'over: window' or 'over: training'")
    return numbers.astype(np.int64)


def masked_moments(
    train: Examples, field: str | None, per_series: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each feature's mean and standard deviation over all known training steps, in one pass (Chan et al. 1979).

    Both are (F,), or (S + 1, F) per series, the last row over all series and also in place of one that knows nothing.
    Where no step is known, both are 0.
    """
    numbers = series_numbers(train) if per_series else np.zeros(len(train), np.int64)
    chosen = input_field(train.signature, field)
    shape = (int(numbers.max(initial=0)) + 1, *chosen.shape)
    count, mean, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for index, number in enumerate(numbers):
        values = np.asarray(train.read(index)[chosen.name], np.float64)
        known = ~np.isnan(values)
        new = known.sum(axis=0)
        new_mean = np.where(known, values, 0).sum(axis=0) / np.maximum(new, 1)
        delta, total = new_mean - mean[number], np.maximum(count[number] + new, 1)
        spread = (np.where(known, values - new_mean, 0) ** 2).sum(axis=0)
        squares[number] += spread + delta**2 * count[number] * new / total
        mean[number] += delta * new / total
        count[number] += new
    if not per_series:
        return mean[0], np.sqrt(squares[0] / np.maximum(count[0], 1))
    total = np.maximum(count.sum(axis=0), 1)
    middle = (mean * count).sum(axis=0) / total
    spread = np.sqrt((squares + count * (mean - middle) ** 2).sum(axis=0) / total)
    unknown, deviation = count == 0, np.sqrt(squares / np.maximum(count, 1))
    mean, deviation = np.where(unknown, middle, mean), np.where(unknown, spread, deviation)
    return np.concatenate([mean, middle[np.newaxis]]), np.concatenate([deviation, spread[np.newaxis]])
