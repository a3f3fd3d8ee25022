"""Word error rate: how many words are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rnnlab.metrics._errors import ErrorRate


class WordErrorRate(ErrorRate):
    """The least edits that make answers of true texts, a word of these, of all texts together.

    Words are what stands between spaces.
    """

    definition: ClassVar[str] = "words put in, left out or changed, a word of the true texts, 0 or more"

    def compare(self, true: Sequence[str], answered: Sequence[str]) -> Any:
        import jiwer

        return jiwer.process_words(list(true), list(answered))
