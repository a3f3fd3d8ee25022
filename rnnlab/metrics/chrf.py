"""chrF: the share of character sequences that answers and true texts have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from rnnlab.metrics._texts import CorpusMetric

ORDERS = 6  # sequences of one to six characters


class Chrf(CorpusMetric):
    """The F score, recall twice as important as precision, of sequences of one to six characters, without white space.

    Of all texts together, through sacrebleu.

    Reference: Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015.
    """

    definition: ClassVar[str] = (
        "chrF2 of all texts together, 0–100: F score of sequences of 1 to 6 characters, recall twice as important"
    )

    lowercase: bool = Field(False, description="compare in lower case; by default as written, as sacrebleu does")

    def build(self) -> Any:
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(char_order=ORDERS, lowercase=self.lowercase)

    @property
    def size(self) -> int:
        return 3 * ORDERS  # for each order how many are answered, are true, and are both
