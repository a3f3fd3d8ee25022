"""Time one training epoch: rnnlab, plain Keras and PyTorch, side by side, at equal model and batch size.

    python benchmarks/epoch.py                      # both problems, two layers
    python benchmarks/epoch.py --problems made --layers 1 --name epoch-1-layer

Every contestant is a process of its own, because the thread pools of TensorFlow and PyTorch disturb each other in one;
how they take turns is in race.py. Data is in memory, and prepared as each contestant likes it, before the clock starts;
the order is new each epoch.

PyTorch is a contestant and no dependency: `pip install torch==2.13.0` (the build for CPUs is enough).
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from race import Baton, heading, keras_fit, machine, race, rnnlab_train, table, work

LEARNING_RATE = 1e-3
RESULTS = Path(__file__).parent / "results"


# --- Problems -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """Sequences to classify, and the network that does it: LSTM layers, the last valid step, softmax."""

    padded: np.ndarray  # (N, T, F) float32, zeros after the end
    lengths: np.ndarray  # (N,) int32
    labels: np.ndarray  # (N,) int32
    layers: int
    units: int = 64
    batch_size: int = 32

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def sequences(self) -> list[np.ndarray]:
        """The same without padding: one (length, F) array each."""
        return [row[:length] for row, length in zip(self.padded, self.lengths, strict=True)]

    def save(self, path: Path) -> None:
        np.savez(path, padded=self.padded, lengths=self.lengths, labels=self.labels, layers=self.layers)

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["padded"], arrays["lengths"], arrays["labels"], int(arrays["layers"]))


def pad(sequences: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sequences as (N, T, F), padded to the longest of all, and their lengths."""
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    padded = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), np.float32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded, lengths


def made(layers: int) -> Problem:
    """960 sequences of 8 features; log-normal lengths, mean 44, longest 300; two classes by the last steps."""
    generator = np.random.default_rng(0)
    deviation = 0.7  # with which the longest of 960 is near 300 by itself
    lengths = np.round(generator.lognormal(math.log(46) - deviation**2 / 2, deviation, 960)).clip(1, 300).astype(int)
    lengths[lengths.argmax()] = 300
    sequences = [generator.normal(size=(length, 8)).astype(np.float32) for length in lengths]
    labels = np.array([sequence[-8:, 0].sum() > 0 for sequence in sequences], np.int32)
    return Problem(*pad(sequences), labels, layers)


def japanese_vowels(layers: int) -> Problem:
    """The training split in aeon, standardised: 270 sequences of 7 to 26 steps, 12 features, 9 speakers."""
    from aeon.datasets import load_japanese_vowels

    series, speakers = load_japanese_vowels(split="train")  # each (F, T)
    steps = np.concatenate(series, axis=1)
    mean, deviation = steps.mean(axis=1), steps.std(axis=1)
    sequences = [((one.T - mean) / deviation).astype(np.float32) for one in series]
    return Problem(*pad(sequences), np.unique(speakers, return_inverse=True)[1].astype(np.int32), layers)


PROBLEMS: dict[str, tuple[Callable[[int], Problem], int]] = {
    "made": (made, 7),
    "japanese_vowels": (japanese_vowels, 31),
}


# --- Contestants: each prepares itself, then trains one epoch between baton.wait() and baton.done() -----------------


def rnnlab_epoch(problem: Problem, baton: Baton) -> None:
    """rnnlab: its own plan, batches and step."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data.npz"
        valid = np.arange(problem.padded.shape[1]) < problem.lengths[:, None]
        np.savez(data, values=problem.padded[valid], lengths=problem.lengths, labels=problem.labels)
        spec = {
            "name": "benchmark",
            "data": {"source": "npz", "train": str(data), "validation": {"by": "none"}},
            "transforms": [],
            "task": "classification",
            "model": {"architecture": "stacked_rnn", "cell": "lstm", "units": [problem.units] * problem.layers},
            "training": {
                "batch_size": problem.batch_size,
                "optimizer": {"name": "adam", "learning_rate": LEARNING_RATE},
            },
        }
        rnnlab_train(spec, Path(name), baton)


def keras_network(problem: Problem) -> Any:
    """The plain Keras model: Masking, LSTM layers, softmax."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, problem.padded.shape[2])), keras.layers.Masking(0.0)])
    for layer in range(problem.layers):
        model.add(keras.layers.LSTM(problem.units, return_sequences=layer + 1 < problem.layers))
    model.add(keras.layers.Dense(problem.classes, activation="softmax"))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy")
    return model


def keras_padded(problem: Problem, baton: Baton) -> None:
    """The script everyone writes: all sequences padded to the longest of the set, Masking, `fit`."""
    keras_fit(
        keras_network(problem), baton, problem.padded, problem.labels, batch_size=problem.batch_size, shuffle=True
    )


def keras_bucketed(problem: Problem, baton: Baton) -> None:
    """The same model fed by `bucket_by_sequence_length`, with boundaries at the quintiles of the lengths."""
    import tensorflow as tf

    boundaries = sorted({int(edge) + 1 for edge in np.quantile(problem.lengths, (0.2, 0.4, 0.6, 0.8))})
    padded, lengths, labels = map(tf.constant, (problem.padded, problem.lengths, problem.labels))
    dataset = (
        tf.data.Dataset.range(len(problem.lengths))
        .shuffle(len(problem.lengths))
        .map(lambda i: (tf.gather(padded, i)[: tf.gather(lengths, i)], tf.gather(labels, i)))
        .bucket_by_sequence_length(
            lambda sequence, _: tf.shape(sequence)[0], boundaries, [problem.batch_size] * (len(boundaries) + 1)
        )
        .prefetch(2)
    )
    keras_fit(keras_network(problem), baton, dataset)


