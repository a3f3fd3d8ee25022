"""The base of sources whose splits are files that the spec names."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource


class NamedFiles(SequenceSource):
    """A source with one file, or folder, per split."""

    train: str = Field(description="the file of the training split")
    test: str | None = Field(None, description="the file of the test split; none by default, as training needs none")
    validation_file: str | None = Field(
        None,
        description="the file of the validation split, for `validation.by: given`; by default validation examples "
        "are cut off the training split",
    )

    @property
    def splits_inside(self) -> bool:
        """Whether the training file says of each example which split it is of, so that there is no other file."""
        return False

    @model_validator(mode="after")
    def _other_files_are_used(self) -> Self:
        given = self.validation.by == "given"
        if given and self.validation_file is None and not self.splits_inside:
            raise ValueError("validation.by: given needs the key validation_file")
        if not given and self.validation_file is not None:
            raise ValueError(f"validation_file is not used with validation.by: {self.validation.by}; set it to given")
        if self.validation.test_fold and self.test is not None:
            raise ValueError("validation.test_fold tests on a fold of the training file; remove the key test")
        return self

    def paths(self, places: Places) -> dict[str, Path]:
        """Return where the splits are whose files the spec names, `train` first."""
        named = (("validation", "validation_file", self.validation_file), ("test", "test", self.test))
        others = {name: places.find(file, f"data.{key}") for name, key, file in named if file is not None}
        return {"train": places.find(self.train, "data.train"), **others}


class FileSource(NamedFiles):
    """A source with one file per split. A subclass reads one file; classes and features are the training file's."""

    @abstractmethod
    def read_file(self, path: Path, like: Signature | None) -> Examples:
        """Return the examples of one file with their targets.

        Args:
            path: the file.
            like: the training file's signature, which the file must fit; None for the training file itself.
        """

    def read_split(self, split: str, path: Path, like: Signature | None) -> Examples:
        """Return the examples of one split's file; by default, a file reads the same whichever split it is for."""
        return self.read_file(path, like)

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits whose files the spec names."""
        paths = self.paths(places)
        train = self.read_split("train", paths.pop("train"), None)
        others = {name: self.read_split(name, path, train.signature) for name, path in paths.items()}
        return {"train": train, **others}


def check_features(where: str, count: int, like: Signature | None) -> None:
    """Check that a file has as many features as the training file."""
    if like is not None and like.inputs[0].shape != (count,):
        expected = f"{like.inputs[0].shape[0]} features, as in the training data"
        raise DataError(f"{where}: expected {expected}; received {count}")
