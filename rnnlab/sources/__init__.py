"""Sources: where examples come from. One file each; its name is the YAML name."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, Subset
from rnnlab.places import Places
from rnnlab.registry import Registry
from rnnlab.signature import Signature
from rnnlab.sources._targets import sorted_names
from rnnlab.strict import Strict


class HeldOut(Strict):
    """How validation examples are found. Models, stopping and thresholds are chosen on them, never on test data.

    What every source has of it; a subclass says which ways there are, and what they need.
    """

    by: str = Field(description="the way; `folds` and `none` are ways of every source")
    folds: int = Field(5, ge=2, description="number of folds")
    fold: int = Field(0, ge=0, description="which fold validates; `rnnlab train --folds all` runs every one")

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.by == "folds" and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist: folds are 0 to {self.folds - 1}")
        return self


class Validation(HeldOut):
    """How validation examples are found, where examples stand for themselves and may be shuffled."""

    idle_unless = MappingProxyType(
        {
            "fraction": ("by", lambda by: by == "fraction"),
            "folds": ("by", lambda by: by == "folds"),
            "fold": ("by", lambda by: by == "folds"),
            "stratify": ("by", lambda by: by in ("fraction", "folds")),
            "grouped": ("by", lambda by: by in ("fraction", "folds")),
            "seed": ("by", lambda by: by in ("fraction", "folds")),
            "test_fold": ("by", lambda by: by == "folds"),
        }
    )

    by: Literal["fraction", "folds", "given", "none"] = Field(
        "fraction",
        description="`fraction` cuts a part off the training split; `folds` cuts it into equal parts, one of which "
        "validates; `given` uses the source's own validation split; `none` trains on everything",
    )
    fraction: float = Field(0.2, gt=0, lt=1, description="the part of the training split that validates")
    stratify: bool = Field(True, description="keep the share of each class the same on both sides")
    grouped: bool = Field(False, description="keep the source's groups (one speaker, one patient) on one side")
    seed: int = Field(0, ge=0, description="seed of the cut; its own, so that training seeds compare on the same cut")
    test_fold: bool = Field(
        False,
        description="the fold `fold` is the test split, the next one (after the last: the first) validates, and the "
        "others train. With `grouped`, and as many folds as groups, every group tests once: leave one out",
    )

    @model_validator(mode="after")
    def _leaves_folds_to_train_on(self) -> Self:
        if self.test_fold and self.by == "folds" and self.folds < 3:
            raise ValueError(
                f"test_fold: one fold tests, another validates, and the others train; expected folds of 3 or more; "
                f"received {self.folds}"
            )
        return self

    def split(self, examples: Examples) -> dict[str, NDArray[np.int64]]:
        """Return the indices of each split, ascending: `train`, `validation`, and with `test_fold` also `test`.

        Whole groups can meet a fraction only nearly. Where there are as many folds as groups, fold i is the group that
        comes i-th in the order of their names (of numbers, of their values), whatever `seed` and `stratify` say.

        Raises:
            DataError: there are too few examples or groups, or groups are asked for and the source has none.
        """
        if self.grouped and examples.groups is None:
            raise DataError("data.validation.grouped: this source gives no groups; name the group column in `data`")
        classes = examples.targets if self.stratify and _is_class(examples.signature) else None
        groups = examples.groups if self.grouped else None
        self._check_enough(len(examples), classes, groups)
        held_out = self._held_out(len(examples), classes, groups)
        found = {"validation": held_out[(self.fold + self.test_fold) % len(held_out) if self.by == "folds" else 0]}
        if self.test_fold:
            found["test"] = held_out[self.fold]
        found["train"] = np.setdiff1d(np.arange(len(examples)), np.concatenate(list(found.values())))
        if not all(map(len, found.values())):
            raise DataError("data.validation: the cut leaves one side empty; give more data, or choose `by: none`")
        return {name: np.sort(indices).astype(np.int64) for name, indices in found.items()}

    def _held_out(
        self, count: int, classes: NDArray[np.generic] | None, groups: NDArray[np.generic] | None
    ) -> list[NDArray[np.int64]]:
        """Return what each fold holds out; of a fraction there is one."""
        names = None if groups is None else sorted_names([str(name) for name in np.unique(groups)])
        if groups is not None and names is not None and self.by == "folds" and len(names) == self.folds:
            return [np.flatnonzero(groups.astype(str) == name) for name in names]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of groups, a rare class can only be spread unevenly
                splits = self._splitter(classes is not None).split(np.zeros(count), classes, groups)
                return [validation for _, validation in splits]
        except ValueError as error:
            raise DataError(
                f"data.validation: {count} training example(s) can't be cut as asked: {error}. "
                "Give more data, another fraction or fewer folds, `stratify: false`, or `by: none`"
            ) from error

    def _check_enough(
        self, count: int, classes: NDArray[np.generic] | None, groups: NDArray[np.generic] | None
    ) -> None:
        """Refuse what can't be cut, in our own words; the rest scikit-learn finds."""
        if count < 2:
            raise DataError(
                f"data.validation: the training split has {count} example(s), too few to cut; "
                "give more data, or choose `by: none` or `given`"
            )
        parts = self.folds if self.by == "folds" else 2
        if groups is not None and len(np.unique(groups)) < parts:
            raise DataError(
                f"data.validation: {len(np.unique(groups))} group(s), too few for {parts} parts; use fewer folds, "
                "or `grouped: false`"
            )
        if classes is not None and groups is None:
            counts = np.bincount(classes.astype(np.int64))
            rarest = int(counts[counts > 0].min())
            if rarest < parts:
                raise DataError(
                    f"data.validation: a class with {rarest} training example(s) can't stand in {parts} parts; "
                    "set `stratify: false`, use fewer folds, or give more data"
                )

    def _splitter(self, stratified: bool) -> Any:
        """Return scikit-learn's splitter for this kind of cut."""
        from sklearn import model_selection as selection

        if self.by == "folds":
            kind = {
                (False, False): selection.KFold,
                (False, True): selection.StratifiedKFold,
                (True, False): selection.GroupKFold,
                (True, True): selection.StratifiedGroupKFold,
            }[(self.grouped, stratified)]
            return kind(self.folds, shuffle=True, random_state=self.seed)
        if self.grouped and stratified and abs(1 / round(1 / self.fraction) - self.fraction) < 0.02:
            return selection.StratifiedGroupKFold(round(1 / self.fraction), shuffle=True, random_state=self.seed)
        if self.grouped:
            return selection.GroupShuffleSplit(1, test_size=self.fraction, random_state=self.seed)
        kind = selection.StratifiedShuffleSplit if stratified else selection.ShuffleSplit
        return kind(1, test_size=self.fraction, random_state=self.seed)


