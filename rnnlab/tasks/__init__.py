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

from rnnlab.decoding.search import Search
from rnnlab.errors import UserError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.metrics import METRICS, Metric
from rnnlab.registry import Registry
from rnnlab.signature import Field
from rnnlab.strict import Strict

Learnt = dict[str, NDArray[Any]]


class Task(Strict, ABC):
    """The question asked of the data.

    Class attributes:
        targets: the kinds of target field that it asks for.
        head: the name of the head that serves it by default; None where an architecture that decodes has to.
    """

    targets: ClassVar[frozenset[str]]
    head: ClassVar[str | None]

    def examples(self, raw: Examples, *, train: bool = False) -> Examples:
        """Return what is asked about: the source's examples, or windows of them.

        Args:
            raw: of the source.
            train: whether they are to be trained on, rather than to be scored.

        Raises:
            DataError: there is nothing to ask about.
        """
        return raw

    def to_answer(self, given: Examples, from_date: str | None = None) -> Examples:
        """Return what is asked about in a file to predict.

        Args:
            given: what the source reads in it.
            from_date: of forecasts, the date from which on nothing is read, and the first that is forecast.

        Raises:
            DataError: there is nothing to ask about.
        """
        if from_date is not None:
            raise UserError("--from-date is for forecasts")
        return given

    def read_part(self, fields: Mapping[str, Any], lengths: Any) -> tuple[Mapping[str, Any], Any]:
        """Return the part of raw fields and lengths that an answer is to be read from; TensorFlow ops only."""
        return fields, lengths

    def to_fit(self, train: Examples) -> Examples:
        """Return the training examples as transforms are fitted on them: every step once."""
        return train

    @abstractmethod
    def fit(self, train: Examples) -> Learnt:
        """Return what is learnt from the training targets, as arrays by name.

        Raises:
            DataError: the targets can't be learnt from, such as one class only.
        """

    def prepared_target(self, target: Field, learnt: Mapping[str, NDArray[Any]]) -> Field:
        """Return the target as the network is asked for it, such as with the tokens of answers."""
        return target

    def prepare(self, examples: FlatExamples, learnt: Mapping[str, NDArray[Any]]) -> FlatExamples:
        """Return prepared examples with their targets as the network is asked for them."""
        return examples

    @abstractmethod
    def shape(self, target: Field) -> tuple[int, ...]:
        """Return the shape of one answer in the network's outputs, such as (C,)."""

    @abstractmethod
    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return the losses and their weights, float32 and of one shape; TensorFlow ops only.

        The loss of a batch is the weighted mean. A row that only fills the batch has the weight 0, and so has what is
        not known.

        Args:
            outputs: (B, …) of the network.
            batch: as the loader made it: `targets`, `weights` (B,), `lengths` (B,), …
            learnt: what `fit` returned.
        """

    def final(self, outputs: Any, lengths: Any) -> Any:
        """Return the outputs that answer, of a network that may ask every step in training; TensorFlow ops only."""
        return outputs

    @abstractmethod
    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return the answers by name, of outputs (B, …), in the target's own terms; TensorFlow ops only.

        Args:
            outputs: (B, …) of the network.
            lengths: (B,) int32, the steps that the network read.
            learnt: what `fit` returned.
        """

    def scored(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return what metrics read, by name; by default `answers`. TensorFlow ops only.

        Args:
            outputs: (B, …) of the network.
            batch: as the loader made it.
            learnt: what `fit` returned.
        """
        return self.answers(outputs, batch["lengths"], learnt)

    def check(self, network: Any, splits: Mapping[str, Examples]) -> None:
        """Refuse examples that a network can't be trained on, before it is.

        Args:
            network: from prepared fields and lengths to outputs.
            splits: by name, prepared.

        Raises:
            DataError: which example, and what it lacks.
        """
        return

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        """Return what the user should know of what is asked for in the splits, one line each.

        Args:
            learnt: what `fit` returned.
            prepared: the splits, as the network is asked about them.
        """
        return ()

    @property
    def self_supervised(self) -> bool:
        """Whether an example's own next steps are what is asked for: there is no target beside it."""
        return False

    @property
    def aligned(self) -> bool:
        """Whether each step has an answer of its own."""
        return False

    @property
    def shortest(self) -> int:
        """The fewest steps of what is asked about."""
        return 1

    @property
    def continuous(self) -> bool:
        """Whether each answer is of all that came before it in its series."""
        return False

    @property
    def writes(self) -> bool:
        """Whether an answer is a text, which an architecture that decodes writes token by token."""
        return False

    @property
    def lowercase(self) -> bool:
        """Whether answers are texts in lower case, against which capitals are not held: by metrics or by figures."""
        return False

    def searching(self, target: Field) -> str:
        """Return how answers that are texts are looked for, such as `greedy`; nothing of other answers."""
        return ""

    def search_within(self, longest: int) -> Search:
        """Return how an answer of at most so many tokens is looked for."""
        return Search(longest)

    def written(self, tokens: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return the tokens of answers, (…, L), as text (…), of a task that `writes`; TensorFlow ops only."""
        raise NotImplementedError(f"{type(self).__name__} writes no answers")

    @property
    def steps_ahead(self) -> int:
        """How many steps to come each answer is about."""
        return 0

    @property
    def skips_steps(self) -> bool:
        """Whether training leaves out answers that could be asked for."""
        return False

    @property
    def spread(self) -> bool:
        """Whether answers say how far off they may be."""
        return False

    @property
    def seasons(self) -> tuple[int, int] | None:
        """Of forecasts, (steps of a season, number of them) whose mean the network reads beside its input, or None."""
        return None

    def constants(self) -> dict[str, Any]:
        """Return what holds for all answers and metrics need to know, such as the levels of quantiles."""
        return {}

    def per_series(self, learnt: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return what metrics need beside a forecast's truth: by name, a row for each series of the training split."""
        return {}

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
