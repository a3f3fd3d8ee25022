"""A `.keras` file: the network only, for going on with it in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.errors import ExportError, told
from rnnlab.examples import FlatExamples
from rnnlab.export import Answers, ExportFormat
from rnnlab.prediction import Predictor, stack


class Keras(ExportFormat):
    """The network as a `.keras` file, without preparation.

    Prepared fields and lengths go in, logits or standardised numbers come out; of answers in tokens `tokens` (B, N, L),
    their `ranks` (B, N), and `scores` (B, L, V): logits behind each token of the `teacher` (B, L) that goes in; of
    transcripts `scores` (B, T', V), logits of each step, and `lengths` (B,), how many steps are valid.
    Loading it needs rnnlab's layers: `import rnnlab.layers.registered`.
    """

    suffix = ".keras"
    prepared = True
    note = (
        "the network only: it expects prepared input (fields and lengths) and gives outputs before softmax or scaling, "
        "of answers in tokens their numbers and ranks, and the scores of what may follow each token of a `teacher`; "
        "import rnnlab.layers.registered before keras.saving.load_model"
    )

    def write(self, predictor: Predictor, path: Path) -> None:
        predictor.network.save(path)

    def ask(self, predictor: Predictor, path: Path, examples: FlatExamples) -> tuple[Answers, Answers]:
        import keras
        import tensorflow as tf

        series = tf.constant(predictor.series_numbers(examples.series, len(examples)))
        inputs = predictor.network_inputs(*stack(examples, np.arange(len(examples))), series)
        try:
            loaded = keras.saving.load_model(path, compile=False, safe_mode=True)
        except (ValueError, TypeError) as error:
            reason = told(error)
            raise ExportError(f"{path}: not loaded: {reason}") from None
        return _named(loaded(inputs, training=False)), _named(predictor.network(inputs, training=False))


def _named(outputs: Any) -> Answers:
    """Return outputs by name; a network with one of them has no name for it."""
    several = outputs if isinstance(outputs, dict) else {"outputs": outputs}
    return {name: np.asarray(values) for name, values in several.items()}
