"""What a trained run promises of its answers, whatever kind of input it reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnnlab.export import export
from rnnlab.prediction import Predictor

from .made import pad_with, worst_padding


def assert_export_answers_alike(
    predictor: Predictor, field: str, sequences: Sequence[np.ndarray], width: int, folder: Path
) -> None:
    """Check that an export classifies raw sequences, padded to a width with what is no number, as the run does."""
    path, difference = export(predictor, "saved_model", folder / "saved")
    assert difference <= 1e-5
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    lengths = np.array([len(each) for each in sequences], np.int32)
    answers = serve(**{field: pad_with(sequences, width, worst_padding(sequences))}, lengths=lengths)
    expected = predictor.predict(sequences)
    np.testing.assert_allclose(answers["probabilities"], expected["probabilities"], atol=1e-5)
    assert [each.decode() for each in answers["classes"].numpy()] == expected["classes"].tolist()


def assert_padding_changes_nothing(
    predictor: Predictor, field: str, sequences: Sequence[np.ndarray], *paddings: tuple[int, float | None]
) -> None:
    """Check that a run classifies sequences alike by each padding, a width and a value; see `pad_with`."""
    lengths = np.array([len(each) for each in sequences], np.int32)
    answers = []
    for width, value in paddings:
        given = {field: tf.constant(pad_with(sequences, width, value))}
        answers.append(np.asarray(predictor.forward(given, lengths)["probabilities"]))
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0], atol=1e-5)
