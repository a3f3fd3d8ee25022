"""Clips: what a network takes a video for, as it sees more and more of it.

Axes: N examples, T time, H height, W width, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlab.examples import Examples, FlatExamples
from rnnlab.figures import Clip
from rnnlab.prediction import Predictor
from rnnlab.signature import Signature

FEW = 4  # clips of a kind
MOMENTS = 24  # at most, of which a clip's beginning is looked at


def clips(predictor: Predictor, examples: Examples, answers: Mapping[str, NDArray[np.generic]]) -> Sequence[Clip]:
    """Return the clips that are hardest, their true class taken for least probable, and some of middling difficulty.

    None of what is no video, or is not asked for one class.
    """
    field, target = examples.signature.inputs[0], predictor.pipeline.signature.known_target
    longest = int(examples.lengths.max(initial=0))
    if field.kind != "frames" or target.kind != "class" or longest < 2 or examples.targets is None:
        return ()
    true = examples.targets.astype(np.int64)
    right = np.asarray(answers["probabilities"])[np.arange(len(true)), true]
    order = np.argsort(right, kind="stable")
    middle = len(order) // 2
    hardest = order[:FEW].tolist()
    middling = [
        each for each in order[max(middle - FEW // 2, 0) : middle + FEW - FEW // 2].tolist() if each not in hardest
    ]
    return [
        _clip(predictor, examples, index, int(true[index]), hard=index in hardest) for index in [*hardest, *middling]
    ]


def _clip(predictor: Predictor, examples: Examples, index: int, true: int, *, hard: bool) -> Clip:
    """Return a clip with the probabilities of each class after its beginnings."""
    field = examples.signature.inputs[0]
    frames = np.asarray(examples.read(index)[field.name], np.uint8)
    seen = np.unique(np.linspace(1, len(frames), min(len(frames), MOMENTS)).round().astype(np.int64))
    starts, ids = np.zeros(len(seen), np.int64), [""] * len(seen)
    beginnings = FlatExamples(Signature((field,)), ids, frames, starts, seen)
    probabilities = predictor.answers(beginnings)["probabilities"]
    return Clip(examples.ids[index], frames, seen, np.asarray(probabilities, np.float32), true, hard)