def _is_class(signature: Signature) -> bool:
    return signature.target is not None and signature.target.kind == "class"


class Source(Strict, ABC):
    """Where examples come from. A subclass adds its keys and opens its splits."""

    validation: HeldOut = Field(description="how validation examples are found")
    on_bad: Literal["error", "skip"] = Field(
        "error",
        description="what becomes of a bad sequence (a value that is missing, infinite or no number, no time step, "
        "another number of features, no label or one that training has not seen, a listed file that can't be read). "
        "`error`: the first stops the command; `skip`: each is left out, counted, and listed in the run's skipped.csv. "
        "A file that is damaged as a whole is always an error",
    )

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        """Whether its examples are text, given its keys as a spec has them; mistakes in these are found later."""
        return False

    @classmethod
    def gives_frames(cls, keys: object) -> bool:
        """Whether its examples are frames, such as pictures, given its keys."""
        return False

    @classmethod
    def gives_strokes(cls, keys: object) -> bool:
        """Whether its examples are drawings in strokes, given its keys."""
        return False

    @classmethod
    def gives_audio(cls, keys: object) -> bool:
        """Whether its examples are recordings of sound, given its keys."""
        return False

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
        """Open the source, and find the validation split as the spec asks for it."""
        return self.open(places)

    @property
    def on_disk(self) -> bool:
        """Whether whole splits are kept in files, not in memory."""
        return False


class SequenceSource(Source, ABC):
    """A source of sequences that stand for themselves: any of them may validate."""

    validation: Validation = Field(default_factory=Validation, description="how validation examples are found")
    cache: Literal["memory", "disk"] = Field(
        "memory",
        description="where prepared examples are kept; `disk`: in a memory map, which halves what is in memory",
    )

    @property
    def on_disk(self) -> bool:
        return self.cache == "disk"

    def splits(self, places: Places) -> dict[str, Examples]:
        """Open the source and cut the validation split off the training split where the spec asks for it."""
        splits = self.open(places)
        if self.validation.by == "given":
            if "validation" not in splits:
                raise DataError("data.validation.by: given, but this source has no validation split of its own")
            return splits
        if self.validation.by == "none":
            return {name: each for name, each in splits.items() if name != "validation"}
        if self.validation.test_fold and "test" in splits:
            raise DataError(
                "data.validation.test_fold: a fold can't test, as this source has a test split of its own; leave that "
                "away, or set `test_fold: false`"
            )
        cut = self.validation.split(splits["train"])
        return {**splits, **{name: Subset(splits["train"], indices) for name, indices in cut.items()}}


SOURCES: Registry[Source] = Registry("rnnlab.sources", Source, "source")
