"""Time one training epoch: rnnlab, plain Keras and PyTorch, side by side, at equal model and batch size.

    python benchmarks/epoch.py                      # both problems, two layers
    python benchmarks/epoch.py --problems made --layers 1 --name epoch-1-layer

Every contestant is a process of its own, because the thread pools of TensorFlow and PyTorch disturb each other in one.
It builds its model and then trains one epoch whenever it is told to, while the others wait; so the rounds interleave
(A B C A B C …), a slow minute of the machine hits all of them, and ratios are taken within a round. Rounds in which
processes outside the race worked, too, are left out.
Data is in memory, and prepared as each contestant likes it, before the clock starts; the order is new each epoch.

PyTorch is a contestant and no dependency: `pip install torch==2.13.0` (the build for CPUs is enough).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

THREADS = 2
LEARNING_RATE = 1e-3
PAUSE = 0.05  # seconds between epochs, in which the last contestant's threads stop spinning
QUIET = 0.05  # a round counts when other processes took no larger share of the machine …
PATIENCE = 2  # … unless so many times the rounds wanted did not suffice; then the quietest ones count
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "torch", "numpy", "rnnlab")


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


class Baton:
    """The line between the referee and one contestant; holds the clock."""

    def __init__(self, answers: IO[str]) -> None:
        self.answers = answers
        self.started = self.worked = 0.0

    def say(self, **answer: object) -> None:
        print(json.dumps(answer), file=self.answers, flush=True)

    def ready(self, parameters: int) -> None:
        """Say that the model is built."""
        self.say(parameters=parameters)

    def wait(self) -> None:
        """Sleep until it is this contestant's turn, and start the clock; end the process when the race is over."""
        if not sys.stdin.readline():
            os._exit(0)  # at once, out of the middle of a `fit`
        self.started, self.worked = time.perf_counter(), time.process_time()

    def done(self, loss: float, steps: int) -> None:
        """Stop the clock, with the epoch's mean loss and its number of optimizer steps."""
        seconds, processor = time.perf_counter() - self.started, time.process_time() - self.worked
        self.say(seconds=seconds, processor=processor, loss=loss, steps=steps)


def rnnlab_epoch(problem: Problem, baton: Baton) -> None:
    """Run one long training of rnnlab's, whose reporter waits for its turn before each epoch.

    An epoch is timed from its first step to its last, with metrics and gradient norm, which rnnlab always computes;
    saving the state, which no other contestant does, is not.
    """
    from rnnlab.experiment import Experiment
    from rnnlab.places import Places
    from rnnlab.rundir import RunDir
    from rnnlab.training import train
    from rnnlab.training.reporting import Silent

    class Turns(Silent):
        def epoch_begins(self, epoch: int, epochs: int, steps: int, done: int, padding: float) -> None:
            if epoch == 0:
                baton.ready(json.loads((folder / "run" / "manifest.json").read_text())["parameters"])
            self.steps, self.done, self.loss, self.sequences = steps, 0, 0.0, 0
            baton.wait()

        def step_done(self, sequences: int, loss: float) -> None:
            self.done += 1
            self.loss += loss * sequences
            self.sequences += sequences
            if self.done == self.steps:
                baton.done(self.loss / self.sequences, self.steps)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        valid = np.arange(problem.padded.shape[1]) < problem.lengths[:, None]
        np.savez(folder / "data.npz", values=problem.padded[valid], lengths=problem.lengths, labels=problem.labels)
        experiment = Experiment.model_validate(
            {
                "name": "benchmark",
                "data": {"source": "npz", "train": str(folder / "data.npz"), "validation": {"by": "none"}},
                "transforms": [],
                "task": "classification",
                "model": {"architecture": "stacked_rnn", "cell": "lstm", "units": [problem.units] * problem.layers},
                "training": {
                    "epochs": 1_000_000,
                    "batch_size": problem.batch_size,
                    "optimizer": {"name": "adam", "learning_rate": LEARNING_RATE},
                    "best": None,
                    "devices": "cpu",
                },
            }
        )
        train(experiment, RunDir.create(folder / "run"), Places(folder, folder), Turns())


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


