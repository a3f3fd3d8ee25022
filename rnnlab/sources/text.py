"""Texts with a class each: tables, JSON Lines, lines that begin with the label, one folder for each class.

Axes: N examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, near, shown_path
from rnnlab.sources._files import FileSource
from rnnlab.sources._targets import class_target
from rnnlab.sources._texts import TEXT, Encoding, read_text, rows_of_json_lines, rows_of_table
from rnnlab.strict import shown

SEPARATORS = {".csv": ",", ".tsv": "\t"}
Form = Literal["table", "json_lines", "lines", "folders"]


@dataclass
class _Texts:
    """What a file holds, text by text.

    Attributes:
        ids, texts, labels, places: (N,); a label is None where there is none.
        notes: what the user should know of how they were read.
    """

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, text: str, label: str | None, place: str, identity: str | None = None) -> None:
        self.ids.append(str(len(self.ids)) if identity is None else identity)
        # What JSON writes of half a character is none.
        self.texts.append(text.encode(errors="replace").decode())
        self.labels.append(label if label is None else label.encode(errors="replace").decode().strip())
        self.places.append(place)


class Text(FileSource):
    """Texts with a class each, one file (or folder) per split.

    A table (`.csv`, `.tsv`) and JSON Lines (`.jsonl`) have a column, or key, for each. Of any other file each line is a
    label, white space, and the text; any may be gzipped. In a folder, each folder is a class, and each `.txt` file in
    it a text.
    """

    text: str = Field("text", description="the column, or key, of the text")
    label: str = Field("label", description="the column, or key, of the class")
    encoding: Encoding = None
    format: Literal["auto", "table", "json_lines", "lines", "folders"] = Field(
        "auto", description="how the files are laid out; auto: what their names say"
    )

    @classmethod
    def gives_text(cls, keys: object) -> bool:
        return True

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        form = self._form(path)
        found = self._read(path, form, labelled=True)
        bad = BadSequences(self.on_bad, found.ids)
        for number, text in enumerate(found.texts):
            if not text.strip():
                bad.add(number, found.places[number], "expected a text; received nothing")
        labels = [label or "" for label in found.labels]
        target, targets = class_target(labels, found.places.__getitem__, bad, like.target if like is not None else None)
        signature = Signature((TEXT,), target, like.found if like is not None else (("form", form),))
        return bad.left(_examples(found, signature, targets), shown_path(path))

    def read_input(self, path: Path, signature: Signature) -> Examples:
        form = self._form(path)
        if form == "lines" and self.format == "auto" and dict(signature.found).get("form") == "folders":
            found = _Texts()  # one of the files of which training's folders were full
            found.add(read_text(path, self.encoding), None, shown_path(path), path.name)
        else:
            classes = signature.target.names if signature.target is not None else ()
            found = self._read(path, form, labelled=False, classes=classes)
        if not found.texts:
            raise DataError(f"{shown_path(path)}: expected at least one text; received none")
        return _examples(found, Signature((TEXT,)), None)

    def _form(self, path: Path) -> Form:
        if self.format != "auto":
            return self.format
        if path.is_dir():
            return "folders"
        suffix = _suffix(path)
        return "table" if suffix in SEPARATORS else "json_lines" if suffix in (".jsonl", ".ndjson") else "lines"

    def _read(self, path: Path, form: Form, *, labelled: bool, classes: Sequence[str] = ()) -> _Texts:
        if (form == "folders") != path.is_dir():
            raise DataError(
                f"{shown_path(path)}: expected {'a folder of folders' if form == 'folders' else 'a file'}"
                f"; received {'a folder' if path.is_dir() else 'a file'}"
            )
        found = _Texts()
        if form == "folders":
            for file, label in _files(path, labelled=labelled):
                name = file.relative_to(path).as_posix()
                found.add(read_text(file, self.encoding), label, shown_path(file), name)
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


def _examples(found: _Texts, signature: Signature, targets: NDArray[np.int64] | None) -> FlatExamples:
    encoded = [np.frombuffer(text.encode(), np.uint8) for text in found.texts]
    examples = FlatExamples.from_sequences(signature, found.ids, encoded, targets, locations=found.places)
    return replace(examples, notes=tuple(found.notes))


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
    labels = [classes is None or (label in classes and bool(text)) for _, label, text in cut]
    if not all(labels):
        if any(labels):
            found.notes.append(
                f"{sum(labels)} of {len(labels)} lines begin with a class; as not all do, all are read whole"
            )
        for number, line in lines:
            found.add(line.strip(), None, f"{shown_path(path)}:{number}")
        return
    if classes is not None and lines:
        found.notes.append("every line begins with a class, which is left out")
    for number, label, text in cut:
        found.add(text, label, f"{shown_path(path)}:{number}")


def _label_and_text(line: str) -> tuple[str, str]:
    label, *text = line.split(maxsplit=1)
    return label, text[0] if text else ""


def _files(folder: Path, *, labelled: bool) -> Iterator[tuple[Path, str | None]]:
    """Yield each text file and its class, in the order of their names; without labels, all files below a folder."""
    if not labelled:
        yield from ((file, None) for file in sorted(folder.rglob("*.txt")))
        return
    inner = sorted(each for each in folder.iterdir() if each.is_dir())
    if not inner:
        raise DataError(f"{shown_path(folder)}: expected a folder for each class; received none")
    for each in inner:
        yield from ((file, each.name) for file in sorted(each.rglob("*.txt")))
