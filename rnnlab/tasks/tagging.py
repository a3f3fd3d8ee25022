"""Tagging: which tag, of every step.

Axes: B batch, T time, C tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key

from rnnlab.entities import FORBIDDEN, NOTHING, Scheme
from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.metrics import METRICS, Metric
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task

OF_ENTITIES = ("entity_f1", "entity_precision", "entity_recall", "token_accuracy")


class Tagging(Task):
    """One tag a step: named entities, parts of speech, phrases.

    The loss is in nats a step, a mean over all valid steps: with the head `tags` the cross-entropy of each; with the
    head `crf` what the right sequence of tags is short of being certain, which its steps share.
    """

    targets = frozenset({"tags"})
    head = "tags"

    constrained: bool = Key(
        False,
        description="answer only with sequences that the scheme allows (BIO or IOBES): no I without a B or I of its "
        "type before it; the best such sequence is found by Viterbi decoding",
    )

    @property
    def aligned(self) -> bool:
        return True

    def fit(self, train: Examples) -> Learnt:
        target, targets = train.signature.known_target, np.asarray(train.known_targets)
        counts = np.bincount(targets[targets != NOTHING], minlength=len(target.names))
        if (counts > 0).sum() < 2:
            only = target.names[int(counts.argmax())]
            raise DataError(
                f"data: expected training examples with two or more tags; received {counts.sum()} tokens, all of tag "
                f"'{only}'; look whether data.tag is the right column"
            )
        return self._allowed(target, targets) if self.constrained else {}

    def _allowed(self, target: Field, targets: NDArray[np.int64]) -> Learnt:
        """Return 0, or a very low score, for each tag after each other, as the first and as the last.

        Raises:
            DataError: the tags are of no scheme, or the training split itself does not keep to it.
        """
        scheme = Scheme.of(target.names)
        if scheme is None:
            raise DataError("task.constrained: the tags are no entities (B-…, I-…, O); remove it")
        transitions, first, last = scheme.transitions()
        before, after = targets[:, :-1], targets[:, 1:]
        pairs = np.stack([before[after != NOTHING], after[after != NOTHING]])
        ends = targets[np.arange(len(targets)), (targets != NOTHING).sum(axis=1) - 1]
        broken = [f"{other} after {one}" for one, other in _named(target, pairs[:, transitions[*pairs] == FORBIDDEN])]
        for place, tags, scores in (("first", targets[:, 0], first), ("last", ends, last)):
            broken += [f"{tag} as the {place} tag" for (tag,) in _named(target, tags[np.newaxis, scores[tags] < 0])]
        if broken:
            more = f" and {len(broken) - 3} more such" if len(broken) > 3 else ""
            raise DataError(
                f"task.constrained: the training split has {', '.join(broken[:3])}{more}, which BIO and IOBES do not "
                "allow; remove it, or convert the tags"
            )
        return {"transitions": transitions, "first": first, "last": last}

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return losses and weights, (B, T) each of scores (B, T, C), and (B,) each of a chain's (B, T, C, C)."""
        import tensorflow as tf

        targets, weights, lengths = batch["targets"], batch["weights"], batch["lengths"]
        tags = tf.maximum(targets, 0)  # in the padding they do not count
        if outputs.shape.rank == 3:
            valid = tf.cast(tf.convert_to_tensor(targets) != NOTHING, tf.float32)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tags, outputs)
            return losses, valid * tf.convert_to_tensor(weights)[:, tf.newaxis]
        from rnnlab.layers.crf import log_partition, sequence_score

        steps = tf.maximum(tf.cast(lengths, tf.float32), 1.0)
        short = log_partition(outputs, lengths) - sequence_score(outputs, tags, lengths)
        return short / steps, steps * weights

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `tags` (B, T) int32, -1 in the padding, and of a softmax `probabilities` (B, T, C), there 0."""
        import tensorflow as tf

        from rnnlab.layers.crf import best_sequence, chain
        from rnnlab.layers.time import valid_steps, zero_padding

        alone = outputs.shape.rank == 3
        if self.constrained:
            scores = tf.nn.log_softmax(outputs) if alone else outputs
            pairs = chain(scores, learnt["transitions"], learnt["first"], learnt["last"], lengths)
            tags = best_sequence(pairs, lengths)
        elif alone:
            tags = tf.argmax(outputs, axis=-1, output_type=tf.int32)
        else:
            tags = best_sequence(outputs, lengths)
        tags = tf.where(valid_steps(lengths, tf.shape(outputs)[1], "bool"), tags, NOTHING)
        return {"tags": tags, **({"probabilities": zero_padding(tf.nn.softmax(outputs), lengths)} if alone else {})}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        """Return `tag_names` (B, T), empty in the padding."""
        import tensorflow as tf

        names = tf.constant(["", *target.names])
        return {"tag_names": tf.gather(names, tf.cast(answers["tags"], tf.int32) + 1)}

    def metric_names(self, target: Field) -> Sequence[str]:
        # Before any data is read no tag is known, and entities may be asked for.
        return OF_ENTITIES if not target.names or Scheme.of(target.names) is not None else ("token_accuracy",)

    def metrics(self, target: Field) -> dict[str, Metric]:
        names = self.metric_names(target)
        return {name: METRICS.parse({METRICS.key: name, "tags": target.names}) for name in names}


def _named(target: Field, columns: NDArray[np.int64]) -> list[list[str]]:
    """Return the distinct columns of tags, by their names."""
    return [[target.names[int(tag)] for tag in column] for column in np.unique(columns, axis=1).T]
