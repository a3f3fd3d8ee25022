"""What every source promises of its sequences, checked in one place: there are some, none is empty, all is finite.

A fault of one sequence is told to `BadSequences`, which knows what the spec wants done about it; a fault of a whole
file is a DataError.

Axes: N sequences, T time, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError, did_you_mean
from rnnlab.examples import FlatExamples, Skipped
from rnnlab.signature import Field
from rnnlab.strict import shown

MANY = 20  # more names than this are not listed in a message
TOO_MANY = 10_000  # among more names than this the nearest takes seconds to find

OnBad = Literal["error", "skip"]

Place = Callable[[int], str]
"""Where something with this number stands, such as `data.csv:17`."""


def shown_path(path: Path) -> str:
    """Return a path as messages show it: relative to the working directory where it lies below it."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def near(word: str, known: Iterable[str], *, listed: bool = True) -> str:
    """Return what `did_you_mean` says, but no list that is long, and nothing that would break a message's line."""
    names = [name for name in known if name.isprintable()]
    if len(names) > TOO_MANY:
        return ""
    return did_you_mean(word, names, listed=listed and len(names) <= MANY)


class BadSequences:
    """The sequences of one file that can't be used. By policy the first is an error, or each is noted and left out.

    So a source says each fault once, and does not know the policy.

    Attributes:
        policy: `data.on_bad`.
        ids: (N,) the names of all sequences, by number; may grow while they are read.
        found: what was noted, by the sequence's number; of several faults the first.
    """

    def __init__(self, policy: OnBad, ids: Sequence[str]) -> None:
        self.policy, self.ids = policy, ids
        self.found: dict[int, Skipped] = {}

    def __contains__(self, index: object) -> bool:
        return index in self.found

    def add(self, index: int, where: str, reason: str) -> None:
        """Take note that a sequence is bad.

        Args:
            index: its number.
            where: where the fault stands.
            reason: what was expected there, what was received, and what to do.

        Raises:
            DataError: bad sequences are errors.
        """
        fault = Skipped(self.ids[index], where, reason)
        if self.policy == "error":
            raise DataError(f"{fault}; data.on_bad: skip would leave this sequence out")
        self.found.setdefault(index, fault)

    def left(self, examples: FlatExamples, where: str) -> FlatExamples:
        """Return the examples that are left, after checking that some are, and that all of them can be used.

        Args:
            examples: all sequences of a file, the bad ones too.
            where: the file or split, for the message.

        Raises:
            DataError: none is left.
        """
        self.check_left(len(examples), where)
        if 0 in examples.values.shape[1:] and not self.found:
            raise DataError(f"{where}: expected at least one feature; received none")
        return examples.without(self.found)

    def check_left(self, count: int, where: str) -> None:
        """Check that some of so many sequences are left.

        Raises:
            DataError: none is.
        """
        if count == 0:
            raise DataError(f"{where}: expected at least one sequence; received none")
        if len(self.found) == count:
            first = self.found[min(self.found)]
            raise DataError(f"{where}: all {count} sequences are bad, and none is left; the first: {first}")


def check_steps(
    field: Field,
    values: NDArray[np.float32],
    lengths: NDArray[np.int64],
    bad: BadSequences,
    place: Place,
    place_of_step: Place | None = None,
) -> None:
    """Check that no sequence is empty, and no value is missing (NaN), infinite, or beyond the range of float32.

    Args:
        field: the input field, whose features the message names.
        values: (ΣT, F) sequence after sequence.
        lengths: (N,).
        bad: is told of each sequence with a fault.
        place: gives the place of a sequence.
        place_of_step: gives the place of one row of `values`, where a source knows it better than by the sequence
            alone, such as the line of a CSV file.
    """
    check_lengths(lengths, bad, place)
    finite = np.isfinite(values)
    if finite.all():
        return
    rows = np.flatnonzero(~finite.all(axis=1))
    starts = np.cumsum(lengths) - lengths
    owners = np.searchsorted(starts, rows, side="right") - 1  # the last of those that begin here: no empty one
    for at in first_of_each(owners):
        row, index = int(rows[at]), int(owners[at])
        feature = int(np.argmin(finite[row]))
        if np.isnan(values[row, feature]):
            received = "nothing (an empty cell or NaN); rnnlab does not guess missing values"
        else:
            received = "infinity (or a number beyond the range of float32)"
        bad.add(
            index,
            place(index) if place_of_step is None else place_of_step(row),
            f"time step {row - int(starts[index])} (counted from 0), feature {shown(field.names[feature])}: "
            f"expected a finite number; received {received}; put a number there or remove the sequence",
        )


def check_lengths(lengths: NDArray[np.int64], bad: BadSequences, place: Place) -> None:
    """Check that no sequence is empty, of lengths (N,)."""
    for index in np.flatnonzero(lengths < 1):
        if index not in bad:
            bad.add(int(index), place(int(index)), "expected at least one time step; received none; remove it")


def first_of_each(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of the first occurrence of each distinct number in (K,), ascending."""
    return np.sort(np.unique(owners, return_index=True)[1]).astype(np.int64)
