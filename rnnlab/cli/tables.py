"""Tables on standard output: plain text, aligned, the same on a terminal and in a file."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlab.errors import printable
from rnnlab.rundir import RunDir

if TYPE_CHECKING:
    from rnnlab.evaluation import Evaluation
    from rnnlab.examples import Skipped


MOST_STEPS = 8  # of a horizon, that a table shows


def skipped_lines(skipped: Sequence[Skipped], most: int) -> list[str]:
    """Return the first bad sequences that were left out, one a line, and how many more there are."""
    lines = [f"  {each}" for each in skipped[:most]]
    return lines if len(skipped) <= most else [*lines, f"  … and {len(skipped) - most} more"]


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header; the first column to the left, all others to the right."""
    header, *rows = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, ["─" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def print_evaluation(evaluation: Evaluation, run: Path) -> None:
    """Print a run's scores and its baselines', what each number means, and what was skipped."""
    heading = f"{run}: {evaluation.split} split, {evaluation.examples} examples"
    if evaluation.left_out:
        heading += f" ({evaluation.left_out} bad left out{' before the split was cut' if evaluation.cut else ''})"
    searched = f", answers looked for: {evaluation.search}" if evaluation.search else ""
    print(f"{heading}, fingerprint {evaluation.fingerprint[:12]}{searched}\n")
    names = list(evaluation.metrics)
    main = names[0]
    rows = [("this run", evaluation.metrics), *evaluation.baselines.items()]
    print_table(["", *names], [[_title(name), *(_number(scores[each]) for each in names)] for name, scores in rows])
    print()
    for name, reason in evaluation.skipped.items():
        print(f"{_title(name)} skipped: {reason}")
    for name in names:
        told = f" ({evaluation.warnings[name]})" if name in evaluation.warnings else ""
        print(f"{name}: {evaluation.definitions[name]}{told}")
    _print_steps(evaluation, main)
    _print_parts(evaluation)
    _warn_if_beaten(evaluation, main)


def _print_steps(evaluation: Evaluation, main: str) -> None:
    """Print the main metric at some steps ahead, of the run and its baselines."""
    if not evaluation.steps:
        return
    count = len(evaluation.steps[main])
    shown = sorted({round(each * (count - 1) / (MOST_STEPS - 1)) for each in range(MOST_STEPS)})
    rows = [("this run", evaluation.steps[main]), *evaluation.baseline_steps.items()]
    print(f"\n{main} by steps ahead\n")
    header = ["", *(f"+{step + 1}" for step in shown)]
    print_table(header, [[_title(name), *(_number(scores[step]) for step in shown)] for name, scores in rows])


def _print_parts(evaluation: Evaluation) -> None:
    """Print the metrics that have parts for each of them, such as each type of entity."""
    columns = evaluation.parts
    if not columns:
        return
    names = list(next(iter(columns.values())))
    print()
    print_table(["this run", *columns], [[name, *(_number(own[name]) for own in columns.values())] for name in names])


def _warn_if_beaten(evaluation: Evaluation, main: str) -> None:
    from rnnlab.metrics import METRICS

    metric = METRICS.load(main)
    if not metric.ranks:
        return
    sign = 1 if metric.better == "higher" else -1
    better = [
        _title(name)
        for name, scores in evaluation.baselines.items()
        if not math.isnan(scores[main]) and sign * scores[main] >= sign * evaluation.metrics[main]
    ]
    if better:
        print(f"\nNot better than {', '.join(better)} in {main}.")


def print_spread(runs: Sequence[Path], split: str) -> None:
    """Print every run's scores on a split, from its metrics folder, their mean and deviation, and the baselines'."""
    loaded = [RunDir(run).read_evaluation(split) for run in runs]
    found = [(run, each["metrics"]) for run, each in zip(runs, loaded, strict=True) if each is not None]
    if not found:
        return
    names = list(found[0][1])
    rows = [[run.name, *(_number(scores[name]) for name in names)] for run, scores in found]
    columns = [[float(scores[name]) for _, scores in found if scores[name] is not None] for name in names]
    rows.append(["mean", *(_number(statistics.fmean(column) if column else None) for column in columns)])
    if len(found) > 1:
        rows.append(["standard deviation", *(_number(_deviation(column)) for column in columns)])
    rows += _baseline_means([each["baselines"] for each in loaded if each is not None], names)
    print(f"{split} split\n")
    print_table(["", *names], rows)
    for run, each in zip(runs, loaded, strict=True):
        if each is not None and each.get("left_out"):
            print(f"{run.name}: {each['left_out']} bad sequence(s) of this data left out")


def _baseline_means(
    baselines: Sequence[Mapping[str, Mapping[str, float | None]]], names: Sequence[str]
) -> list[list[str]]:
    """Return a row for each baseline that all runs have: its mean scores, as folds differ in their data."""
    rows = []
    for baseline in baselines[0]:
        if all(baseline in each for each in baselines):
            columns = [[each[baseline].get(name) for each in baselines] for name in names]
            known = [[float(value) for value in column if value is not None] for column in columns]
            rows.append([_title(baseline), *(_number(statistics.fmean(each) if each else None) for each in known)])
    return rows


def print_splits(run: Path, evaluations: Sequence[Evaluation]) -> None:
    """Print one run's main scores on several splits, beside the baselines', and their mean."""
    main = next(iter(evaluations[0].metrics))
    names = list(dict.fromkeys(name for each in evaluations for name in each.baselines))
    columns = {"this run": [each.metrics[main] for each in evaluations]}
    for name in names:
        columns[_title(name)] = [each.baselines.get(name, {}).get(main, math.nan) for each in evaluations]
    rows = [
        [each.split, *(_number(column[row]) for column in columns.values())] for row, each in enumerate(evaluations)
    ]
    rows.append(["mean", *(_number(statistics.fmean(column)) for column in columns.values())])
    print(f"{run}: {main} on each block, without training anew\n")
    print_table(["", *columns], rows)
    print(f"\n{main}: {evaluations[0].definitions[main]}")


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _title(name: str) -> str:
    from rnnlab.baselines import BASELINES

    return BASELINES.load(name).title if name in BASELINES.names() else name


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "—"
    if value != 0 and abs(value) < 0.001:
        return f"{value:.3g}"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
