"""The commonest tag at every step: what a tagger of frames or series must beat to have looked at them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets
from rnnlab.entities import NOTHING
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class MajorityTag(Baseline):
    """Answers every step with the tag that is most frequent in training; of equally frequent ones the first."""

    title: ClassVar[str] = "majority tag"
    tasks: ClassVar[frozenset[str]] = frozenset({"tagging"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"frames", "series", "strokes"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets = known_targets(train)
        commonest = np.bincount(targets[targets != NOTHING].astype(np.int64)).argmax()
        steps = np.arange(int(test.lengths.max(initial=0)))
        return {"tags": np.where(steps < test.lengths[:, np.newaxis], commonest, NOTHING)}
