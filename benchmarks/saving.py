"""What saving costs: seconds spent in it against the seconds of training without it, at the default interval.

    python benchmarks/saving.py        # about 5 minutes on two cores; writes benchmarks/results/saving.md

`japanese vowels` is the shipped spec: epochs of a sixth of a second, where saving at each one would cost most.
`large` trains two LSTM layers of 512 units on made sequences for more than two minutes, so that the clock strikes:
its state is 44 MB. The promise is 2 %; the clock is
stretched where saving would take more than 1 %, which leaves room for the history and the weights of each epoch.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
REPEATS = 3


class Stopwatch:
    """Adds up the time that is spent in what it wraps."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **keywords: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments, **keywords)
            self.seconds, self.calls = self.seconds + time.perf_counter() - started, self.calls + 1
            return result

        return timed


def main() -> None:
    settings = {"japanese vowels": japanese_vowels, "large": large}
    rows = []
    for name, make in settings.items():
        shares = []
        for repeat in range(REPEATS if name != "large" else 1):
            with tempfile.TemporaryDirectory(dir=HERE) as folder:  # on a disk, which the system's may not be
                saving, training, states = measure(make(Path(folder)), Path(folder))
            shares.append(100 * saving / (training - saving))
            print(f"{name} {repeat}: {saving:.3f} s of {training:.1f} s, {states} states", file=sys.stderr)
        spread = f"{min(shares):.2f}–{max(shares):.2f} %"
        rows.append(f"| {name} | {training:.1f} s | {states} | {np.median(shares):.2f} % | {spread} |")
    table = "\n".join(
        [
            "# What saving costs",
            "",
            "`python benchmarks/saving.py`: time in saving states, weights and history against training without it.",
            "",
            "| training | seconds | states saved | median | range |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
    (HERE / "results" / "saving.md").write_text(table)
    print(table)


def japanese_vowels(folder: Path) -> Any:
    from rnnlab.experiment import load_experiment

    spec = HERE.parent / "configs" / "japanese_vowels.yaml"
    return load_experiment(spec, ("data.validation.by=fraction",))


def large(folder: Path) -> Any:
    from rnnlab.experiment import Experiment

    random = np.random.default_rng(0)
    lengths = random.integers(40, 80, 1200)
    labels = np.arange(len(lengths)) % 4
    np.savez(folder / "made.npz", values=random.normal(size=(lengths.sum(), 8)), lengths=lengths, labels=labels)
    return Experiment.model_validate(
        {
            "name": "large",
            "data": {"source": "npz", "train": str(folder / "made.npz")},
            "task": {"kind": "classification"},
            "model": {"architecture": "stacked_rnn", "units": [512, 512]},
            "training": {"epochs": 4},
        }
    )


def measure(experiment: Any, folder: Path) -> tuple[float, float, int]:
    """Return (seconds in saving, seconds of training with it, states saved)."""
    from rnnlab.places import Places
    from rnnlab.rundir import RunDir
    from rnnlab.training import loop, train

    saving, training = Stopwatch(), Stopwatch()
    states = Stopwatch()
    with (
        mock.patch.object(loop.Loop, "save", saving.around(states.around(loop.Loop.save))),
        mock.patch.object(loop.Loop, "note_weights", saving.around(loop.Loop.note_weights)),
        mock.patch.object(loop.Loop, "_note_history", saving.around(loop.Loop._note_history)),
        mock.patch.object(loop.Loop, "train_to_the_end", training.around(loop.Loop.train_to_the_end)),
    ):
        train(experiment, RunDir.create(folder / "run"), Places(folder, folder))
    return saving.seconds, training.seconds, states.calls


if __name__ == "__main__":
    main()
