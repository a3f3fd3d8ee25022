"""Exact match: the share of texts that are right as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.metrics import Sums
from rnnlab.metrics._sums import count, quotient, total
from rnnlab.metrics._texts import TextMetric

ENDS = r"^[\s\v\pZ]+|[\s\v\pZ]+$"  # white space of every script


class ExactMatch(TextMetric):
    """The share of texts that are the true ones, character by character, but for white space at their ends."""

    definition: ClassVar[str] = "share of texts that are right as a whole, but for white space at their ends, 0–1"

    lowercase: bool = Field(False, description="compare in lower case")

    def full_definition(self) -> str:
        return f"{self.definition}{'; in lower case' if self.lowercase else ''}"

    def sums(self, answers: Mapping[str, Any], batch: Mapping[str, Any]) -> Sums:
        import tensorflow as tf

        texts, true = (tf.strings.regex_replace(each, ENDS, "") for each in (answers["texts"], batch["texts"]))
        if self.lowercase:
            texts, true = (tf.strings.lower(each, encoding="utf-8") for each in (texts, true))
        return {"total": total(texts == true, batch["weights"]), "count": count(batch["weights"])}

    def value(self, sums: Mapping[str, NDArray[np.float64]]) -> float:
        return quotient(sums)
