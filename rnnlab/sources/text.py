"""Texts with a class each: tables, JSON Lines, lines that begin with the label, one folder for each class.

Axes: N examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field as InputField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, near, shown_path
from rnnlab.sources._files import FileSource
from rnnlab.sources._targets import class_target
from rnnlab.sources._texts import TEXT, check_encoding, read_text, rows_of_json_lines, rows_of_table
from rnnlab.strict import shown

SEPARATORS = {".csv": ",", ".tsv": "\t"}
Form = Literal["table", "json_lines", "lines", "folders"]


@dataclass
class _Texts:
    """What a file holds, text by text.

    Attributes:
        texts, labels, places: (N,); a label is None where there is none.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def add(self, text: str, label: str | None, place: str) -> None:
        self.texts.append(text)
        self.labels.append(label)
        self.places.append(place)


class Text(FileSource):
    """Texts with a class each, one file (or folder) per split.

    A table (`.csv`, `.tsv`) and JSON Lines (`.jsonl`) have a column, or key, for each. Of any other file each line is a
    label, white space, and the text; any may be gzipped. In a folder, each folder is a class, and each `.txt` file in
    it a text.
    """

    text: str = Field("text", description="the column, or key, of the text")
    label: str = Field("label", description="the column, or key, of the class")
    encoding: str | None = Field(
        None, description="such as latin-1; default: what a byte order mark says, else UTF-8, checked"
    )
    format: Literal["auto", "table", "json_lines", "lines", "folders"] = Field(
        "auto", description="how the files are laid out; auto: what their names say"
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        return encoding if encoding is None else check_encoding(encoding)

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        found = self._read(path)
        examples, bad = self._examples(path, found, like.target if like is not None else None)
        return bad.left(examples, shown_path(path))

    def read_input(self, path: Path, signature: Signature) -> Examples:
        target = signature.target
        found = self._read(path, labelled=False, classes=target.names if target is not None else ())
        return self._examples(path, replace_labels(found), None)[0]

    def _form(self, path: Path) -> Form:
        if self.format != "auto":
            return self.format
        if path.is_dir():
            return "folders"
        suffix = _suffix(path)
        return "table" if suffix in SEPARATORS else "json_lines" if suffix in (".jsonl", ".ndjson") else "lines"

    def _read(self, path: Path, *, labelled: bool = True, classes: Sequence[str] = ()) -> _Texts:
        form, found = self._form(path), _Texts()
        if (form == "folders") != path.is_dir():
            raise DataError(
                f"{shown_path(path)}: expected {'a folder of folders' if form == 'folders' else 'a file'}"
                f"; received {'a folder' if path.is_dir() else 'a file'}"
            )
        if form == "folders":
            for file, label in _files(path, labelled=labelled):
                found.add(read_text(file, self.encoding), label, shown_path(file))
            return found
        content = read_text(path, self.encoding)
        if form == "lines":
            _read_lines(path, content, found, None if labelled else frozenset(classes))
            return found
        rows: Iterable[tuple[int, Mapping[str, object]]] = (
            rows_of_json_lines(path, content)
            if form == "json_lines"
            else rows_of_table(path, content, SEPARATORS.get(_suffix(path), ","))
        )
        for line, values in rows:
            place = f"{shown_path(path)}:{line}"
            text = _value(values, self.text, "text", place)
            found.add(text, _value(values, self.label, "label", place) if labelled else None, place)
        return found

    def _examples(self, path: Path, found: _Texts, like: InputField | None) -> tuple[FlatExamples, BadSequences]:
        ids = [str(number) for number in range(len(found.texts))]
        bad = BadSequences(self.on_bad, ids)
        for number, text in enumerate(found.texts):
            if not text.strip() and not any(label is None for label in found.labels):
                bad.add(number, found.places[number], "expected a text; received nothing")
        encoded = [np.frombuffer(text.encode(errors="replace"), np.uint8) for text in found.texts]
        examples = FlatExamples.from_sequences(Signature((TEXT,)), ids, encoded, locations=found.places)
        if any(label is None for label in found.labels):
            return examples, bad
        labels = [str(label).strip() for label in found.labels]
        target, targets = class_target(labels, found.places.__getitem__, bad, like)
        return replace(examples, signature=Signature((TEXT,), target), targets=targets), bad


def replace_labels(found: _Texts) -> _Texts:
    """Return the texts without their labels."""
    return replace(found, labels=[None] * len(found.texts))


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _value(values: Mapping[str, object], name: str, key: str, place: str) -> str:
    """Return the text or the label of a row.

    Raises:
        DataError: the row has none, or it is neither text nor a number.
    """
    if name not in values:
        raise DataError(f"{place}: expected '{name}' (data.{key}); it is missing{near(name, values)}")
    value = values[name]
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise DataError(f"{place}: '{name}': expected text; received {shown(value)}")
    return str(value)


def _read_lines(path: Path, content: str, found: _Texts, classes: frozenset[str] | None) -> None:
    """Read lines of a label, white space and a text; where `classes` are given, of texts that may follow a label."""
    lines = [(number, line) for number, line in enumerate(content.split("\n"), start=1) if line.strip()]
    cut = [(number, *_label_and_text(line)) for number, line in lines]
    if classes is not None and not all(label in classes and text for _, label, text in cut):
        for number, line in lines:
            found.add(line.strip(), None, f"{shown_path(path)}:{number}")
        return
    for number, label, text in cut:
        found.add(text, label, f"{shown_path(path)}:{number}")


def _label_and_text(line: str) -> tuple[str, str]:
    label, *text = line.split(maxsplit=1)
    return label, text[0] if text else ""


def _files(folder: Path, *, labelled: bool) -> Iterator[tuple[Path, str | None]]:
    """Yield each text file and its class, in the order of their names."""
    inner = sorted(each for each in folder.iterdir() if each.is_dir())
    if labelled and not inner:
        raise DataError(f"{shown_path(folder)}: expected a folder for each class; received none")
    for each in inner:
        for file in sorted(each.rglob("*.txt")):
            yield file, each.name
    if not inner:
        for file in sorted(folder.rglob("*.txt")):
            yield file, None
