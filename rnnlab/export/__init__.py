"""Exports: a run in another system's form. One file a format; its name is the format's name.

Every export is loaded again after it was written, and asked the same questions as the run.

Axes: N examples, T time, F features.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import ExportError, UserError
from rnnlab.examples import FlatExamples
from rnnlab.prediction import Predictor
from rnnlab.registry import Registry
from rnnlab.rundir import read_arrays
from rnnlab.signature import Signature
from rnnlab.strict import Strict

Answers = dict[str, NDArray[Any]]


class ExportFormat(Strict, ABC):
    """A format that a run can be exported to.

    Class attributes:
        suffix: of the default path, such as `.keras`; empty for a folder.
        tolerance: the largest difference of an answer that still counts as the same.
        note: what the user should know of this format, printed after the export.
        prepared: whether it takes prepared input in the place of raw.
    """

    suffix: ClassVar[str]
    tolerance: ClassVar[float] = 1e-5
    note: ClassVar[str]
    prepared: ClassVar[bool] = False

    @abstractmethod
    def write(self, predictor: Predictor, path: Path) -> None:
        """Write the export to a path that is free."""

    @abstractmethod
    def ask(self, predictor: Predictor, path: Path, examples: FlatExamples) -> tuple[Answers, Answers]:
        """Return what the written export answers, and what the run answers to the same question."""


EXPORT_FORMATS: Registry[ExportFormat] = Registry("rnnlab.export", ExportFormat, "format")


def export(predictor: Predictor, name: str, path: Path | None = None) -> tuple[Path, float]:
    """Write an export, load it, and compare it with the run on the run's sample examples.

    Returns:
        Where it is, and the largest difference, see `largest_difference`.

    Raises:
        UserError: the path is taken, or the format is unknown.
        ExportError: the export does not answer like the run.
    """
    exporter = EXPORT_FORMATS.load(name)()
    path = path or predictor.run.path / "export" / f"{name}{exporter.suffix}"
    if os.path.lexists(path):  # a link that leads nowhere, too: it would be written through
        raise UserError(f"{path}: exists already; choose another --output, or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    examples = samples(predictor)
    try:
        exporter.write(predictor, path)
        theirs, ours = exporter.ask(predictor, path, examples)
        difference = largest_difference(theirs, ours, predictor.learnt.get("scale"))
        if not difference <= exporter.tolerance:
            raise ExportError(
                f"{path}: the export differs from the run by {difference:.3g}, more than {exporter.tolerance:g}; "
                "it was removed. Please report this with the run's spec"
            )
    except BaseException:  # what was not compared must not be taken for an export
        _remove(path)
        raise
    return path, difference


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def samples(predictor: Predictor) -> FlatExamples:
    """Return the raw examples that the run kept for this purpose."""
    arrays = read_arrays(predictor.run.samples)
    ids = [str(number) for number in range(len(arrays["lengths"]))]
    flat = FlatExamples.from_lengths(Signature(predictor.signature.inputs), ids, arrays["values"], arrays["lengths"])
    beside = {name.removeprefix("beside/"): each for name, each in arrays.items() if name.startswith("beside/")}
    return replace(flat, beside=beside, series=arrays["series"].tolist() if "series" in arrays else None)


def largest_difference(theirs: Answers, ours: Answers, scale: NDArray[Any] | None = None) -> float:
    """Return the largest difference of numbers; infinite where names, shapes or text differ.

    A number is compared relative to the largest answer of its column or to `scale`, whichever is larger, since float32
    has seven digits wherever they stand.

    Args:
        theirs: what the export answers.
        ours: what the run answers.
        scale: (C,) the deviation of each number in training, in its own unit; 1 where there is none.
    """
    if theirs.keys() != ours.keys():
        return float("inf")
    largest = 0.0
    for name, expected in ours.items():
        received = theirs[name]
        if received.shape != expected.shape:
            return float("inf")
        if expected.dtype.kind in "fc":
            least = scale if name == "values" and scale is not None else 1.0
            unit = np.maximum(least, np.max(np.abs(expected), axis=0, initial=0.0))
            # np.maximum keeps a NaN, which Python's max would overlook.
            largest = float(np.maximum(largest, np.max(np.abs(received - expected) / unit, initial=0.0)))
        elif not np.array_equal(received.astype(str), expected.astype(str)):
            return float("inf")
    return largest
