"""TensorFlow SavedModel: raw sequences in, final answers out; loads with TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnlab.examples import FlatExamples
from rnnlab.export import Answers, ExportFormat
from rnnlab.prediction import Predictor, stack, to_numpy


class SavedModel(ExportFormat):
    """A TensorFlow SavedModel with the preparation inside.

    Signature `serving_default`: the input field (B, T, F) float32, such as the points of drawings (B, T, 3) or the
    samples of sound (B, T, 1) at the rate of training, or of frames (B, T, H, W, C) uint8, raw and right-padded with
    anything, and `lengths` (B,) int32; or of words the strings (B, T) and `lengths`; or of text the strings (B,) alone;
    gives `probabilities` (B, C) and `classes` (B,) of text, or `values` (B, C), or of every step `tags` (B, T) and
    `tag_names` (B, T) of text, -1 and empty in the padding, and of a softmax `probabilities` (B, T, C). To forecast, it
    takes also `future` (B, H, K), where anything is known of the steps to come, and the name of each row's `series`
    (B,) where a transform learnt something of each; it gives `values` (B, H, C), and `quantiles` (B, H, C, Q) with
    their `levels` (Q,). Answers that are texts are `texts` (B,) and their `scores` (B,), and of several `candidates`
    and `candidate_scores` (B, N).
    TensorFlow Serving, or `tf.saved_model.load` with TensorFlow alone, runs it.
    """

    suffix = ""
    note = (
        "raw sequences in, final answers out; needs TensorFlow only: "
        "tf.saved_model.load(PATH).signatures['serving_default']"
    )

    def write(self, predictor: Predictor, path: Path) -> None:
        import tensorflow as tf

        target, main = predictor.pipeline.signature.known_target, predictor.signature.inputs[0].name
        inputs = predictor.specs
        if not predictor.reads_text:
            inputs["lengths"] = tf.TensorSpec([None], tf.int32, "lengths")
        module = tf.Module()
        module.variables_of_network = [variable.value for variable in predictor.network.variables]

        if predictor.pipeline.per_series:
            inputs["series"] = tf.TensorSpec([None], tf.string, "series")
            names = tf.constant(list(predictor.learnt["series"]))
            numbers = tf.lookup.KeyValueTensorInitializer(names, tf.range(len(names)))
            module.series = tf.lookup.StaticHashTable(numbers, len(names))

        def serve(**given: tf.Tensor) -> dict[str, tf.Tensor]:
            series = module.series.lookup(given["series"]) if "series" in given else None
            fields = {name: given[name] for name in predictor.shapes}
            lengths = given["lengths"] if "lengths" in given else tf.strings.length(fields[main])
            answers = predictor.forward(fields, lengths, series)
            final = predictor.experiment.task.final_answers(answers, target)
            return {**answers, **{name: tf.convert_to_tensor(value) for name, value in final.items()}}

        function = tf.function(serve).get_concrete_function(**inputs)
        module.serve = function
        tf.saved_model.save(module, str(path), signatures={"serving_default": function})

    def ask(self, predictor: Predictor, path: Path, examples: FlatExamples) -> tuple[Answers, Answers]:
        import tensorflow as tf

        fields, lengths = stack(examples, np.arange(len(examples)))
        given = fields if predictor.reads_text else {**fields, "lengths": lengths}
        if predictor.pipeline.per_series:
            given["series"] = np.array(examples.series)
        served = tf.saved_model.load(str(path)).signatures["serving_default"]
        theirs = served(**{name: tf.constant(values) for name, values in given.items()})
        answers = {key: to_numpy(value) for key, value in theirs.items()}
        return answers, predictor.final_answers(examples)
