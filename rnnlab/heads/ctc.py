"""Connectionist temporal classification: labels of a text, in order, without saying at which steps."""

from __future__ import annotations

from typing import Any

from rnnlab.architectures import Encoded, Horizon
from rnnlab.heads._steps import StepHead


class Ctc(StepHead):
    """Reads every step into one logit per token and one of the blank, which says nothing (Graves et al. 2006).

    The outputs are a dict: `scores` (B, T', V), and `lengths` (B,), how many of the T' steps are valid. An encoder may
    shorten the sequence, as long as steps enough are left for the text.
    """

    tasks = frozenset({"transcription"})

    def read(self, encoded: Encoded, shape: tuple[int, ...], horizon: Horizon | None) -> Any:
        import keras

        lengths = keras.layers.Identity(name="steps", dtype="int32")(encoded.lengths)
        return {"scores": self.scores(encoded, shape, "outputs"), "lengths": lengths}
