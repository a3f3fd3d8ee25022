"""Tasks: the question. One file each; its name is the YAML name.

A task is a declaration: the head that serves it, its loss, its answers and its metrics. What it learns from the
training targets (class weights, the target's scale) is arrays, kept in the run folder and handed to it.

Axes: B batch, C classes or numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from rnnlab.metrics import METRICS, Metric
from rnnlab.registry import Registry
from rnnlab.signature import Field
from rnnlab.strict import Strict

Learnt = dict[str, NDArray[Any]]


class Task(Strict, ABC):
    """The question asked of the data.

    Class attributes:
        targets: the kinds of target field that it asks for.
        head: the name of the head that serves it by default.
    """

    targets: ClassVar[frozenset[str]]
    head: ClassVar[str]

    @abstractmethod
    def fit(self, target: Field, targets: NDArray[Any]) -> Learnt:
        """Return what is learnt from the training targets, as arrays by name.

        Raises:
            DataError: the targets can't be learnt from, such as one class only.
        """

    @abstractmethod
    def outputs(self, target: Field) -> int:
        """Return how many outputs the head needs."""

    @abstractmethod
    def losses(self, outputs: Any, targets: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return the loss of each row, (B,) float32, of outputs (B, C) and targets; TensorFlow ops only."""

    @abstractmethod
    def answers(self, outputs: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return the answers by name, of outputs (B, C), in the target's own terms; TensorFlow ops only."""

    @abstractmethod
    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        """Return what an export gives beside, such as class names (B,); TensorFlow ops only."""

    @abstractmethod
    def metric_names(self, target: Field) -> Sequence[str]:
        """Return the names of the metrics for this target, the main one first."""

    def metrics(self, target: Field) -> dict[str, Metric]:
        """Return the metrics for this target by name, the main one first."""
        return {name: METRICS.load(name)() for name in self.metric_names(target)}


TASKS: Registry[Task] = Registry("rnnlab.tasks", Task, "kind")
