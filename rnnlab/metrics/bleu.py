"""BLEU: the share of the answers' word sequences that the true texts have, too."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from rnnlab.metrics._texts import CorpusMetric

Tokenizer = Literal["13a", "intl", "char", "zh", "none"]
ORDERS = 4  # sequences of one to four tokens


class Bleu(CorpusMetric):
    """The geometric mean of the precisions of sequences of one to four tokens, lowered where answers are too short.

    Of all texts together, through sacrebleu, with its exponential smoothing.

    References: Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", 2002; Post, 2018.
    """

    definition: ClassVar[str] = (
        "BLEU of all texts together, 0–100: precision of sequences of 1 to 4 tokens, less where answers are too short"
    )

    lowercase: bool = Field(
        True, description="compare in lower case, as is usual for Multi30k; figures of WMT are of texts as written"
    )
    tokenizer: Tokenizer = Field(
        "13a", description="sacrebleu's name of what cuts texts into tokens; 13a is the one of WMT, and its default"
    )

    def build(self) -> Any:
        from sacrebleu.metrics.bleu import BLEU

        # `force`: no warning that texts look cut into tokens; whoever trains on such texts answers with such texts.
        return BLEU(lowercase=self.lowercase, tokenize=self.tokenizer, force=True)

    @property
    def size(self) -> int:
        return 2 + 2 * ORDERS  # both lengths, and for each order how many are right, and how many there are
