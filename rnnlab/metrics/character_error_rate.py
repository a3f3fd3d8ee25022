"""Character error rate: how many characters are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rnnlab.metrics._errors import ErrorRate


class CharacterErrorRate(ErrorRate):
    """The least edits that make answers of true texts, a character of these, of all texts together.

    White space at a text's ends does not count; that within it does.
    """

    definition: ClassVar[str] = "characters put in, left out or changed, a character of the true texts, 0 or more"

    def compare(self, true: Sequence[str], answered: Sequence[str]) -> Any:
        import jiwer

        return jiwer.process_characters(list(true), list(answered))