def keras_fit(model: Any, baton: Baton, *data: Any, **options: Any) -> None:
    """Run one long `fit` that waits for its turn before each epoch, so that what `fit` does once is not timed."""
    import keras

    class Turns(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            baton.wait()
            self.before = int(model.optimizer.iterations.numpy())

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            baton.done((logs or {})["loss"], int(model.optimizer.iterations.numpy()) - self.before)

    baton.ready(model.count_params())
    model.fit(*data, epochs=10**6, verbose=0, callbacks=[Turns()], **options)


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


# --- The referee ----------------------------------------------------------------------------------------------------


Round = dict[str, dict[str, Any]]  # contestant → its answer


class Skipped(Exception):
    """A contestant can't run, with the reason."""


class Worker:
    """One contestant's process."""

    def __init__(self, name: str, path: Path, stack: ExitStack) -> None:
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            raise Skipped("PyTorch is not installed; `pip install torch==2.13.0` into this environment")
        self.name = name
        self.log = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 (the stack closes it)
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", name, "--path", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        stack.callback(self.close)
        self.parameters = int(self.read()["parameters"])

    def read(self) -> dict[str, Any]:
        """Return the next answer, or raise with the reason why none comes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"failed": self.last_words()}
        if "failed" in answer:
            raise Skipped(answer["failed"])
        return answer

    def last_words(self) -> str:
        self.log.seek(0)
        return f"the process ended: {(self.log.read().splitlines() or [''])[-1].strip()}"

    def epoch(self) -> dict[str, Any]:
        """Let it train one epoch."""
        assert self.process.stdin is not None
        time.sleep(PAUSE)
        before = busy()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        answer = self.read()
        return {**answer, "others": max(0.0, busy() - before - answer["processor"])}

    def close(self) -> None:
        """Its input ends, and so does it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def busy() -> float:
    """Return the processor seconds that the whole machine has spent, the host's theft included; 0 where unknown."""
    if not Path("/proc/stat").exists():
        return 0.0
    user, nice, system, _, _, interrupts, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


def work(name: str, path: Path) -> None:
    """Be a contestant: answers go to the referee on what was standard output, all chatter to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    baton = Baton(answers)
    try:
        CONTESTANTS[name].run(Problem.load(path), baton)
    except Exception as error:
        words = [line.strip() for line in str(error).splitlines() if line.strip()]
        baton.say(failed=f"{type(error).__name__}: {words[-1] if words else ''}")
        raise


def race(problem: Problem, names: list[str], rounds: int, warmup: int) -> tuple[dict[str, dict[str, Any]], str]:
    """Return for each contestant its epochs in order of the rounds, or why it has none; and a note on the rounds."""
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "problem.npz"
        problem.save(path)
        workers, results = start(names, path, stack)
        for _ in range(warmup):
            play(workers)
        played: list[Round] = []
        while len(played) < PATIENCE * rounds and sum(disturbance(each) <= QUIET for each in played) < rounds:
            played.append(play(workers))
            if sys.stderr.isatty():
                print(f"  {len(played)} rounds, {disturbance(played[-1]):.0%} disturbed", end="\r", file=sys.stderr)
    limit = max(QUIET, *sorted(map(disturbance, played))[:rounds])
    kept = [each for each in played if disturbance(each) <= limit][:rounds]
    for name, row in results.items():
        if "skipped" not in row:
            epochs = [each[name] for each in kept]
            row |= {"steps": epochs[-1]["steps"], "loss": epochs[-1]["loss"]}
            row |= {clock: [epoch[clock] for epoch in epochs] for clock in ("seconds", "processor", "others")}
    return results, (
        f"{len(kept)} rounds after {warmup + 1} epochs of warm-up; other processes took at most {limit:.0%} of the "
        f"processor time of a round; {len(played) - len(kept)} rounds with more were left out."
    )


def start(names: list[str], path: Path, stack: ExitStack) -> tuple[list[Worker], dict[str, dict[str, Any]]]:
    """Start the contestants and let each trace and compile in a first epoch."""
    workers: list[Worker] = []
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            worker = Worker(name, path, stack)
            worker.epoch()
        except Skipped as reason:
            results[name] = {"skipped": str(reason)}
        else:
            workers.append(worker)
            results[name] = {"parameters": worker.parameters}
    return workers, results


def play(workers: list[Worker]) -> Round:
    """Let each contestant train one epoch."""
    return {worker.name: worker.epoch() for worker in workers}


def disturbance(answers: Round) -> float:
    """Return the share of the machine's processor time in a round that was not the contestants'."""
    seconds = sum(answer["seconds"] for answer in answers.values())
    others = sum(answer["others"] for answer in answers.values())
    return float(others / (seconds * (os.cpu_count() or 1))) if answers else 0.0


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def table(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the markdown table: seconds, and how many times as fast as the references."""
    speeds = "".join(f" speed against {mark} |" for mark in REFERENCES.values())
    yield "| contestant | seconds an epoch | steps |" + speeds
    yield "|---|---|---|" + "---|" * len(REFERENCES)
    for name, contestant in CONTESTANTS.items():
        row = results.get(name)
        if row is None:
            continue
        if "skipped" in row:
            yield f"| {contestant.title} | skipped: {row['skipped']} | |" + " |" * len(REFERENCES)
            continue
        cells = [spread(row["seconds"], 3), str(row["steps"])]
        for reference in REFERENCES:
            others = results.get(reference, {}).get("seconds", [])
            ratios = [other / own for own, other in zip(row["seconds"], others, strict=False)]
            cells.append("–" if name == reference or not ratios else spread(ratios, 2))
        yield f"| {contestant.title} | " + " | ".join(cells) + " |"


def machine() -> dict[str, Any]:
    """Describe the processor, the versions and the day, without naming the machine."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "cores_allowed": allow_cores(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": "python benchmarks/epoch.py " + shlex.join(sys.argv[1:]),
    }


def allow_cores() -> int | None:
    """Keep this process and its children on THREADS cores, so that the libraries' defaults choose as many threads."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    return len(os.sched_getaffinity(0))


def heading(conditions: dict[str, Any]) -> list[str]:
    """Return the paragraphs above the first table."""
    where = f"{conditions['processor']}, {conditions['cores']} cores ({conditions['cores_allowed']} allowed)"
    versions = ", ".join(f"{package} {number}" for package, number in conditions["versions"].items())
    return [
        "# Seconds for one training epoch",
        f"`{conditions['command'].strip()}`, {conditions['date']}: {where}, {conditions['system']}; "
        f"load before {conditions['load_before'][0]}; {versions}.",
        "Median (smallest–largest) over interleaved rounds. Speed: how many times as fast as the reference, "
        "pair by pair within each round; above 1 is faster.",
    ]


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
        work(options.worker, options.path)
        return

    conditions = machine()
    report = heading(conditions)
    record: dict[str, Any] = {"conditions": conditions, "problems": {}}
    for name in options.problems:
        make, rounds = PROBLEMS[name]
        problem, rounds = make(options.layers), options.rounds or rounds
        results, note = race(problem, options.contestants, rounds, options.warmup)
        losses = (f"{CONTESTANTS[one].title[:3]} {row['loss']:.3f}" for one, row in results.items() if "loss" in row)
        note += f" Loss of the last epoch: {', '.join(losses)}."
        report += [describe(name, problem), "\n".join(table(results)), note]
        settings = {key: value for key, value in asdict(problem).items() if not isinstance(value, np.ndarray)}
        record["problems"][name] = {**settings, "warmup": options.warmup, "contestants": results}

    text = "\n\n".join(report) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.name}.md").write_text(text, encoding="utf-8")
    (RESULTS / f"{options.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
