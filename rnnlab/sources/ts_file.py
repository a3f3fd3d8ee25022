"""Series in `.ts` files, the format of the UCR/UEA time series archive (timeseriesclassification.com).

Axes: N examples, T time, F features (the format calls them dimensions).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field, Signature
from rnnlab.sources._checks import BadSequences, OnBad, check_steps, shown_path
from rnnlab.sources._files import FileSource, check_features
from rnnlab.sources._targets import class_target, numbers_target
from rnnlab.strict import shown

SWITCHES = ("timestamps", "missing", "univariate", "equallength", "targetlabel", "classlabel")
MISSING = ("?", "nan")


class TsFile(FileSource):
    """Series in `.ts` files, one per split, with a class or a number (`@targetLabel true`) for each."""

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        return read_ts(path, like, self.on_bad)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return read_ts(path, replace(signature, target=None), self.on_bad)


@dataclass(frozen=True)
class _Cases:
    """A file before its numbers are read.

    Attributes:
        shown: how messages call the file.
        header: the words after each tag.
        lines: (N,) the line of each case.
        pieces: (N,) each case in lower case, cut at its colons: F dimensions, then the target where there is one.
    """

    shown: str
    header: dict[str, list[str]]
    lines: list[int]
    pieces: list[list[str]]

    def place(self, case: int) -> str:
        return f"{self.shown}:{self.lines[case]}"

    def says(self, tag: str, default: bool) -> bool:
        word = (self.header.get(tag) or [""])[0]
        return {"true": True, "false": False}.get(word, default)

    @property
    def is_regression(self) -> bool:
        return self.says("targetlabel", False)

    @property
    def has_target(self) -> bool:
        return self.is_regression or self.says("classlabel", True)

    def dimensions(self, case: int) -> list[str]:
        return self.pieces[case][:-1] if self.has_target else self.pieces[case]


def read_ts(path: Path, like: Signature | None = None, on_bad: OnBad = "error") -> FlatExamples:
    """Return the examples of a `.ts` file.

    A run of missing values in all features at the end of a series means that the series is shorter than the file's
    rows (the archive pads so); it is cut off. Any other missing value is a fault. Class names are in lower case.

    Args:
        path: the file.
        like: the training file's signature: its classes are the only ones, its feature count is expected, and where
            its target is None targets are not read. None for the training file itself.
        on_bad: what a bad series comes to.

    Raises:
        DataError: with the line, what was expected and what stands there.
    """
    cases = _look(path)
    ids = [str(case) for case in range(len(cases.lines))]
    bad = BadSequences(on_bad, ids)
    features = 1 if cases.says("univariate", True) else _usual(len(cases.dimensions(case)) for case in range(len(ids)))
    if features == 0:
        raise DataError(f"{cases.place(0)}: expected values, a colon and the target; received no colon")
    check_features(cases.shown, features, like)
    names = tuple(f"dim_{number}" for number in range(features))
    inputs = like.inputs if like else (Field("sequence", "series", (features,), names),)
    locations = [cases.place(case) for case in range(len(ids))]
    series = _read_series(cases, features, bad)
    examples = FlatExamples.from_sequences(Signature(inputs), ids, series, locations=locations)
    check_steps(inputs[0], examples.values, examples.lengths, bad, cases.place)
    if cases.has_target and (like is None or like.target is not None):
        target, targets = _targets(cases, bad, like.target if like else None)
        examples = replace(examples, signature=Signature(inputs, target), targets=targets)
    return bad.left(examples, cases.shown)


def _look(path: Path) -> _Cases:
    """Read a file, and check its header."""
    where = shown_path(path)
    if path.suffix.lower() != ".ts":
        raise DataError(f"{where}: expected a .ts file")
    cases = _Cases(where, {}, [], [])
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = enumerate(file, 1)
            _read_header(cases, lines)
            for number, line in lines:
                if not line.strip():
                    raise DataError(f"{where}:{number}: expected a series; received an empty line; remove it")
                cases.lines.append(number)
                cases.pieces.append(line.strip().lower().split(":"))
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: expected text in UTF-8; received something else ({error.reason})") from None
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    if not cases.lines:
        raise DataError(f"{where}: expected at least one series after '@data'; received none")
    return cases


def _read_header(cases: _Cases, lines: Iterator[tuple[int, str]]) -> None:
    """Read the lines up to `@data` into the header, and check what they say."""
    for number, line in lines:
        tag, *words = line.lower().split() or ["#"]
        place = f"{cases.shown}:{number}: {shown(tag)}"
        if tag == "@data" and not words:
            break
        if tag == "@data":
            raise DataError(f"{place}: expected nothing after it on this line; received {shown(' '.join(words))}")
        if tag.startswith("#"):
            continue
        if tag[1:] in SWITCHES and words[:1] not in (["true"], ["false"]):
            raise DataError(f"{place}: expected true or false; received {shown(' '.join(words))}")
        if tag == "@classlabel" and words == ["true"]:
            raise DataError(f"{place}: expected the names of the classes after true; received none")
        cases.header[tag[1:]] = words
    else:
        raise DataError(f"{cases.shown}: expected a line '@data' before the series; received none; is it a .ts file?")
    if cases.says("timestamps", False):
        raise DataError(
            f"{cases.shown}: series with time stamps (@timeStamps true) can't be read; write the values alone"
        )


def _read_series(cases: _Cases, features: int, bad: BadSequences) -> list[NDArray[np.float32]]:
    """Return N series of (T, F); a bad one is empty."""
    steps: int | None = None
    if cases.says("equallength", True):
        steps = _usual(pieces[0].count(",") + 1 for pieces in cases.pieces)
    series = []
    for case in range(len(cases.lines)):
        dimensions = cases.dimensions(case)
        try:
            array = np.array([[float(number) for number in each.replace("?", "nan").split(",")] for each in dimensions])
        except ValueError:  # a word, or dimensions of different length
            array = np.zeros(0)
        if array.shape[0] != features or array.ndim != 2 or steps not in (None, array.shape[1]):
            bad.add(case, cases.place(case), _fault(cases, dimensions, features, steps))
            array = np.zeros((features, 0))
        with np.errstate(over="ignore"):
            series.append(_cut(array).T.astype(np.float32))  # (F, T) → (T, F)
    return series


def _fault(cases: _Cases, dimensions: list[str], features: int, steps: int | None) -> str:
    """Return what is wrong with a case that is not F dimensions of one length."""
    if len(dimensions) != features:
        why = "@univariate true" if cases.says("univariate", True) else "as in the other cases"
        return f"expected {features} dimension(s), {why}; received {len(dimensions)}; a colon ends each"
    why = "as in dimension 0" if steps is None else "as in the other cases (@equalLength true)"
    steps = steps or dimensions[0].count(",") + 1
    for dimension, each in enumerate(dimensions):
        numbers = each.split(",")
        for step, number in enumerate(numbers):
            if not _is_number(number):
                return f"dimension {dimension}, time step {step}: expected a number; received {shown(number.strip())}"
        if len(numbers) != steps:
            return f"dimension {dimension}: expected {steps} time steps, {why}; received {len(numbers)}"
    return "expected numbers, separated by commas"


def _targets(cases: _Cases, bad: BadSequences, like: Field | None) -> tuple[Field, NDArray[np.generic]]:
    labels = [pieces[-1].strip() for pieces in cases.pieces]
    if not cases.is_regression:
        return class_target(["" if label in MISSING else label for label in labels], cases.place, bad, like)
    for case, label in enumerate(labels):
        if not _is_number(label) and case not in bad:
            bad.add(case, cases.place(case), f"target: expected a number; received {shown(label)}")
    numbers = [float(label.replace("?", "nan")) if _is_number(label) else np.nan for label in labels]
    return numbers_target(np.array(numbers)[:, None], ("value",), cases.place, bad, like)


def _cut(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a series (F, T) without the steps at its end at which all features are missing."""
    present = np.flatnonzero(~np.isnan(series).all(axis=0))
    return series[:, : present[-1] + 1 if len(present) else 0]


def _usual(counts: Iterable[int]) -> int:
    """Return the most frequent count; of several, the one that comes first."""
    return Counter(counts).most_common(1)[0][0]


def _is_number(text: str) -> bool:
    try:
        float(text.replace("?", "nan"))
    except ValueError:
        return False
    return True
