"""The answer of the training clip whose frames look most alike on average, and change most alike.

Axes: N training clips, M clips asked, P pixels of a frame with its channels.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets, target_field
from rnnlab.baselines._neighbours import check_products, nearest
from rnnlab.examples import Examples
from rnnlab.signature import Field, Kind


class NearestClip(Baseline):
    """One nearest neighbour by the mean frame beside the mean size of the change from a frame to the next.

    Both are pictures, each brought to length 1; their Euclidean distance counts. It is given frames as the network is.
    What happens when, and in which order, it does not see.
    After the motion-energy images of Bobick and Davis, "The Recognition of Human Movement Using Temporal Templates",
    2001.
    """

    title: ClassVar[str] = "nearest mean and difference pictures"
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"frames"})
    calibrated: ClassVar[bool] = False
    prepared: ClassVar[bool] = True

    def check(self, train: Examples, test: Examples, field: Field) -> None:
        check_products(train, test, 2 * int(np.prod(field.shape)), "pixels")

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets, target = known_targets(train), target_field(train)
        found = targets[nearest(pictures(train), pictures(test))]
        if target.kind == "class":
            return {"probabilities": np.eye(len(target.names), dtype=np.float32)[found]}
        return {"values" if target.kind == "numbers" else "probabilities": found.astype(np.float32)}


def pictures(clips: Examples) -> NDArray[np.float32]:
    """Return each clip's mean frame and mean difference beside each other, (N, 2P), each of length 1."""
    name = clips.signature.inputs[0].name
    found = []
    for index in range(len(clips)):
        frames = np.asarray(clips.read(index)[name], np.float32) / 255
        changes = np.abs(np.diff(frames, axis=0)).sum(axis=0) / max(len(frames) - 1, 1)
        found.append(np.concatenate([_of_length_one(each.ravel()) for each in (frames.mean(axis=0), changes)]))
    return np.stack(found)


def _of_length_one(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return picture / max(float(np.linalg.norm(picture)), 1e-6)
