"""Augmentations: training examples as they might also have been. One file each; its name is the YAML name.

They change prepared batches of training, and nothing else: validation, scores, prediction and exports never see them.
What they draw is a function of (seed, update), made for the whole batch before replicas and parts share it out.

Axes: B batch, T time, F features, C targets, H horizon.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.registry import Registry
from rnnlab.signature import Kind, Signature
from rnnlab.strict import Strict
from rnnlab.transforms import ADDED, feature_names


class Augmentation(Strict, ABC):
    """One way in which examples might also have been.

    Class attributes:
        kinds: the kinds of prepared input that it changes.
        whole: whether it changes a sequence as a whole, so that one can't be read in segments.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"series"})
    whole: ClassVar[bool] = False

    @abstractmethod
    def apply(self, batch: Mapping[str, Any], signature: Signature, seed: Any) -> dict[str, Any]:
        """Return the changed batch; TensorFlow ops only.

        Args:
            batch: as the loader made it: the input fields (B, T, F), `lengths` (B,), and of forecasts what lies ahead.
            signature: of the prepared examples.
            seed: (2,) int32, of this augmentation in this step.
        """


AUGMENTATIONS: Registry[Augmentation] = Registry("rnnlab.augmentations", Augmentation, "name")


def measured(signature: Signature) -> NDArray[np.bool_]:
    """Return which features of the sequence were measured, (F,): not those that are known of days to come."""
    known = {name for field in signature.inputs if field.kind == "future" for name in field.names}
    names = feature_names(signature.inputs[0])
    return np.array([name not in known and not name.endswith(ADDED) for name in names], bool)
