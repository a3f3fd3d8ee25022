"""From what a file says to targets: the order of class names, their numbers, and what training has not seen.

What is already known to be bad is passed over: its labels are no classes. Targets of bad sequences are zeros.

Axes: N examples, C classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.signature import Field, Kind
from rnnlab.sources._checks import MANY, BadSequences, Place, first_of_each, near
from rnnlab.strict import shown

TEXT_TARGET = Field("target", "string", ())
LONGEST_TEXT = 10_000  # bytes of a text that is an answer; all of a file are kept as long as the longest


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
    labels: Sequence[str],
    place: Place,
    bad: BadSequences,
    like: Field | None = None,
    names: Sequence[str] | None = None,
    what: str = "",
) -> tuple[Field, NDArray[np.int64]]:
    """Return the target field and targets (N,) of one class per example.

    Args:
        labels: the class of each example, as text.
        place: gives the place of an example's label.
        bad: is told of an example whose label is empty, or not one of the classes.
        like: the target field of the training data, whose classes are the only ones; None for training data itself.
        names: the classes in order, where training data says so itself; otherwise those that occur, sorted.
        what: what the label is called there, such as `column 'label': `, for messages.
    """
    for index, label in enumerate(labels):
        if not label.strip() and index not in bad:
            bad.add(index, place(index), f"{what}expected a class; received an empty label")
    occurring = (label for index, label in enumerate(labels) if index not in bad)
    classes = _distinct(names, place) if names is not None else sorted_names(occurring)
    field = like or Field("label", "class", (), classes)
    same_kind(field, "class", place)
    known = {name: number for number, name in enumerate(field.names)}
    for index, label in enumerate(labels):
        if label not in known and index not in bad:
            bad.add(index, place(index), f"{what}{_unknown(field, like, label)}")
    return field, np.array([known.get(label, 0) for label in labels], np.int64)


def text_target(
    texts: Sequence[str], place: Place, bad: BadSequences, like: Field | None = None
) -> tuple[Field, NDArray[np.bytes_]]:
    """Return the target field and targets (N,), one whole text per example, in UTF-8 and as wide as the longest.

    Args:
        texts: the text of each example.
        place: gives the place of an example's text.
        bad: is told of an example whose text is empty, too long, or holds the character NUL.
        like: the target field of the training data, or None.
    """
    field = like or TEXT_TARGET
    same_kind(field, "string", place)
    encoded = [text.encode(errors="replace") for text in texts]
    for index, text in enumerate(encoded):
        if index not in bad and (fault := _fault_of_text(text)):
            bad.add(index, place(index), fault)
    # A bad text would make all of them as wide.
    return field, np.array([b"" if index in bad else text for index, text in enumerate(encoded)], np.bytes_)


def _fault_of_text(text: bytes) -> str | None:
    if not text.strip():
        return "expected a text to answer with; received nothing"
    if b"\0" in text:
        return "expected text; received the character NUL in it; remove it"
    if len(text) > LONGEST_TEXT:
        return f"expected a text of at most {LONGEST_TEXT:,} bytes to answer with; received {len(text):,}; shorten it"
    return None


def labels_target(
    label_sets: Sequence[Sequence[str]],
    place: Place,
    bad: BadSequences,
    like: Field | None = None,
    names: Sequence[str] | None = None,
    what: str = "",
) -> tuple[Field, NDArray[np.float32]]:
    """Return the target field and targets (N, C) of 0 and 1, for any number of labels per example.

    The arguments are those of `class_target`; an example may have no label at all.

    Raises:
        DataError: no example has one.
    """
    occurring = (label for index, label_set in enumerate(label_sets) if index not in bad for label in label_set)
    classes = _distinct(names, place) if names is not None else sorted_names(occurring)
    field = like or Field("label", "labels", (len(classes),), classes)
    same_kind(field, "labels", place)
    if not field.names and len(bad.found) < len(label_sets):
        raise DataError(f"{place(0)}: {what}expected labels; received none in all examples")
    targets = np.zeros((len(label_sets), len(field.names)), np.float32)
    known = {name: number for number, name in enumerate(field.names)}
    for index, label_set in enumerate(label_sets):
        unknown = next((label for label in label_set if label not in known), None)
        if unknown is not None and index not in bad:
            bad.add(index, place(index), f"{what}{_unknown(field, like, unknown)}")
        targets[index, [known[label] for label in label_set if label in known]] = 1
    return field, targets


def tags_target(
    tags: Sequence[str], lengths: NDArray[np.int64], place: Place, bad: BadSequences, like: Field | None = None
) -> tuple[Field, NDArray[np.int64]]:
    """Return the target field and targets (N, T) of one tag per step, -1 in the padding.

    Args:
        tags: (ΣT,) the tag of each step, as text, example after example.
        lengths: (N,).
        place: gives the place of a step's tag, by its number among all steps.
        bad: is told of an example with a tag that is not one of the training data's.
        like: the target field of the training data, whose tags are the only ones; None for training data itself.
    """
    owners = np.repeat(np.arange(len(lengths)), lengths)
    occurring = (tag for tag, owner in zip(tags, owners, strict=True) if int(owner) not in bad)
    field = like or Field("tags", "tags", (), sorted_names(occurring))
    same_kind(field, "tags", place)
    known = {name: number for number, name in enumerate(field.names)}
    for row, (tag, owner) in enumerate(zip(tags, owners, strict=True)):
        if tag not in known and int(owner) not in bad:
            bad.add(int(owner), place(row), _unknown(field, like, tag))
    targets = np.full((len(lengths), int(lengths.max(initial=0))), -1, np.int64)
    targets[np.arange(targets.shape[1]) < lengths[:, None]] = [known.get(tag, 0) for tag in tags]
    return field, targets


def numbers_target(
    values: NDArray[np.generic], names: Sequence[str], place: Place, bad: BadSequences, like: Field | None = None
) -> tuple[Field, NDArray[np.float32]]:
    """Return the target field and targets (N, len(names)) of numbers.

    Args:
        values: (N, len(names)); a number that is missing or not finite makes its example a bad one.
        names: the numbers' names.
        place: gives the place of an example's numbers.
        bad: is told of examples with a fault.
        like: the target field of the training data.

    Raises:
        DataError: training data has another number of them.
    """
    field = like or Field("value", "numbers", (len(names),), tuple(names))
    same_kind(field, "numbers", place)
    if len(field.names) != len(names):
        expected = f"{len(field.names)} value(s) per sequence, as in the training data"
        raise DataError(f"{place(0)}: expected {expected}; received {len(names)}")
    with np.errstate(over="ignore"):
        targets = np.asarray(values, np.float32)
    rows, columns = np.nonzero(~np.isfinite(targets))
    for at in first_of_each(rows):
        index, column = int(rows[at]), int(columns[at])
        if index not in bad:
            received = f"target {shown(names[column])}: expected a finite number; received {values[index, column]}"
            bad.add(index, place(index), received)
    targets[rows] = 0
    return field, targets


def same_kind(field: Field, kind: Kind, place: Place) -> None:
    """Check that a target is of the kind that the training data has."""
    if field.kind != kind:
        raise DataError(
            f"{place(0)}: expected a target of kind '{field.kind}', as in the training data; received '{kind}'"
        )


def _distinct(names: Sequence[str], place: Place) -> tuple[str, ...]:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{place(0)}: the class name {shown(twice)} stands twice in `classes`; give each one once")
    return tuple(names)


def _unknown(field: Field, like: Field | None, label: str) -> str:
    """Return what is wrong with a label that is none of the classes, or tags."""
    what = "tag" if field.kind == "tags" else "class"
    expected = f"a {what} of the training data" if like is not None else "one of the classes"
    printable = len(field.names) <= MANY and all(name.isprintable() and len(name) <= MANY for name in field.names)
    listed = f" ({', '.join(field.names)})" if printable else ""
    hint = "" if printable else near(label, field.names)
    return f"expected {expected}{listed}; received {shown(label)}{hint}"
