"""Transforms: how examples are prepared. One file each; its name is the YAML name.

A transform is fitted on the training split alone. What it learnt is arrays, kept in the run folder. It is applied by
TensorFlow functions over batches, so the very same object prepares training data and runs inside the exported model.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.examples import Examples
from rnnlab.registry import Registry
from rnnlab.signature import Signature
from rnnlab.strict import Strict

Learnt = dict[str, NDArray[Any]]


class Transform(Strict, ABC):
    """One step of preparation of one input field."""

    field: str = Field("sequence", description="the input field that is prepared")

    @abstractmethod
    def fit(self, train: Examples) -> Learnt:
        """Return what is learnt from the training examples, as arrays by name."""

    @abstractmethod
    def apply(self, values: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return (B, T', F') float32 and lengths (B,) int32, from (B, T, F) and lengths; TensorFlow ops only.

        Padded steps may hold anything going in and coming out.
        """

    def signature(self, before: Signature) -> Signature:
        """Return the signature of what `apply` gives."""
        return before


TRANSFORMS: Registry[Transform] = Registry("rnnlab.transforms", Transform, "name")


def masked_moments(train: Examples, field: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each feature's mean and standard deviation over all training steps, in one pass (Chan et al. 1979)."""
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for index in range(len(train)):
        values = np.asarray(train.read(index)[field], np.float64)
        if not len(values):
            continue
        new_mean = values.mean(axis=0)
        delta, total = new_mean - mean, count + len(values)
        squares = squares + ((values - new_mean) ** 2).sum(axis=0) + delta**2 * count * len(values) / total
        mean = mean + delta * len(values) / total
        count = total
    return np.asarray(mean), np.sqrt(squares / max(count, 1))
