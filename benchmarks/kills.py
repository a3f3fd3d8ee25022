"""Kill trainings at random, resume them, and compare every result with that of a training that nobody killed.

    python benchmarks/kills.py                # 100 trainings; writes benchmarks/results/kills.md
    python benchmarks/kills.py --runs 8       # a short version

Each training is a shipped spec made short, run by the command line in a process of its own. It gets SIGKILL one to four
times: mostly after a random number of saved states, one in five at a random moment of the whole process, imports
included. After each kill it is resumed; at last it is left alone. Its `state_sha256`, its history
(but for the seconds) and the weights that answer must be those of the unbroken run, bit by bit.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SAVES = "training.save_every={steps: 3}"  # often, so that many kills fall into a save
SETTINGS = {
    "stacked, dropout, early stopping": """japanese_vowels
        training.epochs=6
        training.batch_size=16
        training.early_stopping={monitor: val_accuracy, patience: 2}
        data.validation.by=fraction
        model={architecture: stacked_rnn, cell: gru, units: [16, 16], bidirectional: true, dropout: 0.5}""",
    "stacked, recurrent dropout, plateau, accumulation": """japanese_vowels
        training.epochs=5
        training.accumulate=3
        training.reduce_on_plateau={patience: 1}
        data.validation.by=fraction
        model={architecture: stacked_rnn, cell: lstm, units: [16], dropout: 0.3, recurrent_dropout: 0.2}""",
    "convolution, schedule": """basic_motions
        training.epochs=10
        training.batch_size=4
        training.optimizer.learning_rate={name: cosine_decay, initial_learning_rate: 0.003, decay_steps: 100}
        model.units=[16]""",
    "convolution, accumulation, early stopping": """pickup_gesture
        training.epochs=8
        training.accumulate=2
        training.early_stopping={patience: 3}
        data.validation={by: fraction, fraction: 0.4}
        model.units=[16]""",
}


@dataclass(frozen=True)
class Outcome:
    """What must be the same: the digest of all variables, the history without its seconds, the weights that answer."""

    digest: str
    history: str
    weights: dict[str, bytes]

    @classmethod
    def of(cls, run: Path) -> Outcome:
        digest = json.loads((run / "manifest.json").read_text("utf-8"))["state_sha256"]
        with (run / "history.csv").open(encoding="utf-8") as file:
            rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
        with np.load(run / "weights.npz") as archive:
            weights = {name: archive[name].tobytes() for name in archive.files}
        return cls(digest, repr(rows), weights)


def said(run: Path) -> str:
    """Return what the latest process of a run has printed."""
    return run.with_name(f"{run.name}.log").read_text("utf-8", "replace")


class Killer:
    """Starts trainings, and kills them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.unbroken: dict[str, Outcome] = {}
        self.seconds: dict[str, float] = {}  # of the whole process
        self.saves: dict[str, int] = {}  # how many states it saves

    def start(self, name: str, run: Path, *, resume: bool) -> subprocess.Popen[bytes]:
        spec, *settings = (line.strip() for line in SETTINGS[name].splitlines())
        command = [sys.executable, "-m", "rnnlab", "train", str(HERE.parent / "configs" / f"{spec}.yaml")]
        command += ["--run", str(run), *(["--resume"] if resume else [])]
        command += [argument for setting in (*settings, SAVES) for argument in ("--set", setting)]
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        with run.with_name(f"{run.name}.log").open("w") as log:
            return subprocess.Popen(command, env=environment, cwd=HERE.parent, stdout=log, stderr=log)

    def train_unbroken(self, name: str) -> None:
        run, started = self.folder / f"unbroken {name}", time.monotonic()
        process = self.start(name, run, resume=False)
        self.saves[name] = self.wait_for_saves(run, process)
        if process.wait():
            raise SystemExit(said(run))
        self.unbroken[name], self.seconds[name] = Outcome.of(run), time.monotonic() - started

    @staticmethod
    def wait_for_saves(run: Path, process: subprocess.Popen[bytes], most: float = math.inf) -> int:
        """Wait until this process has saved so many states, or ended; return how many it was seen to save."""

        def which() -> int | None:
            try:
                return (run / "state.npz").stat().st_ino
            except FileNotFoundError:
                return None

        last, seen = which(), 0
        while process.poll() is None and seen < most:
            now = which()
            seen, last = seen + (now not in (last, None)), now
            time.sleep(0.001)
        return seen

    def kill_and_resume(self, number: int) -> tuple[str, int, bool]:
        """Return (setting, how often it was killed, whether the result is the unbroken one's)."""
        name = list(SETTINGS)[number % len(SETTINGS)]
        dice = random.Random(f"{self.seed} {number}")
        run, kills, wanted = self.folder / f"{number}", 0, dice.choice([1, 1, 2, 4])
        for attempt in range(10):
            if kills == wanted:
                break
            if kills == 0 and attempt:
                shutil.rmtree(run)  # it was done before it was killed: once more
            process = self.start(name, run, resume=(run / "manifest.json").is_file())
            if dice.random() < 0.8:
                # The moments are shared out over what is left to be trained, as saves tell it.
                self.wait_for_saves(run, process, dice.randrange(max(1, self.saves[name] // wanted)))
                time.sleep(dice.uniform(0, 0.05))
            else:
                time.sleep(dice.uniform(0, self.seconds[name]))
            process.kill()
            kills += process.wait() == -9
            if kills and process.returncode == 0:
                break  # nothing is left to be killed
        code = self.start(name, run, resume=(run / "manifest.json").is_file()).wait()
        same = code == 0 and kills > 0 and Outcome.of(run) == self.unbroken[name]
        if not same:
            print(f"run {number} ({name}) differs: {run}\n{said(run)}", file=sys.stderr)
        return name, kills, same


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill trainings at random and compare their results.")
    parser.add_argument("--runs", type=int, default=100, help="trainings that are killed, each at least once")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(Path(folder), options.seed)
        with ThreadPoolExecutor(options.processes) as pool:
            list(pool.map(killer.train_unbroken, list(SETTINGS)[: options.runs]))
            results = []
            for result in pool.map(killer.kill_and_resume, range(options.runs)):
                results.append(result)
                print(f"{len(results)}/{options.runs} {result}", file=sys.stderr, flush=True)
    table = describe(results, options)
    print(table)
    if options.runs >= 100:
        (HERE / "results" / "kills.md").write_text(table)
    if not all(same for _, _, same in results):
        raise SystemExit(1)


def describe(results: list[tuple[str, int, bool]], options: argparse.Namespace) -> str:
    """Return the table as Markdown."""
    rows = []
    for name in SETTINGS:
        own = [(kills, same) for each, kills, same in results if each == name]
        rows.append(f"| {name} | {len(own)} | {sum(kills for kills, _ in own)} | {sum(same for _, same in own)} |")
    total = (len(results), sum(kills for _, kills, _ in results), sum(same for _, _, same in results))
    return "\n".join(
        [
            "# Killed and resumed",
            "",
            f"`python benchmarks/kills.py --runs {options.runs} --seed {options.seed}`: state, history and weights of",
            "trainings that got SIGKILL at random moments, compared with those of the unbroken ones.",
            "",
            "| spec | trainings | kills | same bits |",
            "|---|---|---|---|",
            *rows,
            f"| all | {total[0]} | {total[1]} | {total[2]} |",
            "",
        ]
    )


if __name__ == "__main__":
    main()
