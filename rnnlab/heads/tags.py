"""One score per tag at every step."""

from __future__ import annotations

from typing import Any

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads._steps import TagHead


class Tags(TagHead):
    """Reads every step into one logit per tag; each step is answered by itself, by a softmax."""

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        return self.scores(encoded, shape, "outputs")
