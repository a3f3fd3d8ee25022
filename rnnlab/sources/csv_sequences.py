"""Sequences in tables (CSV, TSV, Parquet): all in one long table, or one file each, listed in a manifest.

Axes: N sequences, T time, F features, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples, Subset
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources._checks import BadSequences, OnBad, Place, check_steps, first_of_each
from rnnlab.sources._files import FileSource
from rnnlab.sources._tables import Table, TableFile, open_table, read_table
from rnnlab.sources._targets import class_target, labels_target, numbers_target
from rnnlab.strict import shown

if TYPE_CHECKING:
    import pandas

SEQUENCE_ID = "sequence_id"
FILE = "file"


class CsvSequences(FileSource):
    """Sequences in CSV, TSV or Parquet tables (.csv, .csv.gz, .tsv, .tsv.gz, .parquet), one row per time step.

    In the `long` layout a table holds all sequences and a column says to which one a row belongs. In the `manifest`
    layout a table lists one file per sequence in its column `file`, relative to the table.
    """

    layout: Literal["long", "manifest"] = Field(
        "long", description="`long`: all sequences in one table; `manifest`: a table of files, one sequence each"
    )
    sequence_id: str = Field(
        SEQUENCE_ID, description="the column that says to which sequence a row of a long table belongs"
    )
    time: str | None = Field(
        None,
        description="the column (numbers or ISO dates) by which the rows of a sequence are sorted; by default they "
        "stand in order",
    )
    features: list[str] | None = Field(
        None, min_length=1, description="the feature columns; by default every column of numbers not otherwise named"
    )
    label: str | None = Field(None, description="the column with the class of the sequence; or give `values`")
    values: list[str] | None = Field(
        None, min_length=1, description="the columns with the numbers that are asked for; or give `label`"
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="what stands between the labels of a sequence that may have several, such as '|'; by default "
        "there is exactly one",
    )
    group: str | None = Field(
        None,
        description="the column (a speaker, a patient) that `test_fraction` and `validation.grouped` keep on one side",
    )
    test_fraction: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="the part of the sequences that is cut off as the test split, in the manner of `validation` but "
        "always with seed 0; by default only the file `test` is one",
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> CsvSequences:
        if (self.label is None) == (self.values is None):
            raise ValueError("give exactly one of label (classes) and values (numbers)")
        if self.label_separator is not None and self.label is None:
            raise ValueError("label_separator needs label")
        if self.layout == "manifest" and self.sequence_id != SEQUENCE_ID:
            raise ValueError("sequence_id is for layout: long; a manifest's sequences are named by their file")
        if self.group is not None and not self.validation.grouped and self.test_fraction is None:
            raise ValueError("group does nothing unless validation.grouped is true or test_fraction cuts by it")
        if self.test is not None and self.test_fraction is not None:
            raise ValueError("give test or test_fraction, not both")
        if self.test_fraction is not None and self.validation.test_fold:
            raise ValueError("give test_fraction or validation.test_fold, not both")
        for column in self.features or []:
            if column in self._other_columns():
                raise ValueError(f"features: column '{column}' is already named by another key")
        return self

    def _other_columns(self) -> set[str]:
        named = [self.sequence_id, self.time, self.label, self.group, *(self.values or [])]
        return {column for column in named if column is not None}

    def open(self, places: Places) -> dict[str, Examples]:
        splits = super().open(places)
        if self.test_fraction is None:
            return splits
        cut = self.validation.model_copy(
            update={"by": "fraction", "fraction": self.test_fraction, "seed": 0, "grouped": self.group is not None}
        )
        everything = splits["train"]
        sides = cut.split(everything)
        return {
            **splits,
            "train": Subset(everything, sides["train"]),
            "test": Subset(everything, sides["validation"]),
        }

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        return self._read(path, like, with_targets=True)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return self._read(path, signature, with_targets=False)

    def _read(self, path: Path, like: Signature | None, with_targets: bool) -> FlatExamples:
        file = open_table(path)
        wanted = _Columns(self, file, with_targets)
        features = list(like.inputs[0].names) if like is not None else self.features
        read = _read_long if self.layout == "long" else _read_manifest
        sequences = read(wanted, features)
        return sequences.bad.left(_examples(wanted, sequences, like), file.shown)


class _Columns:
    """The columns of one table that the keys of the spec name, after checking that they are there."""

    def __init__(self, source: CsvSequences, file: TableFile, with_targets: bool) -> None:
        self.file, self.time, self.separator = file, source.time, source.label_separator
        self.on_bad: OnBad = source.on_bad
        self.id = source.sequence_id if source.layout == "long" else FILE
        self.label = source.label if with_targets else None
        self.values = (source.values or []) if with_targets else []
        self.group = source.group if with_targets else None
        self.other = source._other_columns()
        file.require("sequence_id" if source.layout == "long" else "layout: manifest", self.id)
        for key, column in (("label", self.label), ("group", self.group)):
            if column is not None:
                file.require(key, column)
        for column in self.values:
            file.require("values", column)

    @property
    def text(self) -> list[str]:
        return list(dict.fromkeys(each for each in (self.id, self.label, self.group) if each is not None))


@dataclass(frozen=True, eq=False)
class _Sequences:
    """What both layouts give.

    Attributes:
        table: the table with the ids, labels, values and groups of the sequences.
        rows: (N,) for each sequence a row of `table` that speaks for it.
        ids: the sequences' names.
        features: the names of the features.
        steps: (ΣT, F) float32, sequence after sequence.
        lengths: (N,) int64.
        place_of_step: where a row of `steps` stands.
        bad: those with a fault.
    """

    table: Table
    rows: NDArray[np.int64]
    ids: list[str]
    features: tuple[str, ...]
    steps: NDArray[np.float32]
    lengths: NDArray[np.int64]
    place_of_step: Place
    bad: BadSequences

    def place(self, index: int) -> str:
        return self.table.place(int(self.rows[index]))


def _examples(wanted: _Columns, sequences: _Sequences, like: Signature | None) -> FlatExamples:
    field = ExampleField("sequence", "series", (len(sequences.features),), sequences.features)
    check_steps(field, sequences.steps, sequences.lengths, sequences.bad, sequences.place, sequences.place_of_step)
    groups = None
    if wanted.group is not None:
        groups = sequences.table.text(wanted.group)[sequences.rows].astype(str)
        for index in np.flatnonzero(~groups.astype(bool)):
            reason = f"column '{wanted.group}': expected a group; received an empty cell"
            sequences.bad.add(int(index), sequences.place(int(index)), reason)
    target, targets = _targets(wanted, sequences, like.target if like is not None else None)
    return FlatExamples.from_lengths(
        Signature((field,) if like is None else like.inputs, target),
        sequences.ids,
        sequences.steps,
        sequences.lengths,
        targets,
        groups,
        [sequences.place(index) for index in range(len(sequences.ids))],
    )


def _targets(
    wanted: _Columns, sequences: _Sequences, like: ExampleField | None
) -> tuple[ExampleField | None, NDArray[np.generic] | None]:
    table, rows, bad = sequences.table, sequences.rows, sequences.bad
    if wanted.values:
        numbers = table.frame[wanted.values].to_numpy()[rows]
        return numbers_target(numbers, wanted.values, sequences.place, bad, like)
    if wanted.label is None:
        return None, None
    labels: list[str] = list(table.text(wanted.label)[rows])
    what = f"column '{wanted.label}': "
    if wanted.separator is None:
        return class_target(labels, sequences.place, bad, like, what=what)
    parts = [[part.strip() for part in label.split(wanted.separator)] for label in labels]
    return labels_target([[part for part in each if part] for each in parts], sequences.place, bad, like, what=what)


def _read_long(wanted: _Columns, features: Sequence[str] | None) -> _Sequences:
    """Read a table that holds all sequences; they keep the order of their first rows."""
    file = wanted.file
    if wanted.time is not None:
        file.require("time", wanted.time)
    table, names = _read_features(file, wanted.text, wanted.values, wanted.time, features, wanted.other)
    codes, ids = _sequence_codes(table, wanted.id)
    bad = BadSequences(wanted.on_bad, ids)
    _check_cells(table, codes, bad, guessed=names if features is None else ())
    first = _first_rows(codes, len(ids))
    for column in [*wanted.values, *(each for each in (wanted.label, wanted.group) if each is not None)]:
        _check_constant(table, column, codes, first, bad)
    order = _written_order(table, codes, bad) if wanted.time is None else _time_order(table, wanted.time, codes, bad)
    steps = table.frame[list(names)].to_numpy(np.float32)
    return _Sequences(
        table,
        first,
        ids,
        names,
        steps if order is None else steps[order],
        np.bincount(codes, minlength=len(ids)).astype(np.int64),
        table.place if order is None else lambda row: table.place(int(order[row])),
        bad,
    )


def _read_features(
    file: TableFile,
    text: Sequence[str],
    values: Sequence[str],
    time: str | None,
    features: Sequence[str] | None,
    other: set[str],
) -> tuple[Table, tuple[str, ...]]:
    """Return a table with its feature columns read, and their names in order."""
    free = [time] if time is not None else []
    if features is not None:
        for name in features:
            file.require("features", name)
        return read_table(file, text, [*values, *features], free=free), tuple(features)
    maybe = [name for name in file.columns if name not in other]
    table = read_table(file, text, values, maybe, free)
    names = tuple(name for name in maybe if name in table.frame)
    if not names:
        raise DataError(f"{file.shown}: expected a column of numbers beside those that the spec names; found none")
    return table, names


def _sequence_codes(table: Table, column: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return for each row the number of its sequence, (rows,), and the sequences' ids in order of appearance."""
    import pandas

    codes, ids = pandas.factorize(table.frame[column].fillna(""))
    names = [str(name) for name in ids]
    if "" in names:
        row = int(np.flatnonzero(codes == names.index(""))[0])
        raise DataError(f"{table.place(row)}: column '{column}': expected a sequence's name; received an empty cell")
    return codes.astype(np.int64), names


