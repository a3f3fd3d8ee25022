"""Alignments: at which steps a network says the tokens of a few texts.

Axes: T time, V labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlab.decoding.ctc import LABEL_MARKS, best_alignment, steps_needed
from rnnlab.entities import NOTHING
from rnnlab.examples import Examples, Subset
from rnnlab.figures import Alignment
from rnnlab.figures._evidence import as_compared
from rnnlab.prediction import Predictor, stack

FEW = 3
LONGEST = 40  # tokens that still can be read beside each other


def alignments(
    predictor: Predictor, examples: Examples, answers: Mapping[str, NDArray[np.generic]]
) -> Sequence[Alignment]:
    """Return where a few texts of middling length are said, the first of them one that is answered wrong, if any is.

    None of what is answered without labels of steps.
    """
    import tensorflow as tf

    names = predictor.pipeline.signature.known_target.names
    if examples.targets is None or not len(examples) or names[: len(LABEL_MARKS)] != LABEL_MARKS:
        return ()
    texts = np.asarray(examples.targets)
    pairs = (as_compared(each, predictor.experiment.task.lowercase) for each in (texts, np.asarray(answers["texts"])))
    wrong = np.array([true != answered for true, answered in zip(*pairs, strict=True)])
    chosen = _chosen(texts, wrong)
    some = Subset(examples, chosen)
    labels = np.asarray(predictor.experiment.task.prepare(predictor.pipeline.prepare(some), predictor.learnt).targets)
    inputs = predictor.network_inputs(*stack(examples, chosen))
    outputs = predictor.network(inputs, training=False)
    said, steps = np.asarray(tf.nn.log_softmax(outputs["scores"])), np.asarray(outputs["lengths"])
    values = np.asarray(inputs[predictor.pipeline.signature.inputs[0].name], np.float32)
    counts = (labels != NOTHING).sum(axis=1).astype(np.int32)
    needed = np.asarray(steps_needed(labels, counts))
    found = []
    for row, (length, count) in enumerate(zip(np.asarray(inputs["lengths"]), counts, strict=True)):
        if count > LONGEST or needed[row] > steps[row]:
            continue
        own, logs = labels[row, :count], said[row, : steps[row]]
        found.append(
            Alignment(
                id=some.ids[row],
                values=values[row, :length].reshape(length, -1),
                probabilities=np.exp(logs),
                path=best_alignment(logs, own),
                labels=own,
                tokens=["␣" if names[label] == " " else names[label] for label in own],
                true=texts[chosen[row]].decode(),
                answered=np.asarray(answers["texts"])[chosen[row]].decode(),
                wrong=bool(wrong[chosen[row]]),
            )
        )
    return found


def _chosen(true: NDArray[np.generic], wrong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the numbers of a few texts of middling length, one that is answered wrong before all others."""
    order = np.argsort([len(text) for text in true.tolist()], kind="stable")
    away = np.abs(np.arange(len(order)) - len(order) // 2)
    middling = order[np.argsort(away, kind="stable")].tolist()
    first = [index for index in middling if wrong[index]][:1]
    rest = [index for index in middling if index not in first]
    return np.array([*first, *rest][:FEW], np.int64)