def torch_race(problem: Problem, baton: Baton, read: Callable[[Any, Any, Any], Any]) -> None:
    """Train in PyTorch; `read(lstm, batch, lengths)` returns the last valid output of each row, (B, U)."""
    import torch

    torch.manual_seed(0)
    padded, lengths = torch.from_numpy(problem.padded), torch.from_numpy(problem.lengths).long()
    labels = torch.from_numpy(problem.labels).long()
    lstm = torch.nn.LSTM(padded.shape[2], problem.units, problem.layers, batch_first=True)
    dense = torch.nn.Linear(problem.units, problem.classes)
    parameters = [*lstm.parameters(), *dense.parameters()]
    optimizer = torch.optim.Adam(parameters, LEARNING_RATE)
    baton.ready(sum(parameter.numel() for parameter in parameters))
    while True:
        baton.wait()
        total = 0.0
        batches = torch.randperm(len(lengths)).split(problem.batch_size)
        for rows in batches:
            optimizer.zero_grad()
            logits = dense(read(lstm, padded[rows], lengths[rows]))
            loss = torch.nn.functional.cross_entropy(logits, labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        baton.done(total / len(lengths), len(batches))


def torch_packed(problem: Problem, baton: Baton) -> None:
    """PyTorch with `pack_padded_sequence`: no step of padding is computed."""
    from torch.nn.utils.rnn import pack_padded_sequence

    def read(lstm: Any, batch: Any, lengths: Any) -> Any:
        _, (last, _) = lstm(pack_padded_sequence(batch, lengths, batch_first=True, enforce_sorted=False))
        return last[-1]

    torch_race(problem, baton, read)


def last_valid(outputs: Any, lengths: Any) -> Any:
    """(B, T, U) and (B,) → (B, U)."""
    import torch

    return outputs[torch.arange(len(lengths)), lengths - 1]


def torch_padded(problem: Problem, baton: Baton) -> None:
    """PyTorch, padded to the longest of the batch, the last valid step gathered."""
    torch_race(
        problem,
        baton,
        lambda lstm, batch, lengths: last_valid(lstm(batch[:, : int(lengths.max())])[0], lengths),
    )


def torch_padded_set(problem: Problem, baton: Baton) -> None:
    """PyTorch, padded to the longest of the whole set like plain Keras, the last valid step gathered."""
    torch_race(problem, baton, lambda lstm, batch, lengths: last_valid(lstm(batch)[0], lengths))


@dataclass(frozen=True)
class Contestant:
    """A row of the table."""

    title: str
    run: Callable[[Problem, Baton], None]


CONTESTANTS = {
    "rnnlab": Contestant("(a) rnnlab", rnnlab_epoch),
    "keras": Contestant("(b) plain Keras: Masking, padded to the longest of the set, `fit`", keras_padded),
    "torch_packed": Contestant("(c) PyTorch, packed", torch_packed),
    "torch_padded": Contestant("(d) PyTorch, padded to the longest of the batch, last valid step", torch_padded),
    "keras_bucketed": Contestant("(e) Keras, `bucket_by_sequence_length`, Masking, `fit`", keras_bucketed),
    "torch_padded_set": Contestant("(f) PyTorch, padded to the longest of the set, last valid step", torch_padded_set),
}
REFERENCES = {"keras": "(b)", "torch_packed": "(c)", "torch_padded": "(d)"}


def describe(name: str, problem: Problem) -> str:
    lengths = problem.lengths
    return (
        f"## {name}: {len(lengths)} sequences, length {lengths.min()}–{lengths.max()}, mean {lengths.mean():.1f}, "
        f"{problem.padded.shape[2]} features, {problem.classes} classes; "
        f"{problem.layers} × LSTM({problem.units}), batch {problem.batch_size}, Adam"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--layers", type=int, choices=(1, 2), default=2)
    parser.add_argument("--rounds", type=int, help="default: 7 for made, 31 for japanese_vowels")
    parser.add_argument("--warmup", type=int, default=3, help="rounds that do not count (default: %(default)s)")
    parser.add_argument("--name", default="epoch", help="the file name in benchmarks/results (default: %(default)s)")
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        problem = Problem.load(options.path)
        work(lambda baton: CONTESTANTS[options.worker].run(problem, baton))
        return

    conditions = machine()
    titles = {name: contestant.title for name, contestant in CONTESTANTS.items()}
    report = heading(conditions)
    record: dict[str, Any] = {"conditions": conditions, "problems": {}}
    for name in options.problems:
        make, rounds = PROBLEMS[name]
        problem, rounds = make(options.layers), options.rounds or rounds
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "problem.npz"
            problem.save(path)
            commands = {each: (__file__, "--worker", each, "--path", str(path)) for each in options.contestants}
            results, note = race(commands, rounds, options.warmup)
        losses = (f"{titles[one][:3]} {row['loss']:.3f}" for one, row in results.items() if "loss" in row)
        note += f" Loss of the last epoch: {', '.join(losses)}."
        report += [describe(name, problem), "\n".join(table(results, titles, REFERENCES)), note]
        settings = {key: value for key, value in asdict(problem).items() if not isinstance(value, np.ndarray)}
        record["problems"][name] = {**settings, "warmup": options.warmup, "contestants": results}

    text = "\n\n".join(report) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.name}.md").write_text(text, encoding="utf-8")
    (RESULTS / f"{options.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
