"""Baselines: what a simple method scores on the same split. One file each; its name is the row's name in the table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples
from rnnlab.registry import Registry
from rnnlab.signature import Field, Kind
from rnnlab.strict import Strict


class NotApplicable(Exception):
    """A baseline cannot be computed on this data; the message is the reason that the table prints."""


class Baseline(Strict, ABC):
    """A simple method, fitted on the very examples that the network was trained on.

    Class attributes:
        title: the row's title in the table.
        tasks: the kinds of task that it serves.
        inputs: the kinds of raw input that it reads; of sound, one that reads series is given what is prepared.
        calibrated: whether its probabilities are estimates, not just a decision in the form of 0 and 1.
        prepared: whether it is given examples as the network is: prepared, with answers in tokens.
    """

    title: ClassVar[str]
    tasks: ClassVar[frozenset[str]]
    inputs: ClassVar[frozenset[Kind]] = frozenset({"series"})
    calibrated: ClassVar[bool] = True
    prepared: ClassVar[bool] = False

    def check(self, train: Examples, test: Examples, field: Field) -> None:
        """Refuse what would take too long; this is asked before examples are prepared.

        Args:
            train: as the source gives it.
            test: likewise.
            field: the first input field, as `answers` is given it.

        Raises:
            NotApplicable: with the reason.
        """

    @abstractmethod
    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        """Return answers for the test examples in the task's form.

        These are `probabilities` (N, C), `values` (N, C), `tags` (N, T), -1 in the padding, `texts` (N,), bytes in
        UTF-8, or `surprisal` (N,) of all tokens of an example and `asked` (N,), how many these are.

        Raises:
            NotApplicable: with the reason.
        """


def series(examples: Examples) -> list[NDArray[np.float32]]:
    """Return every example's first input field, (T, F) each."""
    name = examples.signature.inputs[0].name
    return [np.asarray(examples.read(index)[name], np.float32) for index in range(len(examples))]


def known_targets(examples: Examples) -> NDArray[Any]:
    """Return the training targets.

    Raises:
        NotApplicable: they are not known, or there are no examples.
    """
    if examples.targets is None or not len(examples):
        raise NotApplicable("there are no training examples with targets")
    return examples.targets


def target_field(examples: Examples) -> Field:
    """Return the field that is asked for.

    Raises:
        NotApplicable: the examples have none.
    """
    if examples.signature.target is None:
        raise NotApplicable("there are no training examples with targets")
    return examples.signature.target


BASELINES: Registry[Baseline] = Registry("rnnlab.baselines", Baseline, "baseline")
