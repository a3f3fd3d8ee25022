"""What timed races share: contestants in processes of their own, who take turns, and the table of who was how fast.

Every contestant builds its model and then trains one epoch whenever it is told to, while the others wait; so the
rounds interleave (A B C A B C …), a slow minute of the machine hits all of them, and ratios are taken within a round.
Rounds in which processes outside the race worked, too, are left out.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
THREADS = 2
PAUSE = 0.05  # seconds between epochs, in which the last contestant's threads stop spinning
QUIET = 0.05  # a round counts when other processes took no larger share of the machine …
PATIENCE = 2  # … unless so many times the rounds wanted did not suffice; then the quietest ones count
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "torch", "numpy", "rnnlab")
TORCH = "torch==2.13.0"


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


def rnnlab_train(spec: Mapping[str, Any], data: Path, baton: Baton) -> None:
    """Run one long training of rnnlab's, whose reporter waits for its turn before each epoch.

    An epoch is timed from its first step to its last, with metrics and gradient norm, which rnnlab always computes;
    saving the state, which no other contestant does, is not.
    """
    from rnnlab.experiment import load_experiment
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
        endless = {**spec.get("training", {}), "epochs": 1_000_000, "best": None, "devices": "cpu"}
        path = folder / "spec.yaml"
        path.write_text(yaml.safe_dump({**spec, "training": endless}), encoding="utf-8")
        experiment = load_experiment(path)
        train(experiment, RunDir.create(folder / "run"), Places(data, data), Turns())


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


# --- The referee ----------------------------------------------------------------------------------------------------


Round = dict[str, dict[str, Any]]  # contestant → its answer


class Skipped(Exception):
    """A contestant can't run, with the reason."""


class Worker:
    """One contestant's process."""

    def __init__(self, name: str, command: Sequence[str], stack: ExitStack) -> None:
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            raise Skipped(f"PyTorch is not installed; `pip install {TORCH}` into this environment")
        self.name = name
        self.log = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 (the stack closes it)
        self.process = subprocess.Popen(
            [sys.executable, *command],
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


def work(run: Callable[[Baton], None]) -> None:
    """Be a contestant: answers go to the referee on what was standard output, all chatter to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    baton = Baton(answers)
    try:
        run(baton)
    except Exception as error:
        words = [line.strip() for line in str(error).splitlines() if line.strip()]
        baton.say(failed=f"{type(error).__name__}: {words[-1] if words else ''}")
        raise


def race(commands: Mapping[str, Sequence[str]], rounds: int, warmup: int) -> tuple[dict[str, dict[str, Any]], str]:
    """Return for each contestant its epochs in order of the rounds, or why it has none; and a note on the rounds.

    Args:
        commands: contestant → the script and arguments that make it.
        rounds: rounds that count.
        warmup: rounds before, which do not.
    """
    with ExitStack() as stack:
        workers, results = start(commands, stack)
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


def start(commands: Mapping[str, Sequence[str]], stack: ExitStack) -> tuple[list[Worker], dict[str, dict[str, Any]]]:
    """Start the contestants and let each trace and compile in a first epoch."""
    workers: list[Worker] = []
    results: dict[str, dict[str, Any]] = {}
    for name, command in commands.items():
        try:
            worker = Worker(name, command, stack)
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


def table(results: dict[str, dict[str, Any]], titles: Mapping[str, str], marks: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the markdown table: seconds, and how many times as fast as the references.

    Args:
        results: contestant → its epochs.
        titles: contestant → what its row says; the order of the rows.
        marks: those that others are compared with → what their column says.
    """
    speeds = "".join(f" speed against {mark} |" for mark in marks.values())
    yield "| contestant | seconds an epoch | steps |" + speeds
    yield "|---|---|---|" + "---|" * len(marks)
    for name, title in titles.items():
        row = results.get(name)
        if row is None:
            continue
        if "skipped" in row:
            yield f"| {title} | skipped: {row['skipped']} | |" + " |" * len(marks)
            continue
        cells = [spread(row["seconds"], 3), str(row["steps"])]
        for reference in marks:
            others = results.get(reference, {}).get("seconds", [])
            ratios = [other / own for own, other in zip(row["seconds"], others, strict=False)]
            cells.append("–" if name == reference or not ratios else spread(ratios, 2))
        yield f"| {title} | " + " | ".join(cells) + " |"


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
        "command": f"python benchmarks/{Path(sys.argv[0]).name} {shlex.join(sys.argv[1:])}",
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
