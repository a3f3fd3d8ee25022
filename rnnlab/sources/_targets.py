"""From what a file says to targets: the order of class names, their numbers, and what training has not seen.

Axes: N examples, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.signature import Field, Kind
from rnnlab.sources._checks import MANY, Place, near


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct names in order: by value where all of them are numbers, otherwise as text."""
    distinct = sorted(set(names))
    try:
        numbers = {name: float(name) for name in distinct}
    except ValueError:
        return tuple(distinct)
    if not all(map(isfinite, numbers.values())):
        return tuple(distinct)
    return tuple(sorted(distinct, key=lambda name: (numbers[name], name)))


def class_target(
    labels: Sequence[str], place: Place, like: Field | None = None, names: Sequence[str] | None = None
) -> tuple[Field, NDArray[np.int64]]:
    """Return the target field and targets (N,) of one class per example.

    Args:
        labels: the class of each example, as text.
        place: gives the place of an example's label.
        like: the target field of the training data, whose classes are the only ones; None for training data itself.
        names: the classes in order, where training data says so itself; otherwise those that occur, sorted.

    Raises:
        DataError: a label is empty, or not one of the classes.
    """
    for index, label in enumerate(labels):
        if not label.strip():
            raise DataError(f"{place(index)}: expected a class; received an empty label")
    field = like or Field("label", "class", (), _distinct(names, place) if names is not None else sorted_names(labels))
    same_kind(field, "class", place)
    known = {name: number for number, name in enumerate(field.names)}
    return field, np.array([_index(field, known, like, label, place, at) for at, label in enumerate(labels)], np.int64)


def labels_target(
    label_sets: Sequence[Sequence[str]], place: Place, like: Field | None = None, names: Sequence[str] | None = None
) -> tuple[Field, NDArray[np.float32]]:
    """Return the target field and targets (N, C) of 0 and 1, for any number of labels per example.

    The arguments and errors are those of `class_target`; an example may have no label at all.
    """
    occurring = (label for label_set in label_sets for label in label_set)
    classes = _distinct(names, place) if names is not None else sorted_names(occurring)
    field = like or Field("label", "labels", (len(classes),), classes)
    same_kind(field, "labels", place)
    if not field.names:
        raise DataError(f"{place(0)}: expected labels; received none in all examples")
    targets = np.zeros((len(label_sets), len(field.names)), np.float32)
    known = {name: number for number, name in enumerate(field.names)}
    for at, label_set in enumerate(label_sets):
        targets[at, [_index(field, known, like, label, place, at) for label in label_set]] = 1
    return field, targets


def numbers_target(
    values: NDArray[np.generic], names: Sequence[str], place: Place, like: Field | None = None
) -> tuple[Field, NDArray[np.float32]]:
    """Return the target field and targets (N, len(names)) of numbers.

    Raises:
        DataError: a number is missing or not finite, or training data has another number of them.
    """
    field = like or Field("value", "numbers", (len(names),), tuple(names))
    same_kind(field, "numbers", place)
    if len(field.names) != len(names):
        expected = f"{len(field.names)} value(s) per sequence, as in the training data"
        raise DataError(f"{place(0)}: expected {expected}; received {len(names)}")
    with np.errstate(over="ignore"):
        targets = np.asarray(values, np.float32)
    rows, columns = np.nonzero(~np.isfinite(targets))
    if len(rows):
        name, received = names[int(columns[0])], values[int(rows[0]), int(columns[0])]
        raise DataError(f"{place(int(rows[0]))}: target '{name}': expected a finite number; received {received}")
    return field, targets


def same_kind(field: Field, kind: Kind, place: Place) -> None:
    """Check that a target is of the kind that the training data has."""
    if field.kind != kind:
        raise DataError(
            f"{place(0)}: expected a target of kind '{field.kind}', as in the training data; received '{kind}'"
        )


def _distinct(names: Sequence[str], place: Place) -> tuple[str, ...]:
    twice = next((name for position, name in enumerate(names) if name in names[:position]), None)
    if twice is not None:
        raise DataError(f"{place(0)}: the class name {twice!r} stands twice in `classes`")
    return tuple(names)


def _index(field: Field, known: dict[str, int], like: Field | None, label: str, place: Place, at: int) -> int:
    if label in known:
        return known[label]
    expected = "a class of the training data" if like is not None else "one of the classes"
    printable = len(field.names) <= MANY and all(name.isprintable() for name in field.names)
    listed = f" ({', '.join(field.names)})" if printable else ""
    hint = "" if printable else near(label, field.names)
    raise DataError(f"{place(at)}: expected {expected}{listed}; received {label!r}{hint}")
