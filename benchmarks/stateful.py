"""Training with a memory that goes on, against training on windows, where what matters lies behind the window.

    python benchmarks/stateful.py             # about 5 minutes on two cores; writes benchmarks/results/stateful.md
    python benchmarks/stateful.py --short     # one seed, a few epochs, nothing written

The made series repeat a pattern of 120 steps. Its first 12 steps have a marker, +1 or -1 at random; steps 70 to 109
are that sign, and all others 0, with noise of deviation 0.1 on top. When the pattern is active is known beforehand; its
sign is said by the marker alone. A forecast of 50 steps that begins at step 52 to 70 of a pattern needs the marker,
which is by then behind a window of 40 steps.

Two trainings of the same network, on as many updates of 32 times 40 steps, differ in nothing but what is carried on:

- stateless: windows of 40 steps drawn at random (`history: 40`, `examples_per_epoch`);
- stateful: segments of 40 steps in order, the memory going on (`history: all`, `training.tbptt: {steps: 40}`).

Both have gradients over 40 steps, and ask every step of a window or segment. Validation origins are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

PERIOD, SAID, ACTIVE, NOISE = 120, 12, (70, 110), 0.1
WINDOW, HORIZON, BATCH = 40, 50, 32
TRAINED, LENGTH = 240, 720  # series that end where the training part does, and their steps
JUDGED, BEFORE, BEHIND = 18, 240, 240  # series that validate, and their steps before and behind the cut

SPEC = """\
data:
  source: series
  file: made.csv
  layout: long
  id: series
  time: time
  target: value
  past: [marker]
  future: [active]
  frequency: h
  validation: {{cut: {behind}}}
  test: none
transforms: []
task: {{kind: forecasting, history: {history}, horizon: {horizon}, season: {period}}}
model: {{architecture: stacked_rnn, cell: lstm, units: [32]}}
head: {{name: per_step, hidden_units: 32}}
training:
  epochs: {epochs}
  batch_size: {batch}
  {how}
  buckets: {{shapes: 3}}
  optimizer: {{name: adam, learning_rate: 0.003, clip_global_norm: 1.0}}
seed: {seed}
"""


@dataclass(frozen=True)
class Result:
    """What came of one training: updates and steps that it saw, its lowest loss, and scores on validation."""

    seed: int
    training: str
    updates: int
    steps: int
    loss: float
    mae: float
    last_value: float
    seasonal_naive: float


def write_series(path: Path, trained: int, random: np.random.Generator) -> None:
    """Write hourly series as a long table; each pattern's first step is another one in each series."""
    import pandas

    cut = np.datetime64("2021-01-01T00", "h")
    parts = []
    for number in range(trained + JUDGED):
        judged = number >= trained
        steps, first = (BEFORE + BEHIND, cut - BEFORE) if judged else (LENGTH, cut - LENGTH)
        phase = (np.arange(steps) + random.integers(PERIOD)) % PERIOD
        pattern = np.cumsum(phase == 0)
        sign = random.choice([-1, 1], pattern[-1] + 1)[pattern]
        active = (phase >= ACTIVE[0]) & (phase < ACTIVE[1])
        value = sign * active + random.normal(scale=NOISE, size=steps)
        columns = {"pattern": pattern, "value": value, "marker": sign * (phase < SAID), "active": active.astype(int)}
        parts.append(pandas.DataFrame({"series": f"s{number:03d}", "time": first + np.arange(steps), **columns}))
    pandas.concat(parts).to_csv(path, index=False, float_format="%.6f")


def run_training(folder: Path, training: str, seed: int, epochs: int, examples: int) -> Result:
    """Train and score one of the two, by the public path."""
    from rnnlab.evaluation import evaluate
    from rnnlab.experiment import load_experiment
    from rnnlab.history import read_history
    from rnnlab.places import Places
    from rnnlab.prediction import Predictor
    from rnnlab.rundir import RunDir
    from rnnlab.training import train
    from rnnlab.training.reporting import Silent

    class Counting(Silent):
        updates = steps = 0

        def step_done(self, sequences: int, loss: float) -> None:
            self.updates, self.steps = self.updates + 1, self.steps + sequences * WINDOW

    history, how = {
        "stateless": (WINDOW, f"examples_per_epoch: {examples}"),
        "stateful": ("all", f"tbptt: {{steps: {WINDOW}}}"),
    }[training]
    spec = folder / f"{training}-{seed}.yaml"
    keys = {"behind": BEHIND, "horizon": HORIZON, "period": PERIOD, "batch": BATCH, "epochs": epochs, "seed": seed}
    spec.write_text(SPEC.format(history=history, how=how, **keys))
    run, places, counting = RunDir.create(folder / f"{training}-{seed}"), Places(folder, folder), Counting()
    train(load_experiment(spec), run, places, counting)
    scores = evaluate(Predictor.load(run.path), places, "validation", figures=False)
    loss = min(float(row["loss"]) for row in read_history(run.history))
    baselines = [scores.baselines[name]["mae"] for name in ("last_value", "seasonal_naive")]
    return Result(seed, training, counting.updates, counting.steps, loss, scores.metrics["mae"], *baselines)


