"""What every source promises of its sequences, checked in one place: there are some, none is empty, all is finite."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from rnnlab.errors import DataError, did_you_mean
from rnnlab.examples import FlatExamples

MANY = 20  # more names than this are not listed in a message

Place = Callable[[int], str]
"""Where something with this number stands, such as `data.csv:17`."""


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the working directory where it lies below it."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def near(word: str, known: Iterable[str]) -> str:
    """Return what `did_you_mean` says, but no list that is long, and nothing that would break a message's line."""
    names = [name for name in known if name.isprintable()]
    hint = did_you_mean(word, names)
    return hint if len(names) <= MANY else hint.partition("; known")[0]


def example_place(examples: FlatExamples, index: int) -> str:
    """Return where an example stands and what it is called, such as `data.csv:17: sequence 'a12'`."""
    location = f"{examples.locations[index]}: " if examples.locations is not None else ""
    return f"{location}sequence {examples.ids[index]!r}"


def check_not_empty(examples: FlatExamples, where: str) -> None:
    """Check that there is a sequence, a feature, and that every sequence has a time step.

    Args:
        examples: what a source has read.
        where: the file or split, for the message.

    Raises:
        DataError: with the place of the first empty sequence.
    """
    if len(examples) == 0:
        raise DataError(f"{where}: expected at least one sequence; received none")
    if examples.values.shape[1] == 0:
        raise DataError(f"{where}: expected at least one feature; received none")
    empty = np.flatnonzero(examples.lengths < 1)
    if len(empty):
        place = example_place(examples, int(empty[0]))
        raise DataError(f"{place}: expected at least one time step; received none; remove this sequence")


def check_finite(examples: FlatExamples, place: Place | None = None) -> None:
    """Check that no value is missing (NaN), infinite, or beyond the range of float32.

    Args:
        examples: what a source has read.
        place: gives the place of one row of `examples.values`, in which the sequences lie end to end, where a source
            knows it better than by the example alone, such as the line of a CSV file.

    Raises:
        DataError: with the place, sequence, time step and feature of the first such value.
    """
    finite = np.isfinite(examples.values)
    if finite.all():
        return
    row, feature = (int(each) for each in np.unravel_index(int(np.argmin(finite)), finite.shape))
    index = int(np.searchsorted(examples.starts, row, side="right")) - 1
    step = row - int(examples.starts[index])
    name = examples.signature.inputs[0].names[feature]
    where = example_place(examples, index)
    if place is not None:
        where = f"{place(row)}: sequence {examples.ids[index]!r}"
    if np.isnan(examples.values[row, feature]):
        received, remedy = "nothing (an empty cell or NaN)", "rnnlab does not guess missing values; "
    else:
        received, remedy = "infinity (or a number beyond the range of float32)", ""
    raise DataError(
        f"{where}, time step {step} (counted from 0), feature '{name}': expected a finite number; received {received}; "
        f"{remedy}put a number there or remove the sequence"
    )
