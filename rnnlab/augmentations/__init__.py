"""Augmentations: training examples as they might also have been. One file each; its name is the YAML name.

They change batches of training, and nothing else: validation, scores, prediction and exports never see them. Most
change what is prepared; one of a kind that a transform takes in, such as sound, comes before that transform, which
training then applies to every batch anew.
What they draw is a function of (seed, update), made for the whole batch before replicas and parts share it out.

Axes: B batch, T time, F features, C targets, H horizon.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.preparation import Pipeline
from rnnlab.registry import Registry
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict
from rnnlab.transforms import ADDED, feature_names


class Augmentation(Strict, ABC):
    """One way in which examples might also have been.

    Class attributes:
        kinds: the kinds of input that it changes.
        whole: whether it changes a sequence as a whole, so that one can't be read in segments.
        after: the name of the transform whose very output it changes; None: that of any.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"series"})
    whole: ClassVar[bool] = False
    after: ClassVar[str | None] = None

    @abstractmethod
    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        """Return the changed batch; TensorFlow ops only.

        Args:
            batch: as the loader made it: the input fields (B, T, F), `lengths` (B,), and of forecasts what lies ahead.
            signature: of what it changes.
            seed: (2,) int32, of this augmentation in this step. Rows are the first axis of what is drawn from it: how
                many of them only fill the batch depends on the number of replicas, and must change no other.
        """


AUGMENTATIONS: Registry[Augmentation] = Registry("rnnlab.augmentations", Augmentation, "name")


def staged(augmentations: Sequence[Augmentation], pipeline: Pipeline) -> list[tuple[int, Augmentation]]:
    """Return each augmentation behind the number of transforms that come before it, the fewest first.

    It comes as late as there is something of a kind that it changes: behind all of them, wherever it can.

    Raises:
        DataError: there is nothing of its kind.
    """
    kinds = [each.inputs[0].kind for each in pipeline.signatures]
    found = []
    for number, augmentation in enumerate(augmentations):
        stages = [stage for stage, kind in enumerate(kinds) if kind in augmentation.kinds]
        if not stages:
            name, taken = AUGMENTATIONS.name_of(augmentation), " and ".join(sorted(augmentation.kinds))
            field = pipeline.signature.inputs[0]
            raise DataError(f"augmentations.{number}: {name} takes {taken}; '{field.name}' is {field.kind}; remove it")
        found.append((stages[-1], augmentation))
    return sorted(found, key=lambda each: each[0])  # those of one stage stay in order


def measured(signature: Signature) -> NDArray[np.bool_]:
    """Return which features of the sequence were measured, (F,): not those that are known of days to come."""
    known = {name for field in signature.inputs if field.kind == "future" for name in field.names}
    names = feature_names(signature.inputs[0])
    return np.array([name not in known and not name.endswith(ADDED) for name in names], bool)