def best_scores(path: Path) -> dict[str, float]:
    """Return the MAE on validation of who knows the rule, and reads a window of 40 steps, or everything.

    The sign of a pattern is known from its marker, or from one of its active steps. Whoever does not know it loses 1
    at each active step, on average over the signs, whatever is answered between -1 and 1; here 0.
    """
    import pandas

    table = pandas.read_csv(path)
    errors: dict[str, list[NDArray[np.float64]]] = {f"best of {WINDOW} steps": [], "best of all steps": []}
    for _, series in table.groupby("series"):
        value, marker, active, pattern = (series[name].to_numpy() for name in ("value", "marker", "active", "pattern"))
        if len(value) != BEFORE + BEHIND:
            continue
        # The sign of each active step is that of its noisy value: 10 deviations lie between 0 and 1.
        truth = np.sign(value) * active
        for origin in range(BEFORE, len(value) - HORIZON + 1):
            ahead = slice(origin, origin + HORIZON)
            for name, read in zip(errors, (WINDOW, origin), strict=True):
                told = (marker[origin - read : origin] != 0) | (active[origin - read : origin] == 1)
                known = np.isin(pattern[ahead], pattern[origin - read : origin][told])
                # A pattern that begins within the horizon has no active step there.
                errors[name].append(np.abs(value[ahead] - np.where(known, truth[ahead], 0)))
    return {name: float(np.mean(each)) for name, each in errors.items()}


def compare(folder: Path, seeds: range, epochs: int, trained: int) -> tuple[list[Result], dict[str, float]]:
    """Train both with each seed; return what came of each, and what the best forecasts would score."""
    write_series(folder / "made.csv", trained, np.random.default_rng(0))
    examples = trained * LENGTH // WINDOW
    results = []
    for seed in seeds:
        for training in ("stateless", "stateful"):
            results.append(run_training(folder, training, seed, epochs, examples))
            print(results[-1], file=sys.stderr, flush=True)
    return results, best_scores(folder / "made.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description="Stateful training against windows.")
    parser.add_argument("--short", action="store_true", help="one seed, a few epochs; writes nothing")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    seeds, epochs = (range(1), 4) if options.short else (range(3), options.epochs)
    with tempfile.TemporaryDirectory() as folder:
        results, best = compare(Path(folder), seeds, epochs, TRAINED)
    table = describe(results, best, epochs)
    print(table)
    if not options.short:
        (HERE / "results" / "stateful.md").write_text(table)
        content = {"runs": [asdict(each) for each in results], "best": best}
        (HERE / "results" / "stateful.json").write_text(json.dumps(content, indent=2) + "\n")
    beyond_window = best[f"best of {WINDOW} steps"]
    if not all(each.mae < 0.8 * beyond_window for each in results if each.training == "stateful"):
        raise SystemExit(f"expected stateful training to score less than 0.8 times {beyond_window:.4f}")


def describe(results: list[Result], best: dict[str, float], epochs: int) -> str:
    """Return the table as Markdown."""
    by_seed = {seed: {each.training: each for each in results if each.seed == seed} for seed in range(len(results))}
    rows = [
        f"| {seed} | {pair['stateless'].mae:.4f} | {pair['stateful'].mae:.4f} | {pair['stateless'].loss:.4f} | "
        f"{pair['stateful'].loss:.4f} | {pair['stateless'].updates:,} | {pair['stateful'].updates:,} |"
        for seed, pair in by_seed.items()
        if pair
    ]
    some = results[0]
    known = {**best, "last value": some.last_value, "seasonal naive (120 steps)": some.seasonal_naive}
    return "\n".join(
        [
            "# A memory that goes on, against windows",
            "",
            f"`python benchmarks/stateful.py --epochs {epochs}`: the sign of a pattern is said once in {PERIOD} steps",
            f"and matters {ACTIVE[0]} to {ACTIVE[1] - 1} steps later; windows and segments have {WINDOW} steps, "
            f"forecasts {HORIZON}.",
            "The same network (LSTM of 32 units, every step asked) and optimizer, about as many updates of "
            f"{BATCH} × {WINDOW} steps.",
            f"MAE on the same validation origins: stateless reads {WINDOW} steps, stateful all that there are.",
            "",
            "| seed | MAE, stateless window | MAE, stateful | lowest loss, stateless | lowest loss, stateful "
            "| updates, stateless | updates, stateful |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            "| for comparison | MAE |",
            "|---|---|",
            *(f"| {name} | {value:.4f} |" for name, value in known.items()),
            "",
        ]
    )


if __name__ == "__main__":
    main()
