"""The text that goes in, as it is: what a network must beat to have changed it for the better."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from rnnlab.baselines import Baseline
from rnnlab.baselines._texts import as_answer, source_texts
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class CopySource(Baseline):
    """Answers each text with itself."""

    title: ClassVar[str] = "the source, copied"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"text"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        return as_answer(source_texts(test))
