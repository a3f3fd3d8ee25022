"""The base of sources whose splits are files that the spec names."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource


class FileSource(SequenceSource):
    """A source with one file per split. A subclass reads one file; classes and features are the training file's."""

    train: str = Field(description="the file of the training split")
    test: str | None = Field(None, description="the file of the test split; none by default, as training needs none")
    validation_file: str | None = Field(
        None,
        description="the file of the validation split, for `validation.by: given`; by default validation examples "
        "are cut off the training split",
    )

    @model_validator(mode="after")
    def _validation_file_is_used(self) -> FileSource:
        given = self.validation.by == "given"
        if given and self.validation_file is None:
            raise ValueError("validation.by: given needs the key validation_file")
        if not given and self.validation_file is not None:
            raise ValueError(f"validation_file is not used with validation.by: {self.validation.by}; set it to given")
        return self

    @abstractmethod
    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        """Return the examples of one file with their targets.

        Args:
            path: the file.
            like: the training file's signature, which the file must fit; None for the training file itself.
        """

    def open(self, places: Places) -> dict[str, Examples]:
        """Return the splits whose files the spec names."""
        train = self.read_file(places.find(self.train, "data.train"), None)
        splits: dict[str, Examples] = {"train": train}
        for name, key, file in (("validation", "validation_file", self.validation_file), ("test", "test", self.test)):
            if file is not None:
                splits[name] = self.read_file(places.find(file, f"data.{key}"), train.signature)
        return splits


def check_features(where: str, count: int, like: Signature | None) -> None:
    """Check that a file has as many features as the training file."""
    if like is not None and like.inputs[0].shape != (count,):
        expected = f"{like.inputs[0].shape[0]} features, as in the training data"
        raise DataError(f"{where}: expected {expected}; received {count}")
