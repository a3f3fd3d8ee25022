"""What training a forecaster on many series takes of memory, against the size of the data.

    python benchmarks/panel_memory.py         # about a minute on two cores; writes benchmarks/results/panel_memory.md
    python benchmarks/panel_memory.py --short # small panels, nothing written

Made panels of 414 hourly series of 1,500 steps, then of 4 and 16 times as many, in a Parquet file of the long layout
(one target, and one covariate known beforehand). Each training is a process of its own, on two threads. Reported is its
largest resident memory (`ru_maxrss`) beyond that of a process that has only imported the same. The promise: it grows no
faster than the data, and windows are never all in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
SERIES, STEPS, TIMES = 414, 1500, (1, 4, 16)
HISTORY, HORIZON, COLUMNS = 168, 24, 2
BATCHES, BATCH = 20, 32
GROUP = 64  # series that are written at once
MEGABYTE = 2**20

SPEC = f"""\
data:
  source: series
  file: made.parquet
  layout: long
  id: series
  time: time
  target: value
  future: [known]
  frequency: h
  validation: {{cut: {HORIZON}}}
  test: none
task: {{kind: forecasting, history: {HISTORY}, horizon: {HORIZON}}}
model: {{architecture: stacked_rnn, cell: lstm, units: [8]}}
training: {{epochs: 2, batch_size: {BATCH}, examples_per_epoch: {BATCHES * BATCH}}}
"""


@dataclass(frozen=True)
class Result:
    """Sizes in bytes: raw values as float32, the file, all windows at once, and peaks beyond what imports take."""

    series: int
    windows: int
    raw: int
    file: int
    all_windows: int
    peak: int
    reading: int

    @property
    def ratio(self) -> float:
        return self.peak / self.raw


def write_panel(path: Path, series: int, steps: int) -> None:
    """Write a panel as one long Parquet table, series by series."""
    import pyarrow
    import pyarrow.parquet

    random = np.random.default_rng(0)
    time = np.datetime64("2021-01-01T00", "s") + np.arange(steps) * np.timedelta64(3600, "s")
    names = pyarrow.schema(
        [("series", pyarrow.string()), ("time", pyarrow.timestamp("s")), ("value", pyarrow.float32()),
         ("known", pyarrow.float32())]
    )  # fmt: skip
    with pyarrow.parquet.ParquetWriter(path, names) as writer:
        for first in range(0, series, GROUP):
            numbers = np.arange(first, min(first + GROUP, series))
            known = np.tile(np.cos(np.arange(steps) / 24 * 2 * np.pi), len(numbers))
            value = known * np.repeat(numbers, steps) + random.normal(size=len(known))
            ids = pyarrow.array([f"s{number:05d}" for number in np.repeat(numbers, steps)])
            columns = [ids, np.tile(time, len(numbers)), *(each.astype(np.float32) for each in (value, known))]
            writer.write_table(pyarrow.table(dict(zip(names.names, columns, strict=True)), schema=names))


def run_child(*arguments: str) -> dict[str, int]:
    """Return what this script says of itself in a process of its own."""
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **threads}
    result = subprocess.run([sys.executable, __file__, *arguments], env=environment, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr)
    return dict(json.loads(result.stdout.splitlines()[-1]))


def train_here(folder: Path | None) -> None:
    """Import all that a training needs, and train; print the peak memory of this process, and how many windows."""
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from rnnlab import training
    from rnnlab.experiment import load_experiment
    from rnnlab.places import Places
    from rnnlab.quiet import load_tensorflow
    from rnnlab.rundir import RunDir

    load_tensorflow()
    import keras  # noqa: F401

    seen = {"imported": peak_memory()}
    prepare = training.prepare

    def noted(*arguments, **keywords):
        seen["read"] = peak_memory()
        prepared = prepare(*arguments, **keywords)
        seen["windows"] = len(prepared.splits["train"])
        return prepared

    if folder is not None:
        training.prepare = noted
        training.train(load_experiment(folder / "spec.yaml"), RunDir.create(folder / "run"), Places(folder, folder))
    print(json.dumps({**seen, "peak": peak_memory()}))


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(folder: Path, series: int, steps: int) -> Result:
    """Write a panel into a new folder, train on it, and return what it took beyond what imports do."""
    folder.mkdir()
    write_panel(folder / "made.parquet", series, steps)
    (folder / "spec.yaml").write_text(SPEC)
    told = run_child("--child", str(folder))
    row = 4 * COLUMNS
    all_windows = told["windows"] * (HISTORY + HORIZON) * row
    file = (folder / "made.parquet").stat().st_size
    beyond = told["peak"] - told["imported"], told["read"] - told["imported"]
    return Result(series, told["windows"], series * steps * row, file, all_windows, *beyond)


def compare(folder: Path, series: int, steps: int, times: tuple[int, ...]) -> list[Result]:
    """Return what panels of so many times the series took."""
    results = []
    for factor in times:
        results.append(measure(folder / str(factor), factor * series, steps))
        print(results[-1], f"ratio {results[-1].ratio:.1f}", file=sys.stderr, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of training on panels.")
    parser.add_argument("--short", action="store_true", help="small panels; writes nothing")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        train_here(options.child)
        return
    series, steps, times = (60, 1500, (4, 16)) if options.short else (SERIES, STEPS, TIMES)
    with tempfile.TemporaryDirectory() as folder:
        results = compare(Path(folder), series, steps, times)
    table = describe(results, steps)
    print(table)
    if not options.short:
        (HERE / "results" / "panel_memory.md").write_text(table)
        content = [{**asdict(each), "ratio": each.ratio} for each in results]
        (HERE / "results" / "panel_memory.json").write_text(json.dumps(content, indent=2) + "\n")
    if results[-1].peak > results[-1].all_windows / 5:
        raise SystemExit("expected less than a fifth of what all windows would take")
    if any(after.ratio > 1.1 * before.ratio for before, after in pairwise(results)):
        raise SystemExit("expected memory to grow no faster than the data")


def describe(results: list[Result], steps: int) -> str:
    """Return the table as Markdown."""
    rows = [
        f"| {each.series:,} | {each.windows:,} | {each.raw / MEGABYTE:,.1f} | {each.all_windows / MEGABYTE:,.0f} | "
        f"{each.reading / MEGABYTE:,.0f} | {each.peak / MEGABYTE:,.0f} | {each.ratio:.1f} |"
        for each in results
    ]
    return "\n".join(
        [
            "# Memory of training on many series",
            "",
            f"`python benchmarks/panel_memory.py`: hourly series of {steps:,} steps, {COLUMNS} columns, in one Parquet",
            f"file; windows of {HISTORY} steps and {HORIZON} ahead, at every step. In MB; peaks are of the process,",
            "beyond what it takes to import TensorFlow, Keras, pandas and rnnlab.",
            "",
            "| series | windows | raw values | all windows would be | peak, reading | peak, training | peak / raw |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
