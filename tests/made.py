"""Made-up data for tests: signatures, examples, archives and specs.

Axes: N examples, T time, F features, C classes or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.signature import Field, Signature

FEATURES = 3
LENGTHS = (9, 1, 7, 2, 12, 5, 8, 3)
NAMES = {"class": ("one", "two", "three of them"), "labels": ("left", "right", "up"), "numbers": ("speed", "angle")}


def make_signature(kind: str, features: int = FEATURES) -> Signature:
    """Return the signature of series with a target of this kind."""
    field = Field("sequence", "series", (features,), tuple(f"f{number}" for number in range(features)))
    names = NAMES[kind]
    return Signature((field,), Field("target", kind, () if kind == "class" else (len(names),), names))


def make_sequences(lengths: Sequence[int], features: int = FEATURES, seed: int = 0) -> list[np.ndarray]:
    """Return random sequences (T, F) float32."""
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, features)).astype(np.float32) for length in lengths]


def make_targets(kind: str, count: int, seed: int = 0) -> np.ndarray:
    """Return random targets of a kind; every class occurs."""
    random = np.random.default_rng(seed)
    size = len(NAMES[kind])
    if kind == "class":
        return random.permutation(np.arange(count) % size).astype(np.int64)
    if kind == "labels":
        return random.permutation((np.arange(count * size) % 2).reshape(count, size), axis=0).astype(np.float32)
    return (random.normal(size=(count, size)) * [3, 200] + [1, -500]).astype(np.float32)


def make_examples(
    kind: str, lengths: Sequence[int] = LENGTHS, seed: int = 0, scale: float = 1.0, offset: float = 0.0
) -> FlatExamples:
    """Return random examples in raw units: scale · normal + offset."""
    sequences = [each * np.float32(scale) + np.float32(offset) for each in make_sequences(lengths, seed=seed)]
    ids = [f"example-{number}" for number in range(len(lengths))]
    return FlatExamples.from_sequences(make_signature(kind), ids, sequences, make_targets(kind, len(lengths), seed))


def write_npz(path: Path, examples: FlatExamples) -> Path:
    """Write examples as an archive that the source `npz` reads."""
    target = examples.signature.known_target
    labels = np.asarray(examples.targets)
    arrays = {"values": examples.values, "lengths": examples.lengths}
    arrays["labels"] = labels.astype(np.int64) if target.kind != "numbers" else labels
    if target.kind != "numbers":
        arrays["classes"] = np.array(target.names)
    np.savez(path, **arrays)
    return path


def make_experiment(
    task: Mapping[str, Any] | str,
    model: Mapping[str, Any] | str,
    head: Mapping[str, Any] | str | None = None,
    train: Path | str = "train.npz",
    **rest: Any,
) -> Experiment:
    """Return an experiment on an archive of `write_npz`, which validates too unless `data` says otherwise."""
    data = {
        "source": "npz",
        "train": str(train),
        "validation_file": str(train),
        "validation": {"by": "given"},
        **rest.pop("data", {}),
    }
    return Experiment.model_validate({"name": "made", "data": data, "task": task, "model": model, "head": head, **rest})


def pad_with(sequences: Sequence[np.ndarray], width: int, value: float | None = 0.0, seed: int = 0) -> np.ndarray:
    """Return (N, width, F): the sequences, then `value`; None: garbage, another in every place."""
    shape = (len(sequences), width, *sequences[0].shape[1:])
    garbage = np.random.default_rng(seed).normal(scale=1e3, size=shape)
    padded = (garbage if value is None else np.full(shape, value)).astype(np.float32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
