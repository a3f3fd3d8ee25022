"""Language modelling: what comes next, at every step of a text or of music.

Axes: B batch, T time, V vocabulary, K keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task
from rnnlab.vocabulary import END, MARKS


class LanguageModeling(Task):
    """The next token of a text, or the next frame of music, from all that came before it (Mikolov et al. 2010).

    The loss is in nats: a mean over all tokens but the first of each text of the cross-entropy, or over all frames but
    the first of each piece of the sum of its keys' cross-entropies (Boulanger-Lewandowski et al. 2012). With
    `training.tbptt` what the network remembers goes on through whole texts, in training and in scores alike.
    """

    targets = frozenset({"text", "tokens", "notes"})
    head = "next_step"

    @property
    def continuous(self) -> bool:
        return True

    @property
    def self_supervised(self) -> bool:
        return True

    def fit(self, train: Examples) -> Learnt:
        """Return the name of the field that goes on, whether tokens are asked for, and of notes all first frames."""
        field = train.signature.known_target
        learnt: Learnt = {"field": np.array(field.name), "of_tokens": np.array(field.kind != "notes")}
        if field.kind == "notes":
            learnt["first"] = np.stack([train.read(index)[field.name][0] for index in range(len(train))])
        return learnt

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return the surprisal of what follows each step, and 1 where it is known, (B, T) both."""
        import tensorflow as tf

        steps, counted = next_steps(batch, str(learnt["field"]))
        if learnt["of_tokens"]:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(steps[..., 0], outputs), counted
        return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(steps, outputs), axis=-1), counted

    def scored(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `surprisal` (B,), the nats of all that each row asks for, and `asked` (B,), how many steps that is."""
        import tensorflow as tf

        losses, counted = self.losses(outputs, batch, learnt)
        return {
            "surprisal": tf.reduce_sum(tf.cast(losses * counted, tf.float64), axis=1),
            "asked": tf.reduce_sum(tf.cast(counted, tf.float64), axis=1),
        }

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `probabilities` of what follows the last step: of tokens (B, V), or that each key sounds (B, K)."""
        import tensorflow as tf

        last = tf.gather(outputs, tf.maximum(lengths - 1, 0), batch_dims=1)
        return {"probabilities": tf.nn.softmax(last) if learnt["of_tokens"] else tf.sigmoid(last)}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        """Return `next`: the most probable token, or the keys that sound more probably than not."""
        import tensorflow as tf

        names, probabilities = tf.constant(list(target.names)), answers["probabilities"]
        if target.kind == "notes":
            chosen = tf.where(probabilities > 0.5, names + " ", "")
            return {"next": tf.strings.strip(tf.strings.reduce_join(chosen, axis=-1))}
        # The end of a text is an answer, too; where there are no marks, it never is one.
        return {"next": tf.gather(names, tf.argmax(probabilities[:, END:], axis=-1) + END)}

    def metric_names(self, target: Field) -> Sequence[str]:
        """Return names by what a token is, which the vocabulary says; before there is one, all that may be."""
        if target.kind == "notes":
            return ("negative_log_likelihood",)
        characters = ("bits_per_character", "perplexity", "negative_log_likelihood")
        if target.kind == "text":
            return (*characters, "bits_per_token")
        only = all(len(name) == 1 for name in target.names[len(MARKS) :])
        return characters if only else ("perplexity", "bits_per_token", "negative_log_likelihood")


def next_steps(batch: Mapping[str, Any], field: str) -> tuple[Any, Any]:
    """Return what follows each step of a field (B, T, F), of the same shape, and 1 where that is known, (B, T).

    Args:
        batch: the field; `lengths` (B,); `weights` (B,); of segments `following` (B, F), the step behind the last, and
            `followed` (B,), whether there is one.
        field: its name.
    """
    import tensorflow as tf

    from rnnlab.layers.time import valid_steps

    steps, lengths = batch[field], batch["lengths"]
    known = valid_steps(lengths - 1, tf.shape(steps)[1])
    shifted = tf.roll(steps, -1, axis=1)  # the last one is the first then, and does not count
    if "following" in batch:
        last = tf.one_hot(lengths - 1, tf.shape(steps)[1])
        known += last * batch["followed"][:, tf.newaxis]
        shifted = tf.where(last[..., tf.newaxis] > 0, batch["following"][:, tf.newaxis], shifted)
    return shifted, known * batch["weights"][:, tf.newaxis]
