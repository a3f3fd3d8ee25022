"""The commonest answer of the training examples: the one that knows nothing of the input."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._texts import as_answer, commonest_target
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class MostFrequentTarget(Baseline):
    """Answers everything with the text that is the target most often; of equally frequent ones the first in order."""

    title: ClassVar[str] = "most frequent target"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence", "transcription"})
    inputs: ClassVar[frozenset[Kind]] = frozenset(get_args(Kind))

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return as_answer([commonest_target(train)] * len(test))
