"""Sources: where examples come from. One file each; its name is the YAML name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, Subset
from rnnlab.places import Places
from rnnlab.registry import Registry
from rnnlab.signature import Signature
from rnnlab.strict import Strict


class Validation(Strict):
    """How validation examples are found. Models, stopping and thresholds are chosen on them, never on test data."""

    by: Literal["fraction", "folds", "given", "none"] = Field(
        "fraction",
        description="`fraction` cuts a part off the training split; `folds` cuts it into equal parts, one of which "
        "validates; `given` uses the source's own validation split; `none` trains on everything",
    )
    fraction: float = Field(0.2, gt=0, lt=1, description="the part of the training split that validates")
    folds: int = Field(5, ge=2, description="number of folds")
    fold: int = Field(0, ge=0, description="which fold validates; `rnnlab train --folds all` runs every one")
    stratify: bool = Field(True, description="keep the share of each class the same on both sides")
    grouped: bool = Field(False, description="keep the source's groups (one speaker, one patient) on one side")
    seed: int = Field(0, ge=0, description="seed of the cut; its own, so that training seeds compare on the same cut")

    @model_validator(mode="after")
    def _fold_exists(self) -> Validation:
        if self.by == "folds" and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist: folds are 0 to {self.folds - 1}")
        return self

    def split(self, examples: Examples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the indices (training, validation), each ascending.

        Raises:
            DataError: there are too few examples or groups, or groups are asked for and the source has none.
        """
        from sklearn import model_selection as selection

        classes = examples.targets if self.stratify and _is_class(examples.signature) else None
        groups = examples.groups
        if self.grouped and groups is None:
            raise DataError("data.validation.grouped: this source gives no groups; name the group column in `data`")
        parts = self.folds if self.by == "folds" else max(2, round(1 / self.fraction))
        self._check_enough(examples, classes, parts)
        positions = np.zeros(len(examples))
        if self.grouped and classes is not None:
            splitter = selection.StratifiedGroupKFold(parts, shuffle=True, random_state=self.seed)
        elif self.grouped:
            splitter = selection.GroupKFold(parts, shuffle=True, random_state=self.seed)
        elif self.by == "folds":
            kind = selection.KFold if classes is None else selection.StratifiedKFold
            splitter = kind(parts, shuffle=True, random_state=self.seed)
        else:
            kind = selection.ShuffleSplit if classes is None else selection.StratifiedShuffleSplit
            splitter = kind(n_splits=1, test_size=self.fraction, random_state=self.seed)
        splits = list(splitter.split(positions, classes, groups if self.grouped else None))
        training, validation = splits[self.fold if self.by == "folds" else 0]
        return np.sort(training).astype(np.int64), np.sort(validation).astype(np.int64)

    def _check_enough(self, examples: Examples, classes: NDArray[np.generic] | None, parts: int) -> None:
        remedy = "give more data, or choose `data.validation.by: none` or `given`"
        if len(examples) < 2:
            raise DataError(f"data.validation: the training split has {len(examples)} example(s), too few; {remedy}")
        if self.grouped and len(np.unique(examples.groups)) < parts:  # type: ignore[arg-type]
            raise DataError(
                f"data.validation: {len(np.unique(examples.groups))} group(s), too few for {parts} parts"  # type: ignore[arg-type]
            )
        if classes is not None:
            counts = np.bincount(classes.astype(np.int64))
            smallest = int(counts[counts > 0].min())
            needed = parts if self.by == "folds" else 2
            if smallest < needed:
                raise DataError(
                    f"data.validation: a class with {smallest} training example(s) can't stand in {needed} parts; "
                    "set `data.validation.stratify: false`, use fewer folds, or give more data"
                )


def _is_class(signature: Signature) -> bool:
    return signature.target is not None and signature.target.kind == "class"


class Source(Strict, ABC):
    """Where examples come from. A subclass adds its keys and opens its splits."""

    validation: Validation = Field(default_factory=Validation, description="how validation examples are found")
    cache: Literal["memory", "disk"] = Field(
        "memory", description="where prepared examples are kept; `disk` for data that does not fit in memory"
    )

    @abstractmethod
    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits that the source has: `train`, and where they exist `validation` and `test`.

        Raises:
            DataError: with where, what was expected, what stands there, and what to do.
        """

    @abstractmethod
    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the examples of a file to predict, in the format of the training data; labels are not needed."""

    def splits(self, places: Places) -> dict[str, Examples]:
        """Open the source and cut the validation split off the training split where the spec asks for it."""
        splits = self.open(places)
        if self.validation.by == "given":
            if "validation" not in splits:
                raise DataError("data.validation.by: given, but this source has no validation split of its own")
            return splits
        if self.validation.by == "none":
            return {name: each for name, each in splits.items() if name != "validation"}
        training, validation = self.validation.split(splits["train"])
        return {
            **splits,
            "train": Subset(splits["train"], training),
            "validation": Subset(splits["train"], validation),
        }


SOURCES: Registry[Source] = Registry("rnnlab.sources", Source, "source")
