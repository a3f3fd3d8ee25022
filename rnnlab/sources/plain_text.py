"""Plain text, to model language: files, each one document, read in the order of their names.

Axes: N documents.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples, Skipped
from rnnlab.places import Places
from rnnlab.signature import Field as InputField
from rnnlab.signature import Signature
from rnnlab.sources import HeldOut, Source
from rnnlab.sources._checks import shown_path
from rnnlab.sources._texts import Encoding, read_text
from rnnlab.strict import shown

TEXT = InputField("text", "text", ())
PYTHON = "python"

Document = tuple[str, str]  # a name, and the text


class TextHeldOut(HeldOut):
    """How the validation text is found: a stretch of the training text, so that neighbours stand on one side."""

    idle_unless = MappingProxyType(
        {
            "cut": ("by", lambda by: by == "cut"),
            "folds": ("by", lambda by: by == "folds"),
            "fold": ("by", lambda by: by == "folds"),
        }
    )

    by: Literal["cut", "folds", "given", "none"] = Field(
        "cut",
        description="`cut` takes the end of the training text; `folds` cuts it into equal stretches, one of which "
        "validates; `given` reads validation_files; `none` trains on everything",
    )
    cut: float = Field(0.1, gt=0, lt=1, description="the part of the training text's characters that validates")


class PlainText(Source):
    """Files of text, each one document; any may be gzipped. Language models learn what comes next in them.

    What validates or tests is cut off the end of all text, in the order of the files' names: a document in which the
    cut lies stands on both sides, a part on each.
    """

    files: str | list[str] = Field(
        description="files, or folders whose files match `pattern`; `python`: the modules of this Python's own library"
    )
    pattern: str = Field(
        "*.txt", description="which files of a folder are read, such as *.py, or **/*.md for all below"
    )
    encoding: Encoding = None
    test_fraction: float = Field(
        0.0, ge=0, lt=1, description="the part of all characters, at the end, that tests; 0: none"
    )
    test_files: str | list[str] | None = Field(None, description="files of the test split, instead of test_fraction")
    validation_files: str | list[str] | None = Field(
        None, description="files of the validation split, for `validation.by: given`"
    )
    validation: TextHeldOut = Field(default_factory=TextHeldOut, description="how the validation text is found")

    @model_validator(mode="after")
    def _files_are_used(self) -> PlainText:
        given = self.validation.by == "given"
        if given != (self.validation_files is not None):
            raise ValueError(
                "validation.by: given needs the key validation_files"
                if given
                else f"validation_files is not used with validation.by: {self.validation.by}; set it to given"
            )
        if self.test_files is not None and self.test_fraction:
            raise ValueError("give either test_files or test_fraction")
        return self

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        skipped: list[Skipped] = []
        documents = self._documents(self.files, "files", places, skipped)
        total = _characters(documents)
        kept = int(total * (1 - self.test_fraction))
        splits = {"train": _stretch(documents, 0, kept), "test": _stretch(documents, kept, total)}
        train = splits["train"]
        if self.validation.by == "given":
            splits["validation"] = self._documents(self.validation_files or [], "validation_files", places, skipped)
        elif self.validation.by != "none":
            begin, end = self._validating(kept)
            splits["validation"] = _stretch(train, begin, end)
            splits["train"] = [*_stretch(train, 0, begin), *_stretch(train, end, kept)]
        if self.test_files is not None:
            splits["test"] = self._documents(self.test_files, "test_files", places, skipped)
        if not self.test_fraction and self.test_files is None:
            del splits["test"]
        for name, found in splits.items():
            if not found:
                raise DataError(f"data: nothing is left for the {name} split of {total} characters; give more text")
        notes = [f"{name}: {_characters(found):,} characters in {len(found)} text(s)" for name, found in splits.items()]
        return {name: _examples(found, tuple(skipped), notes) for name, found in splits.items()}

    def read_input(self, path: Path, signature: Signature) -> Examples:
        skipped: list[Skipped] = []
        documents = self._read([path] if path.is_file() else _matching(path, self.pattern), skipped)
        if not documents:
            raise DataError(f"{shown_path(path)}: expected text; received nothing")
        return _examples(documents, tuple(skipped), ())

    def _validating(self, total: int) -> tuple[int, int]:
        """Return where the validation text begins and ends, of a training text of so many characters."""
        if self.validation.by == "cut":
            return int(total * (1 - self.validation.cut)), total
        folds, fold = self.validation.folds, self.validation.fold
        return total * fold // folds, total * (fold + 1) // folds

    def _documents(
        self, names: str | Sequence[str], key: str, places: Places, skipped: list[Skipped]
    ) -> list[Document]:
        found: list[Path] = []
        for name in [names] if isinstance(names, str) else names:
            if name == PYTHON:
                found += sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
                continue
            path = places.find(name, f"data.{key}")
            found += [path] if path.is_file() else _matching(path, self.pattern)
        documents = self._read(found, skipped)
        if not documents:
            raise DataError(f"data.{key}: expected text; received {len(found)} file(s) without any")
        return documents

    def _read(self, paths: Sequence[Path], skipped: list[Skipped]) -> list[Document]:
        """Return the documents that hold something."""
        documents = []
        for path in paths:
            try:
                text = read_text(path, self.encoding)
            except DataError as error:
                if self.on_bad == "error":
                    raise DataError(f"{error}; data.on_bad: skip would leave this file out") from None
                skipped.append(Skipped(path.name, shown_path(path), str(error)))
                continue
            if text:
                documents.append((path.name, text))
        return documents


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder that match, in the order of their names.

    Raises:
        DataError: there are none.
    """
    try:
        found = sorted(each for each in folder.glob(pattern) if each.is_file())
    except (ValueError, NotImplementedError) as error:
        raise DataError(f"data.pattern: expected a pattern such as *.txt; received {shown(pattern)}: {error}") from None
    if not found:
        raise DataError(f"{shown_path(folder)}: no file matches data.pattern, {shown(pattern)}")
    return found


def _characters(documents: Sequence[Document]) -> int:
    return sum(len(text) for _, text in documents)


def _stretch(documents: Sequence[Document], begin: int, end: int) -> list[Document]:
    """Return the characters from `begin` on, before `end`, of all documents laid end to end."""
    found, position = [], 0
    for name, text in documents:
        part = text[max(begin - position, 0) : max(end - position, 0)]
        if part:
            found.append((name, part))
        position += len(text)
    return found


def _examples(documents: Sequence[Document], skipped: Sequence[Skipped], notes: Sequence[str]) -> FlatExamples:
    encoded = [np.frombuffer(text.encode(errors="replace"), np.uint8) for _, text in documents]
    examples = FlatExamples.from_sequences(Signature((TEXT,), TEXT), [name for name, _ in documents], encoded)
    return replace(examples, skipped=skipped, notes=notes)
