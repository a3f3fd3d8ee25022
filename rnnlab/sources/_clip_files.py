"""The base of sources of clips, of video or sound: a folder for each class, or a table that lists them."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.sources._checks import BadSequences
from rnnlab.sources._clips import Clips, Manifest, Wanted, clips_of, empty_cells, is_table
from rnnlab.sources._files import NamedFiles
from rnnlab.sources._targets import class_target, text_target
from rnnlab.strict import shown


class ClipFiles(NamedFiles):
    """Clips, each with its class or a text: a folder for each class, or a table."""

    wanted: ClassVar[Wanted]

    train: str = Field(description="of the training split: a folder with a folder for each class, or a table of clips")
    test: str | None = Field(None, description="of the test split, likewise; none by default, as training needs none")
    validation_file: str | None = Field(
        None,
        description="of the validation split, likewise, for `validation.by: given`; by default validation clips are "
        "cut off the training split",
    )
    manifest: Manifest | None = Field(None, description="the columns of tables; default: `path` and `label`")

    @property
    def splits_inside(self) -> bool:
        return self._manifest_splits

    @property
    def _manifest_splits(self) -> bool:
        return self.manifest is not None and self.manifest.split is not None

    @model_validator(mode="after")
    def _manifest_fits(self) -> Self:
        if self._manifest_splits and (self.test is not None or self.validation_file is not None):
            raise ValueError("manifest.split says which clips test and validate; remove test and validation_file")
        if self.manifest is not None and self.manifest.group is not None and not self.validation.grouped:
            raise ValueError("manifest.group does nothing unless validation.grouped is true")
        return self

    def clips(self, places: Places) -> dict[str, Clips]:
        """Return the clips of each split, `train` first."""
        paths = self.paths(places)
        if self.manifest is not None and not all(map(is_table, paths.values())):
            raise DataError("data.manifest: does nothing for folders, only for tables (.csv, .tsv); remove it")
        columns = self.manifest or Manifest()
        found = {name: self.named(clips_of(path, columns, self.wanted, labelled=True)) for name, path in paths.items()}
        if not self.splits_inside:
            return found
        every = found["train"]
        if "validation" in every.splits and self.validation.by != "given":
            raise DataError(f"{every.shown}: has clips that validate; set data.validation.by: given")
        if "train" not in every.splits:
            raise DataError(f"{every.shown}: expected clips of the split 'train'; received none")
        return {name: every.of_split(name) for name in ("train", "validation", "test") if name in every.splits}

    def named(self, clips: Clips) -> Clips:
        """Return clips with what their names say of them; by default, nothing."""
        return clips

    def check_groups(self, clips: Clips, bad: BadSequences) -> None:
        """Tell of clips without a group."""
        for number in empty_cells(clips.groups):
            if number not in bad:
                bad.add(number, clips.places[number], "expected a group; received nothing")

    def target(
        self, clips: Clips, bad: BadSequences, like: ExampleField | None
    ) -> tuple[ExampleField, NDArray[np.generic]]:
        """Return what is asked for, and of each clip the answer."""
        place = clips.places.__getitem__
        if self.manifest is not None and self.manifest.text is not None:
            return text_target(clips.answers, place, bad, like)
        columns = self.manifest or Manifest()
        what = f"column {shown(columns.label)}: " if clips.listed else "the folder that it is in: "
        return class_target([label.strip() for label in clips.answers], place, bad, like, what=what)