def _first_rows(codes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the first row of each sequence, (N,)."""
    first = np.full(count, len(codes), np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    return first


def _check_cells(table: Table, codes: NDArray[np.int64], bad: BadSequences, guessed: Sequence[str] = ()) -> None:
    """Check that no cell of a column of numbers is a word; `guessed`: columns that the spec does not name."""
    if not table.words:
        return
    cells = [(int(row), column) for column, words in table.words.items() for row in _first_words(words, codes)]
    for row, column in sorted(cells):
        cell = str(table.words[column].at[row])
        received = shown(cell) if cell.strip() else "an empty cell"
        hint = "; if this is no feature, name the features in data.features" if column in guessed else ""
        reason = f"column {shown(column)}: expected a number; received {received}{hint}"
        bad.add(int(codes[row]), table.place(row), reason)


def _first_words(words: pandas.Series[Any], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the first word of each sequence."""
    rows = words.index.to_numpy()
    return rows[first_of_each(codes[rows])]


def _check_constant(
    table: Table, column: str, codes: NDArray[np.int64], first: NDArray[np.int64], bad: BadSequences
) -> None:
    """Check that a column has one value in all rows of a sequence."""
    import pandas

    values = pandas.factorize(table.frame[column])[0]  # a missing value is -1
    differing = np.flatnonzero(values != values[first][codes])
    cells = table.frame[column]
    for row in differing[first_of_each(codes[differing])]:
        start = int(first[codes[row]])
        reason = (
            f"column '{column}': expected one value for all rows of a sequence, {shown(str(cells.iloc[start]))} as in "
            f"{table.place(start)}; received {shown(str(cells.iloc[row]))}"
        )
        bad.add(int(codes[row]), table.place(int(row)), reason)


def _written_order(table: Table, codes: NDArray[np.int64], bad: BadSequences) -> NDArray[np.int64] | None:
    """Return the rows sorted by sequence, (rows,), or None where they are; the rows of one must follow one another."""
    begins = np.flatnonzero(np.diff(codes, prepend=-1))  # a run of rows of one sequence
    again = np.delete(begins, first_of_each(codes[begins]))
    for row in again[first_of_each(codes[again])]:
        reason = (
            "expected the rows of a sequence to follow one another; received a row of it again after others; "
            "name a time column in data.time, sort the table, or give each sequence an id of its own"
        )
        bad.add(int(codes[row]), table.place(int(row)), reason)
    return np.argsort(codes, kind="stable") if len(again) else None


def _time_order(table: Table, column: str, codes: NDArray[np.int64], bad: BadSequences) -> NDArray[np.int64]:
    """Return the rows sorted by sequence, and by time within each, (rows,)."""
    times = _times(table, column, codes, bad)
    order = np.lexsort((times, codes))
    same = np.flatnonzero((np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0))
    for at in same[first_of_each(codes[order[same]])]:
        earlier, later = sorted((int(order[at]), int(order[at + 1])))
        if int(codes[later]) not in bad:
            reason = (
                f"column '{column}': expected different times within a sequence; "
                f"received {shown(str(table.frame[column].iloc[later]))} as in {table.place(earlier)}"
            )
            bad.add(int(codes[later]), table.place(later), reason)
    return order.astype(np.int64)


def _times(table: Table, column: str, codes: NDArray[np.int64], bad: BadSequences) -> NDArray[np.generic]:
    """Return a time column, (rows,), as something that sorts."""
    import pandas
    from pandas.api.types import is_datetime64_any_dtype

    cells = table.frame[column]
    times = cells if is_datetime64_any_dtype(cells) else pandas.to_numeric(cells, errors="coerce")
    if not times.notna().any():
        times = pandas.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    missing = np.flatnonzero(times.isna() | times.isin([np.inf, -np.inf]))
    for row in missing[first_of_each(codes[missing])]:
        received = "an empty cell" if pandas.isna(cells.iloc[row]) else shown(str(cells.iloc[row]))
        reason = f"column '{column}': expected a number or an ISO date; received {received}"
        bad.add(int(codes[row]), table.place(int(row)), reason)
    result: NDArray[np.generic] = times.to_numpy()
    return result if result.dtype.kind in "biuf" else times.astype("int64").to_numpy()


def _read_manifest(wanted: _Columns, features: Sequence[str] | None) -> _Sequences:
    """Read the files that a manifest lists, in its order; of one that can't be read the sequence is empty."""
    manifest = read_table(wanted.file, wanted.text, wanted.values)
    files = [str(name) for name in manifest.text(wanted.id)]
    _check_different(manifest, files)
    rows = np.arange(len(files), dtype=np.int64)
    bad = BadSequences(wanted.on_bad, files)
    _check_cells(manifest, rows, bad)
    names = tuple(features) if features is not None else None
    read: dict[int, tuple[NDArray[np.float32], Place]] = {}
    for row, name in enumerate(files):
        try:
            steps, names, place = _read_one(_listed(wanted.file.path.parent, name), wanted.time, names)
            read[row] = steps, place
        except DataError as error:
            bad.add(row, manifest.place(row), str(error))
    empty = np.zeros((0, len(names or ())), np.float32)
    parts = [read[row][0] if row in read else empty for row in range(len(files))]
    lengths = np.array([len(each) for each in parts], np.int64)
    ends = np.cumsum(lengths)

    def place_of_step(row: int) -> str:
        index = int(np.searchsorted(ends, row, side="right"))
        return read[index][1](int(row - (ends[index] - lengths[index])))

    return _Sequences(manifest, rows, files, names or (), np.concatenate(parts), lengths, place_of_step, bad)


def _check_different(manifest: Table, files: Sequence[str]) -> None:
    """Check that no file is listed twice: it would stand on both sides of a split."""
    seen: dict[str, int] = {}
    for row, name in enumerate(files):
        if name.strip() and seen.setdefault(name, row) != row:
            raise DataError(
                f"{manifest.place(row)}: column '{FILE}': expected every file once; received {shown(name)} again, "
                f"as in {manifest.place(seen[name])}; remove one of the two"
            )


def _listed(folder: Path, name: str) -> Path:
    """Return the path of a file that a manifest lists.

    Raises:
        DataError: there is no such file.
    """
    path = folder / name
    try:
        found = bool(name.strip()) and path.is_file()
    except (OSError, ValueError):  # a name that is too long, or no name at all
        found = False
    if not found:
        received = shown(name) if name.strip() else "nothing"
        raise DataError(f"column '{FILE}': expected a file beside the manifest; received {received}")
    return path


def _read_one(
    path: Path, time: str | None, features: tuple[str, ...] | None
) -> tuple[NDArray[np.float32], tuple[str, ...], Place]:
    """Return the sequence (T, F) of one file, its features, and the place of each time step.

    Raises:
        DataError: a fault anywhere in the file.
    """
    file = open_table(path)
    if time is not None:
        file.require("time", time)
    table, names = _read_features(file, [], [], time, features, {time} if time is not None else set())
    one, fault = np.zeros(len(table.frame), np.int64), BadSequences("skip", [path.name])
    _check_cells(table, one, fault, guessed=names if features is None else ())
    steps = table.frame[list(names)].to_numpy(np.float32)
    order = np.arange(len(steps)) if time is None else _time_order(table, time, one, fault)
    for each in fault.found.values():
        raise DataError(f"{each.where}: {each.reason}")
    return steps[order], names, lambda row: table.place(int(order[row]))
