"""Series in `.ts` files, the format of the UCR/UEA time series archive (timeseriesclassification.com).

Axes: N examples, T time, F features (the format calls them dimensions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.signature import Field, Signature
from rnnlab.sources._checks import Place, check_finite, check_not_empty, shown
from rnnlab.sources._files import FileSource, check_features
from rnnlab.sources._targets import class_target, numbers_target


class TsFile(FileSource):
    """Series in `.ts` files, one per split, with a class or a number (`@targetLabel true`) for each."""

    def read_file(self, path: Path, like: Signature | None) -> FlatExamples:
        return read_ts(path, like)

    def read_input(self, path: Path, signature: Signature) -> Examples:
        return read_ts(path, replace(signature, target=None))


@dataclass(frozen=True)
class _Layout:
    """What a first look at a file gives: the first word after each tag of its header, and the lines of the cases."""

    shown: str
    header: dict[str, str]
    lines: tuple[int, ...]

    def place(self, case: int) -> str:
        return f"{self.shown}:{self.lines[case]}"

    def says(self, tag: str, default: bool) -> bool:
        return {"true": True, "false": False}.get(self.header.get(tag, ""), default)

    @property
    def has_target(self) -> bool:
        return self.says("targetlabel", False) or self.says("classlabel", True)


def read_ts(path: Path, like: Signature | None = None) -> FlatExamples:
    """Return the examples of a `.ts` file.

    A run of missing values in all features at the end of a series means that the series is shorter than the file's
    rows (the archive pads so); it is cut off. Any other missing value is an error. Class names are in lower case.

    Args:
        path: the file.
        like: the training file's signature: its classes are the only ones, its feature count is expected, and where
            its target is None targets are not read. None for the training file itself.

    Raises:
        DataError: with the line, what was expected and what stands there.
    """
    layout = _look(path)
    series, labels, is_regression = _parse(path, layout)
    check_features(layout.shown, len(series[0]), like)
    names = tuple(f"dim_{number}" for number in range(len(series[0])))
    inputs = like.inputs if like else (Field("sequence", "series", (len(names),), names),)
    target: Field | None = None
    targets: NDArray[np.generic] | None = None
    if layout.has_target and (like is None or like.target is not None):
        target, targets = _targets(labels, is_regression, layout.place, like.target if like else None)
    with np.errstate(over="ignore"):
        sequences = [_cut(each).T.astype(np.float32) for each in series]  # (F, T) → (T, F)
    examples = FlatExamples.from_sequences(
        Signature(inputs, target),
        [str(case) for case in range(len(sequences))],
        sequences,
        targets,
        locations=[layout.place(case) for case in range(len(sequences))],
    )
    check_not_empty(examples, layout.shown)
    check_finite(examples)
    return examples


def _look(path: Path) -> _Layout:
    header: dict[str, str] = {}
    lines: list[int] = []
    where, in_data = shown(path), False
    if path.suffix.lower() != ".ts":
        raise DataError(f"{where}: expected a .ts file")
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if in_data and not line.strip():
                    raise DataError(f"{where}:{number}: expected a series; received an empty line; remove it")
                if in_data:
                    lines.append(number)
                elif line.strip().lower() == "@data":
                    in_data = True
                elif line.strip() and not line.strip().startswith("#"):
                    tag, *words = line.lower().split()
                    header[tag[1:]] = words[0] if words else ""
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: expected text in UTF-8; received something else ({error.reason})") from None
    except OSError as error:
        raise DataError(f"{where}: can't be read: {error.strerror or error}") from None
    if not in_data:
        raise DataError(f"{where}: expected a line '@data' before the series; received none; is it a .ts file?")
    if not lines:
        raise DataError(f"{where}: expected at least one series after '@data'; received none")
    layout = _Layout(where, header, tuple(lines))
    if layout.says("timestamps", False):
        raise DataError(f"{where}: series with time stamps (@timeStamps true) can't be read; write the values alone")
    return layout


def _parse(path: Path, layout: _Layout) -> tuple[list[NDArray[np.float64]], list[str], bool]:
    """Return N series of (F, T), their labels as text, and whether the labels are numbers."""
    from aeon.datasets import load_from_ts_file

    try:
        series, labels, header = load_from_ts_file(str(path), return_meta_data=True, encoding="utf-8-sig")
    except (OSError, ValueError, IndexError) as error:
        raise _fault(path, layout, error) from error
    if len(series[0]) == 0:
        raise DataError(f"{layout.place(0)}: expected values, a colon and the target; received no colon")
    # The parser takes "nan" and "?" for a missing value, inside class names too, and writes it "NaN".
    return list(series), [str(label).strip().lower() for label in labels], bool(header["targetlabel"])


def _targets(
    labels: list[str], is_regression: bool, place: Place, like: Field | None
) -> tuple[Field, NDArray[np.generic]]:
    if is_regression:
        return numbers_target(np.array(labels, np.float64)[:, None], ("value",), place, like)
    for case, label in enumerate(labels):
        if label == "nan":
            raise DataError(f"{place(case)}: expected a class; received a missing value")
    return class_target(labels, place, like)


def _cut(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a series (F, T) without the steps at its end at which all features are missing."""
    present = np.flatnonzero(~np.isnan(series).all(axis=0))
    return series[:, : present[-1] + 1 if len(present) else 0]


def _fault(path: Path, layout: _Layout, error: Exception) -> DataError:
    """Return what is wrong with a file that could not be parsed, with the line where it can be found."""
    with path.open(encoding="utf-8-sig") as file:
        cases = [line.split(":") for line in file][layout.lines[0] - 1 :]
    dimensions = 1 if layout.says("univariate", True) else len(cases[0]) - layout.has_target
    length = cases[0][0].count(",") + 1 if layout.says("equallength", True) else None
    for case, pieces in enumerate(cases):
        found = _fault_of_case(pieces, layout, dimensions, length)
        if found is not None:
            return DataError(f"{layout.place(case)}: {found}")
    number = re.search(r"\bcase (\d+)", str(error))
    where = layout.place(int(number[1]) - 1) if number else layout.shown
    reason = "a tag of the header has no value" if isinstance(error, IndexError) else " ".join(str(error).split())
    return DataError(f"{where}: not in the .ts format: {reason}")


def _fault_of_case(pieces: list[str], layout: _Layout, dimensions: int, length: int | None) -> str | None:
    """Return what is wrong with the pieces between the colons of one line, or None."""
    channels = pieces[:-1] if layout.has_target else pieces
    if len(channels) != dimensions:
        why = "@univariate true" if layout.says("univariate", True) else "as in the first case"
        return f"expected {dimensions} dimension(s), {why}; received {len(channels)}"
    steps = length or (channels[0].count(",") + 1 if channels else 0)
    for dimension, channel in enumerate(channels):
        numbers = channel.split(",")
        for step, number in enumerate(numbers):
            if not _is_number(number):
                return f"dimension {dimension}, time step {step}: expected a number; received {number.strip()!r}"
        if len(numbers) != steps:
            why = "as in the first case (@equalLength true)" if length else "as in dimension 0"
            return f"dimension {dimension}: expected {steps} time steps, {why}; received {len(numbers)}"
    if layout.says("targetlabel", False) and not _is_number(pieces[-1]):
        return f"target: expected a number; received {pieces[-1].strip()!r}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text.replace("?", "nan"))
    except ValueError:
        return False
    return True
