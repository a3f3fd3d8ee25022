"""TensorFlow SavedModel: raw sequences in, final answers out; loads with TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnlab.examples import FlatExamples
from rnnlab.export import Answers, ExportFormat
from rnnlab.prediction import Predictor, to_numpy
from rnnlab.preparation import pad


class SavedModel(ExportFormat):
    """A TensorFlow SavedModel with the preparation inside.

    Signature `serving_default`: the input field (B, T, F) float32, raw and right-padded with anything, and `lengths`
    (B,) int32; gives `probabilities` (B, C) and `classes` (B,) of text, or `values` (B, C). TensorFlow Serving, or
    `tf.saved_model.load` with TensorFlow alone, runs it.
    """

    suffix = ""
    note = (
        "raw sequences in, final answers out; needs TensorFlow only: "
        "tf.saved_model.load(PATH).signatures['serving_default']"
    )

    def write(self, predictor: Predictor, path: Path) -> None:
        import tensorflow as tf

        (field,) = predictor.signature.inputs
        target = predictor.signature.known_target
        module = tf.Module()
        module.variables_of_network = [variable.value for variable in predictor.network.variables]

        def serve(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            answers = predictor.forward({field.name: inputs[field.name]}, inputs["lengths"])
            return {**answers, **predictor.experiment.task.final_answers(answers, target)}

        function = tf.function(serve).get_concrete_function(
            **{
                field.name: tf.TensorSpec([None, None, *field.shape], tf.float32, field.name),
                "lengths": tf.TensorSpec([None], tf.int32, "lengths"),
            }
        )
        module.serve = function
        tf.saved_model.save(module, str(path), signatures={"serving_default": function})

    def ask(self, predictor: Predictor, path: Path, examples: FlatExamples) -> tuple[Answers, Answers]:
        import tensorflow as tf

        name = examples.signature.inputs[0].name
        padded = pad([np.asarray(examples.read(index)[name], np.float32) for index in range(len(examples))])
        served = tf.saved_model.load(str(path)).signatures["serving_default"]
        theirs = served(**{name: tf.constant(padded), "lengths": tf.constant(examples.lengths, tf.int32)})
        answers = {key: to_numpy(value) for key, value in theirs.items()}
        return answers, predictor.final_answers(examples)
