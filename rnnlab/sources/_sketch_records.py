"""Drawings in TFRecord files, as the QuickDraw tutorial writes them: read one by one where an index says they stand.

A record's features are `ink`, steps (dx, dy, lift) laid flat, `shape`, their number and 3, and `class_index`. The file
is read through once, to check it and to note where each record stands; later each drawing is read when it is asked for.

A file is records end to end: eight bytes of length, four of its checksum, the record, four of its checksum.

Axes: N drawings, T points.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from rnnlab import bounded
from rnnlab.errors import DataError
from rnnlab.examples import Examples, Skipped
from rnnlab.signature import Signature
from rnnlab.sources._checks import shown_path
from rnnlab.sources._strokes import STROKES, BadDrawing, points_of_steps
from rnnlab.strict import shown

HEADER, FOOTER = 12, 4  # bytes around a record
MOST_BYTES_OF_RECORD = 2**28
MOST_BYTES_OF_CLASSES = 2**24
SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})")


@dataclass(frozen=True)
class Record:
    """A drawing as it stands in a file: its place, its number of points and its class."""

    offset: int
    size: int
    points: int
    class_index: int


def shards(path: Path) -> list[Path]:
    """Return all files of the set that a file such as `training.tfrecord-00000-of-00010` is of; of another, itself.

    Raises:
        DataError: one is missing.
    """
    found = SHARD.fullmatch(path.name)
    if found is None:
        return [path]
    count = int(found["count"])
    files = [path.with_name(f"{found['name']}-{number:05d}-of-{count:05d}") for number in range(count)]
    missing = next((each.name for each in files if not each.is_file()), None)
    if missing is not None:
        raise DataError(f"{shown_path(path)}: expected the {count} files of its set beside it; {missing} is missing")
    return files


def names_beside(path: Path) -> list[str] | None:
    """Return the names of the classes, one a line of the file `NAME.classes` beside; None where there is none.

    Raises:
        DataError: it can't be read.
    """
    found = SHARD.fullmatch(path.name)
    beside = path.with_name(f"{found['name'] if found else path.name}.classes")
    if not beside.is_file():
        return None
    try:
        return bounded.read_bytes(beside, MOST_BYTES_OF_CLASSES).decode().splitlines()
    except OSError as error:
        raise DataError(f"{shown_path(beside)}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{shown_path(beside)}: expected names in UTF-8: {error}") from None


def records_of(path: Path, *, classes: bool) -> Iterator[Record | BadDrawing]:
    """Yield each record of a file, or what is wrong with it, after checking that all are there.

    Args:
        path: the file.
        classes: whether a record must say its class; otherwise it is -1.

    Raises:
        DataError: the file is truncated, damaged, or no TFRecord.
    """
    import tensorflow as tf

    where = shown_path(path)
    offset, right = HEADER, 0
    _check_sizes(path, where)  # before TensorFlow, which takes as much memory as a record says it has
    try:
        for content in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            try:
                points, index = _parsed(content, classes=classes)
                yield Record(offset, len(content), len(points), index)
            except BadDrawing as fault:
                yield fault
            offset, right = offset + len(content) + FOOTER + HEADER, right + 1
    except tf.errors.OpError:
        raise DataError(
            f"{where}: record {right} (counted from 0): its checksum is not that of its bytes; the file is damaged; "
            "fetch it anew"
        ) from None


def _check_sizes(path: Path, where: str) -> None:
    """Check that there are records, and that the file ends where the last of them says it does.

    Raises:
        DataError: which record does not fit.
    """
    count = 0
    try:
        with bounded.open_regular(path) as file:
            end = file.seek(0, 2)
            begin = file.seek(0)
            while begin < end:
                size = int.from_bytes(file.read(8), "little")
                if begin + HEADER + size + FOOTER > end:
                    raise DataError(
                        f"{where}: record {count} (counted from 0): expected {size:,} bytes; the file ends "
                        f"{end - begin:,} bytes behind its beginning; it is truncated, or no TFRecord file; fetch it "
                        "anew, or unpack it"
                    )
                if size > MOST_BYTES_OF_RECORD:
                    raise DataError(f"{where}: record {count}: {size:,} bytes is too large for a drawing")
                begin, count = file.seek(begin + HEADER + size + FOOTER), count + 1
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    if not count:
        raise DataError(f"{where}: expected at least one record; received an empty file")


def _parsed(content: bytes, *, classes: bool) -> tuple[NDArray[np.float32], int]:
    """Return the points (T, 3) of a record, and its class; -1 where that is not asked for."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        features = tf.train.Example.FromString(content).features.feature
    except DecodeError:
        raise BadDrawing("expected a tf.train.Example; received something else") from None
    for name in ("ink", "shape", *(["class_index"] if classes else [])):
        if name not in features:
            raise BadDrawing(f"expected a feature '{name}'; it has {', '.join(map(repr, sorted(features))) or 'none'}")
    ink = np.array(features["ink"].float_list.value, np.float32)
    shape = list(features["shape"].int64_list.value)
    if len(shape) != 2 or shape[1] != 3 or shape[0] * 3 != len(ink):
        raise BadDrawing(
            f"features 'ink' and 'shape': expected steps of dx, dy and lift laid flat, and [steps, 3]; received "
            f"{len(ink)} numbers and {shown(shape)}"
        )
    index = list(features["class_index"].int64_list.value) if classes else [-1]
    if len(index) != 1:
        raise BadDrawing(f"feature 'class_index': expected one whole number; received {shown(index)}")
    return points_of_steps(ink.reshape(-1, 3), from_a_point=True), index[0]


