"""What metrics of texts share: sacrebleu's counts of each pair of texts, which add up over a corpus.

Axes: B batch, S the counts of one pair.

Reference: Post, "A Call for Clarity in Reporting BLEU Scores", 2018.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.metrics import Answer, Metric, Sums
from rnnlab.signature import Kind


class TextMetric(Metric):
    """A metric of whole texts."""

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    targets: ClassVar[frozenset[Kind]] = frozenset({"string"})
    needs: ClassVar[Answer] = "texts"


class CorpusMetric(TextMetric):
    """A score of sacrebleu's over all texts together, each held against one true text."""

    @abstractmethod
    def build(self) -> Any:
        """Return a new metric of sacrebleu's."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many counts sacrebleu keeps of a pair: S."""

    @cached_property
    def scorer(self) -> Any:
        """The one metric of sacrebleu's that counts and scores; nothing of a text stays in it."""
        return self.build()

    def full_definition(self) -> str:
        scorer = self.build()
        scorer.corpus_score(["a"], [["a"]])  # before, it has no signature: it does not know of how many true texts
        return f"{self.definition}; sacrebleu signature {scorer.get_signature()}"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        """Return the sums of sacrebleu's counts, (S,), and how many pairs they are of."""
        import tensorflow as tf

        texts, true = (tf.convert_to_tensor(each) for each in (answers["texts"], batch["texts"]))
        weights = tf.cast(batch["weights"], tf.float64)
        counts = tf.numpy_function(self._counts, [texts, true, weights], tf.float64, stateful=False)
        return {"counts": tf.ensure_shape(counts, [self.size]), "count": tf.reduce_sum(weights)}

    def _counts(
        self, texts: NDArray[np.object_], true: NDArray[np.object_], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted sum (S,) of the counts of all rows that count."""
        counted = np.flatnonzero(weights)
        if not len(counted):
            return np.zeros(self.size, np.float64)
        answered, asked = ([each[row].decode(errors="replace") for row in counted] for each in (texts, true))
        # sacrebleu's base class has one method that counts, and one that scores sums of counts; so its significance
        # tests use them, too. Those that are public do both at once.
        rows = self.scorer._extract_corpus_statistics(answered, [asked])  # (B, S)
        return np.asarray(weights[counted] @ np.asarray(rows, np.float64), np.float64)

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        if not sums["count"]:
            return float("nan")
        return float(self.scorer._compute_score_from_stats(np.asarray(sums["counts"]).tolist()).score)
