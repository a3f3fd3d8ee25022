"""A chain of tags: which one follows which counts, too."""

from __future__ import annotations

from typing import Any

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads._steps import TagHead


class Crf(TagHead):
    """Reads the sequence into a linear-chain conditional random field (Lafferty et al. 2001).

    The outputs are the scores of each tag after each other, (T, C, C); of all sequences of tags the best is the answer.
    """

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        from rnnlab.layers.crf import LinearChain

        return LinearChain(name="outputs")(self.scores(encoded, shape, "scores"), encoded.lengths)