class RecordIds(Sequence[str]):
    """The names of drawings in files, such as `training.tfrecord:17`, made when they are asked for."""

    def __init__(self, names: Sequence[str], files: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        self.names, self.files, self.numbers = names, files, numbers

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> RecordIds: ...
    def __getitem__(self, index: int | slice) -> str | RecordIds:
        if isinstance(index, slice):
            return RecordIds(self.names, self.files[index], self.numbers[index])
        return f"{self.names[self.files[index]]}:{self.numbers[index]}"


class Index:
    """Where drawings stand in files: a row of few bytes each."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.rows = array("q")

    def add(self, file: int, number: int, record: Record) -> None:
        self.rows.extend((file, number, record.offset, record.size, record.points))

    def table(self) -> NDArray[np.int64]:
        """Return (N, 5): the file, the number of the record, where it begins, its bytes, and its points."""
        return np.array(self.rows, np.int64).reshape(-1, 5)


class RecordExamples(Examples):
    """Drawings that stay in their files, and are read one at a time.

    Args:
        paths: the files.
        table: see `Index.table`.
        signature: the fields of every drawing.
        targets: (N,) the classes, or None.
        skipped: the bad ones that were left out.
    """

    groups = None

    def __init__(
        self,
        paths: Sequence[Path],
        table: NDArray[np.int64],
        signature: Signature,
        targets: NDArray[np.int64] | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> None:
        self.paths, self.table = paths, table
        self.signature, self.targets, self.skipped = signature, targets, skipped
        self.ids = RecordIds([path.name for path in paths], table[:, 0], table[:, 1])
        self.lengths = table[:, 4]

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        file, _, offset, size, length = self.table[index].tolist()
        path = self.paths[file]
        try:
            with bounded.open_regular(path) as file:
                file.seek(offset)
                points, _ = _parsed(file.read(size), classes=False)
        except OSError as error:
            raise DataError(f"{shown_path(path)}: can't be read: {error.strerror or error}") from None
        except BadDrawing:
            points = np.zeros((0, 3), np.float32)
        if len(points) != length:
            raise DataError(f"{shown_path(path)}: the file has changed since it was opened; begin again")
        return {STROKES.name: points}
