"""Made-up data for tests: signatures, examples, archives and specs.

Axes: N examples, T time, F features, C classes or numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.decoding.ctc import LABEL_MARKS
from rnnlab.entities import NOTHING
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.signature import Field, Signature

FEATURES = 3
HORIZON = 3
LENGTHS = (9, 1, 7, 2, 12, 5, 8, 3)
NAMES = {
    "class": ("one", "two", "three of them"),
    "labels": ("left", "right", "up"),
    "numbers": ("speed", "angle"),
    "series": ("f0", "f1"),
    "notes": tuple(f"f{number}" for number in range(FEATURES)),
    "tags": ("B-x", "I-x", "O"),
    "string": (*LABEL_MARKS, "a", "b", "c"),  # as a network is asked for a transcript
}


def make_signature(kind: str, features: int = FEATURES, known: int = 0) -> Signature:
    """Return the signature of series with a target of this kind; the last `known` features are known of the future.

    Notes are what goes in, too.
    """
    if kind == "notes":
        notes = Field("sequence", "notes", (FEATURES,), NAMES[kind])
        return Signature((notes,), notes)
    inputs = [Field("sequence", "series", (features,), tuple(f"f{number}" for number in range(features)))]
    if known:
        inputs.append(Field("future", "future", (known,), inputs[0].names[-known:]))
    names = NAMES[kind]
    shape = () if kind in ("class", "tags", "string") else (len(names),)
    return Signature(tuple(inputs), Field("target", kind, shape, names))


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
    if kind in ("labels", "notes"):
        return random.permutation((np.arange(count * size) % 2).reshape(count, size), axis=0).astype(np.float32)
    return (random.normal(size=(count, size)) * [3, 200] + [1, -500]).astype(np.float32)


def make_tags(lengths: Sequence[int], width: int | None = None, seed: int = 0) -> np.ndarray:
    """Return random tags (N, T), -1 in the padding."""
    lengths = np.asarray(lengths)
    tags = np.random.default_rng(seed).integers(0, len(NAMES["tags"]), (len(lengths), width or lengths.max()))
    return np.where(np.arange(tags.shape[1]) < lengths[:, None], tags, -1)


def make_labels(count: int, longest: int = 2, seed: int = 0) -> np.ndarray:
    """Return the labels of random texts (N, L), -1 behind them; none is empty, and most have two that are equal."""
    random = np.random.default_rng(seed)
    labels = random.integers(len(LABEL_MARKS), len(NAMES["string"]), (count, 1)).repeat(longest, axis=1)
    return np.where(np.arange(longest) <= np.arange(count)[:, None] % longest, labels, NOTHING).astype(np.int32)


def make_examples(
    kind: str, lengths: Sequence[int] = LENGTHS, seed: int = 0, scale: float = 1.0, offset: float = 0.0
) -> FlatExamples:
    """Return random examples in raw units: scale · normal + offset."""
    sequences = [each * np.float32(scale) + np.float32(offset) for each in make_sequences(lengths, seed=seed)]
    ids = [f"example-{number}" for number in range(len(lengths))]
    targets = make_tags(lengths, seed=seed) if kind == "tags" else make_targets(kind, len(lengths), seed)
    return FlatExamples.from_sequences(make_signature(kind), ids, sequences, targets)


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


def write_series(
    path: Path, series: Sequence[np.ndarray], names: Sequence[str] = ("f0", "f1", "f2"), start: str = "2021-01-01"
) -> Path:
    """Write series (T, F) by days as a long table that the source `series` reads; NaN is an empty cell."""
    days = np.datetime64(start) + np.arange(max(map(len, series)))
    lines = [",".join(("id", "time", *names))]
    for number, values in enumerate(series):
        for day, row in zip(days, values, strict=False):
            cells = ("" if np.isnan(value) else repr(float(value)) for value in row)
            lines.append(",".join((f"series-{number}", str(day), *cells)))
    path.write_text("\n".join(lines) + "\n")
    return path


def series_data(path: Path | str, known: int = 0, **rest: Any) -> dict[str, Any]:
    """Return the data section for a table of `write_series`: f0 and f1 are asked for; f2 is known of the future or not.

    All is for training unless `rest` says otherwise.
    """
    roles = {"target": list(NAMES["series"]), "future" if known else "past": ["f2"]}
    common = {"source": "series", "file": str(path), "time": "time", "layout": "long", "id": "id", "frequency": "D"}
    return {**common, **roles, "test": "none", "validation": {"by": "none"}, **rest}


def make_series(
    lengths: Sequence[int], seed: int = 0, scale: float = 1.0, offset: float = 0.0, gaps: float = 0.0
) -> list[np.ndarray]:
    """Return random series (T, 3) in raw units; a share of the values of f0 and f1 is missing, but not the first."""
    random = np.random.default_rng(seed)
    found = []
    for each in make_sequences(lengths, seed=seed):
        values = each * np.float32(scale) + np.float32(offset)
        missing = random.random((len(values), 2)) < gaps
        missing[0] = False
        values[:, :2][missing] = np.nan
        found.append(values)
    return found


def make_experiment(
    task: Mapping[str, Any] | str,
    model: Mapping[str, Any] | str,
    head: Mapping[str, Any] | str | None = None,
    train: Path | str = "train.npz",
    **rest: Any,
) -> Experiment:
    """Return an experiment on an archive of `write_npz`, which validates too unless `data` says otherwise.

    Of data that names a source, nothing else is assumed.
    """
    data = rest.pop("data", {})
    if "source" not in data:
        own = {"source": "npz", "train": str(train), "validation_file": str(train), "validation": {"by": "given"}}
        data = {**own, **data}
    return Experiment.model_validate({"name": "made", "data": data, "task": task, "model": model, "head": head, **rest})


def slow_after(quick: int, values: Iterable[Any]) -> list[Any]:
    """Return test parameters, slow ones after the first few: what they try is much alike."""
    return [pytest.param(each, marks=pytest.mark.slow if at >= quick else []) for at, each in enumerate(values)]


def holds_bytes(sequences: Sequence[np.ndarray]) -> bool:
    return sequences[0].dtype == np.uint8


def worst_padding(sequences: Sequence[np.ndarray]) -> float | None:
    """Return what to `pad_with` so that reading it shows: NaN, or garbage among bytes, which know no NaN."""
    return None if holds_bytes(sequences) else np.nan


def pad_with(sequences: Sequence[np.ndarray], width: int, value: float | None = 0.0, seed: int = 0) -> np.ndarray:
    """Return (N, width, F): the sequences, then `value`; None: garbage, another in every place.

    Frames, (N, width, H, W, C), stay bytes unless `value` is none: NaN makes them floats, as a layer may be given them.
    """
    shape, whole = (len(sequences), width, *sequences[0].shape[1:]), holds_bytes(sequences)
    garbage = np.random.default_rng(seed).normal(scale=1e3, size=shape)
    if value is None:
        padded = (garbage.astype(np.int64) % 256).astype(np.uint8) if whole else garbage.astype(np.float32)
    else:
        padded = np.full(shape, value, np.uint8 if whole and not np.isnan(value) else np.float32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
