"""Examples: what a source yields. Indexable, with lengths, targets and groups known without reading the values.

Axes: N examples, T time, F features, C classes.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.signature import Signature
from rnnlab.strict import shown


@dataclass(frozen=True)
class Skipped:
    """A bad sequence that was left out (`data.on_bad: skip`).

    Attributes:
        id: its name.
        where: where the fault stands, such as `data.csv:17`.
        reason: what was expected there, what was received, and what to do.
    """

    id: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: sequence {shown(self.id)}: {self.reason}"


class Examples(ABC):
    """An indexable collection of examples.

    Attributes:
        signature: the fields of every example.
        ids: a name for each example, for messages and predictions.
        lengths: (N,) int64, the number of time steps of each example.
        targets: what is asked for, or None where it is not known. By the kind of the target field:
            `class` (N,) int64 index into its names; `labels` (N, C) float32 of 0 and 1; `numbers` (N, C) float32;
            `tags` (N, T) int64 indices, as wide as the longest example or wider, -1 in the padding;
            `string` (N,) texts, bytes in UTF-8 each, without the character NUL, which NumPy drops at their ends.
        groups: (N,) of what must never stand on both sides of a split (a speaker, a patient), or None.
        skipped: the bad sequences that were left out of these, or of the examples that these were cut from.
        notes: what else the user should know of how these were read, one line each.
    """

    signature: Signature
    ids: Sequence[str]
    lengths: NDArray[np.int64]
    targets: NDArray[np.generic] | None
    groups: NDArray[np.generic] | None
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def known_targets(self) -> NDArray[np.generic]:
        """The targets.

        Raises:
            DataError: they are not known.
        """
        if self.targets is None:
            raise DataError("data: the examples have no target (no label and no value)")
        return self.targets

    @abstractmethod
    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return the input fields of one example by name.

        A series is (T, F) float32, strokes are (T, 3) float32, audio is (T, 1) float32, frames (T, H, W, C) uint8, a
        text is (T,) uint8, its bytes; words are (T,) bytes each.
        """

    def laid_flat(self) -> FlatExamples | None:
        """Return the same examples, where they lie in one array already; no values are copied."""
        return None

    def fingerprint(self) -> str:
        """Return a SHA-256 over the signature, ids, lengths, targets and values, in order."""
        digest = hashlib.sha256(json.dumps(self.signature.to_json()).encode())
        digest.update("\0".join(self.ids).encode())
        digest.update(np.ascontiguousarray(self.lengths).tobytes())
        if self.targets is not None:
            digest.update(np.ascontiguousarray(self.targets).tobytes())
        for index in range(len(self)):
            for values in self.read(index).values():
                digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class FlatExamples(Examples):
    """Examples whose series lie in one array: `values[starts[i]:starts[i] + lengths[i]]` is example i.

    Attributes:
        values: (ΣT, F) float32, of frames (ΣT, H, W, C) uint8, of text (ΣT,) uint8, its bytes, of words (ΣT,) bytes
            each, of tokens (ΣT, 1) int32; may be a memory map.
        starts: (N,) int64.
        locations: where each example stands, such as `data.csv:17`, for messages; or None.
        beside: other fields, of one shape for all examples, (N, …) by name.
        series: (N,) the names of the series that examples are windows of, or None.
    """

    signature: Signature
    ids: Sequence[str]
    values: NDArray[Any]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    targets: NDArray[np.generic] | None = None
    groups: NDArray[np.generic] | None = None
    locations: Sequence[str] | None = None
    skipped: Sequence[Skipped] = ()
    beside: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    series: Sequence[str] | None = None
    notes: Sequence[str] = ()

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        start = self.starts[index]
        sequence = self.values[start : start + self.lengths[index]]
        others = {name: values[index] for name, values in self.beside.items()}
        return {self.signature.inputs[0].name: sequence, **others}

    @classmethod
    def from_lengths(
        cls,
        signature: Signature,
        ids: Sequence[str],
        values: NDArray[Any],
        lengths: NDArray[np.int64],
        targets: NDArray[np.generic] | None = None,
        groups: NDArray[np.generic] | None = None,
        locations: Sequence[str] | None = None,
    ) -> FlatExamples:
        """Take values (ΣT, …) in which the sequences lie end to end in order."""
        lengths = lengths.astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)[: len(lengths)]
        return cls(signature, ids, values, starts, lengths, targets, groups, locations)

    @classmethod
    def from_sequences(
        cls,
        signature: Signature,
        ids: Sequence[str],
        sequences: Sequence[NDArray[np.generic]],
        targets: NDArray[np.generic] | None = None,
        groups: NDArray[np.generic] | None = None,
        locations: Sequence[str] | None = None,
    ) -> FlatExamples:
        """Lay sequences (T, …) end to end."""
        lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        field = signature.inputs[0]
        values = (
            np.concatenate(sequences, dtype=field.dtype) if len(sequences) else np.zeros((0, *field.shape), field.dtype)
        )
        return cls.from_lengths(signature, ids, values, lengths, targets, groups, locations)

    def without_targets(self) -> FlatExamples:
        return replace(self, targets=None, signature=replace(self.signature, target=None))

    def without(self, skipped: Mapping[int, Skipped]) -> FlatExamples:
        """Return all examples but those with these numbers; no values are copied."""
        if not skipped:
            return self
        kept = np.setdiff1d(np.arange(len(self)), np.fromiter(skipped, np.int64))
        return replace(self.chosen(kept), skipped=tuple(skipped[index] for index in sorted(skipped)))

    def chosen(self, indices: NDArray[np.int64]) -> FlatExamples:
        """Return some of the examples, in this order; no values are copied."""
        numbers = indices.tolist()
        return replace(
            self,
            ids=[self.ids[number] for number in numbers],
            starts=self.starts[indices],
            lengths=self.lengths[indices],
            targets=None if self.targets is None else self.targets[indices],
            groups=None if self.groups is None else self.groups[indices],
            locations=None if self.locations is None else [self.locations[number] for number in numbers],
            beside={name: values[indices] for name, values in self.beside.items()},
            series=None if self.series is None else [self.series[number] for number in numbers],
        )

    def laid_flat(self) -> FlatExamples:
        return self

    @property
    def mapped(self) -> bool:
        """Whether the values are a memory map, or a view of one."""
        values: Any = self.values
        while isinstance(getattr(values, "base", None), np.ndarray) and not isinstance(values, np.memmap):
            values = values.base
        return isinstance(values, np.memmap)


class Subset(Examples):
    """Some of the examples of another collection, in the order of `indices`."""

    def __init__(self, examples: Examples, indices: NDArray[np.int64]) -> None:
        self.examples, self.indices = examples, indices
        self.signature = examples.signature
        self.ids = [examples.ids[int(index)] for index in indices]
        self.lengths = examples.lengths[indices]
        self.targets = None if examples.targets is None else examples.targets[indices]
        self.groups = None if examples.groups is None else examples.groups[indices]
        self.skipped, self.notes = examples.skipped, examples.notes

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        return self.examples.read(int(self.indices[index]))

    def laid_flat(self) -> FlatExamples | None:
        flat = self.examples.laid_flat()
        return None if flat is None else flat.chosen(self.indices)


def skipped_by_split(splits: Mapping[str, Examples]) -> dict[str, Sequence[Skipped]]:
    """Return what was left out of each split that lost something.

    Nobody knows on which side of a cut a bad sequence would have come to stand: what was left out before the cut counts
    under the first of the splits that share it, which is `train`.
    """
    found: dict[str, Sequence[Skipped]] = {}
    for name, examples in splits.items():
        if examples.skipped and not any(examples.skipped is other for other in found.values()):
            found[name] = examples.skipped
    return found
