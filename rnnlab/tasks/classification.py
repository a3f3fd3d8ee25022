"""Classification: which class, or which of several labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key

from rnnlab.errors import DataError, did_you_mean
from rnnlab.examples import Examples
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task


class Classification(Task):
    """One class a sequence (softmax), or any number of labels (sigmoid), as the data says.

    The loss is the cross-entropy in nats, a mean over sequences (and labels). Class weights multiply a sequence's
    loss, scaled so that they average 1 over the training split; with labels they multiply the loss of a label that is
    set, as they are. A label counts as set above a probability of 0.5, and several are written joined by `|`.
    """

    targets = frozenset({"class", "labels"})
    head = "classes"

    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Key(gt=0)]] = Key(
        "none", description="balanced: rare classes count as much as common ones; or a weight for each class by name"
    )
    label_smoothing: float = Key(
        0.0, ge=0, lt=1, description="share of the target spread over all classes (Szegedy et al. 2016)"
    )

    def fit(self, train: Examples) -> Learnt:
        target, targets = train.signature.known_target, train.known_targets
        if target.kind == "labels":
            joined = next((name for name in target.names if "|" in name), None)
            if joined is not None:
                raise DataError(f"data: the label {joined!r} holds '|', which joins labels in answers; rename it")
            counts = targets.sum(axis=0).astype(np.float64)
        else:
            counts = np.bincount(targets.astype(np.int64), minlength=len(target.names)).astype(np.float64)
            if (counts > 0).sum() < 2:
                only = target.names[int(counts.argmax())]
                raise DataError(
                    f"data: expected training examples of two or more classes; received {len(targets)}, all of class "
                    f"'{only}'; add examples of another class, or look whether the label is the right column"
                )
        weights = self._weights(target, counts)
        if target.kind == "class":
            weights *= counts.sum() / (weights * counts).sum()
        return {"class_weights": weights.astype(np.float32), "one_of": np.array(target.kind == "class")}

    def _weights(self, target: Field, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.class_weights == "none":
            return np.ones(len(counts))
        if self.class_weights == "balanced":
            return counts.sum() / np.maximum(counts, 1) / len(counts)
        for name in self.class_weights:
            if name not in target.names:
                raise DataError(f"task.class_weights: no class '{name}'{did_you_mean(name, target.names)}")
        return np.array([self.class_weights.get(name, 1.0) for name in target.names])

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        import tensorflow as tf

        targets, weights = batch["targets"], batch["weights"]
        classes = outputs.shape[-1]
        if learnt["one_of"]:
            hot = tf.one_hot(targets, classes)
            smooth = hot * (1 - self.label_smoothing) + self.label_smoothing / classes
            cross_entropy = tf.nn.softmax_cross_entropy_with_logits(smooth, outputs)
            return cross_entropy * tf.gather(tf.constant(learnt["class_weights"]), targets), weights
        smooth = targets * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(smooth, outputs)
        return tf.reduce_mean(cross_entropy * (1 + targets * (learnt["class_weights"] - 1)), axis=-1), weights

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        import tensorflow as tf

        return {"probabilities": tf.nn.softmax(outputs) if learnt["one_of"] else tf.sigmoid(outputs)}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        import tensorflow as tf

        names = tf.constant(list(target.names))
        probabilities = answers["probabilities"]
        if target.kind == "class":
            return {"classes": tf.gather(names, tf.argmax(probabilities, axis=-1))}
        chosen = tf.where(probabilities > 0.5, names + "|", "")
        joined = tf.strings.reduce_join(chosen, axis=-1)
        return {"classes": tf.strings.regex_replace(joined, r"\|$", "")}

    def metric_names(self, target: Field) -> Sequence[str]:
        if target.kind == "labels":
            return ("label_f1", "subset_accuracy", "binary_log_loss")
        return ("accuracy", "macro_f1", "log_loss", "calibration_error")
