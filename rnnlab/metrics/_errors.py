"""What error rates share: edits over the length of the true texts, of all texts together, through jiwer.

Axes: B batch.

Reference: Levenshtein, "Binary codes capable of correcting deletions, insertions and reversals", 1966.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.metrics import Sums
from rnnlab.metrics._sums import quotient
from rnnlab.metrics._texts import TextMetric


class ErrorRate(TextMetric):
    """The least edits (one is put in, left out, or changed) that make answers of true texts, a token of these."""

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    lowercase: bool = Field(False, description="compare in lower case")

    @abstractmethod
    def compare(self, true: Sequence[str], answered: Sequence[str]) -> Any:
        """Return jiwer's count of edits."""

    def full_definition(self) -> str:
        import importlib.metadata

        case = "; in lower case" if self.lowercase else ""
        return f"{self.definition}{case}; jiwer {importlib.metadata.version('jiwer')}"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        """Return the edits of all pairs, and the length of the true texts."""
        import tensorflow as tf

        texts, true = (tf.convert_to_tensor(each) for each in (answers["texts"], batch["texts"]))
        counts = tf.numpy_function(self._counts, [texts, true, batch["weights"]], tf.float64, stateful=False)
        counts = tf.ensure_shape(counts, [2])
        return {"total": counts[0], "count": counts[1]}

    def _counts(
        self, texts: NDArray[np.object_], true: NDArray[np.object_], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return how many edits there are, and how many tokens the true texts have, (2,), of the rows that count."""
        rows = np.flatnonzero(weights)
        if not len(rows):
            return np.zeros(2)
        answered, asked = ([each[row].decode(errors="replace") for row in rows] for each in (texts, true))
        if self.lowercase:
            answered, asked = ([each.lower() for each in some] for some in (answered, asked))
        found = self.compare(asked, answered)
        edits = found.substitutions + found.deletions + found.insertions
        return np.array([edits, found.hits + found.substitutions + found.deletions], np.float64)

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
