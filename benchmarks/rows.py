"""What benchmarks of whole runs share: shipped specs, trained and scored by the command line, and rows that are kept.

A row is trained again only when its spec or settings have changed, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TOP = HERE.parent
RESULTS = HERE / "results"
sys.path.insert(0, str(TOP))


def rnnlab(*arguments: str) -> None:
    """Run `rnnlab` as the command line does; what it says against it ends the benchmark."""
    command = [sys.executable, "-m", "rnnlab", *arguments]
    done = subprocess.run(command, env=os.environ, cwd=TOP, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def config(name: str) -> Path:
    return TOP / "configs" / f"{name}.yaml"


def sets(settings: Iterable[str]) -> list[str]:
    """Return settings as arguments."""
    return [part for each in settings for part in ("--set", each)]


def scored(run: Path, split: str) -> dict[str, Any]:
    """Return what `rnnlab evaluate` wrote of a split."""
    found: dict[str, Any] = json.loads((run / "metrics" / f"{split}.json").read_text("utf-8"))
    return found


def manifest(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text("utf-8"))
    return found


def keep_rows(
    output: Path,
    rows: Mapping[str, tuple[str, Sequence[str]]],
    measure: Callable[[str, Sequence[str]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return title → what was measured; rows of the same spec and settings are read from `output`, others measured.

    Args:
        output: the JSON file, written after each row.
        rows: title → the spec's name and the settings that change it.
        measure: of the spec's name and the settings.
    """
    known = json.loads(output.read_text("utf-8")) if output.is_file() else {}
    kept: dict[str, dict[str, Any]] = {}
    for title, (name, settings) in rows.items():
        lines = [line for line in config(name).read_text("utf-8").splitlines() if not line.startswith("#")]
        digest = hashlib.sha256(json.dumps([lines, list(settings)]).encode()).hexdigest()[:16]
        row = known.get(title)
        if row is None or row["digest"] != digest:
            row = {"digest": digest, "settings": list(settings), **measure(name, settings)}
        kept[title] = row
        output.write_text(json.dumps({**known, **kept}, indent=1) + "\n", encoding="utf-8")
    output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return kept


def settings_note(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return lines that say what each row changes of its spec."""
    lines = [f"- {title}: `{'` `'.join(row['settings'])}`" for title, row in rows.items() if row["settings"]]
    return ["", "Settings beside the shipped spec:", "", *lines] if lines else []


# --- Tables of runs: rows of settings, columns of metrics ------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Rows of one spec.

    Attributes:
        spec: its name.
        what: the heading.
        metrics: the columns.
        seeds: of each row.
        rows: title → settings.
        searches: title → settings with which the same runs are scored, such as how they look for answers.
    """

    spec: str
    what: str
    metrics: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: dict[str, tuple[str, ...]]
    searches: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"": ()})


def make_table(name: str, table: Table, command: str) -> None:
    """Train and score what is not known yet, write `results/NAME.json` and `.md`, and print the table."""
    output = RESULTS / f"{name}.json"
    rows = keep_rows(output, {title: (table.spec, each) for title, each in table.rows.items()}, partial(measure, table))
    text = describe(table, rows, command)
    output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def measure(table: Table, name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return the test scores of each seed's run by each search, its seconds, and the baselines' scores."""
    found: dict[str, Any] = {"scores": {title: [] for title in table.searches}, "seconds": [], "baselines": {}}
    for seed in table.seeds:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            rnnlab("train", str(config(name)), "--run", str(run), *sets((*settings, f"seed={seed}")))
            for title, search in table.searches.items():
                rnnlab("evaluate", str(run), *sets(search))
                scores = scored(run, "test")
                found["scores"][title].append(scores["metrics"])
                found["baselines"] = scores["baselines"]
            found["seconds"].append(manifest(run)["training_seconds"])
            found["parameters"] = manifest(run)["parameters"]
    return found


def describe(table: Table, rows: Mapping[str, Mapping[str, Any]], command: str) -> str:
    seeds = ", ".join(map(str, table.seeds))
    searched = " search |" if len(table.searches) > 1 else ""
    lines = [
        f"# {table.what}",
        "",
        f"Seed{'s' if len(table.seeds) > 1 else ''} {seeds}; mean ± standard deviation where there are several. Made "
        f"by `{command}`.",
        "",
        f"| |{searched} {' | '.join(each.replace('_', ' ') for each in table.metrics)} | seconds of training |",
        f"|---|{'---|' * (len(table.metrics) + 1 + bool(searched))}",
    ]
    for title, row in rows.items():
        for search, scores in row["scores"].items():
            cells = [spread([each[metric] for each in scores]) for metric in table.metrics]
            beside = f" {search} |" if searched else ""
            lines.append(f"| {title} |{beside} {' | '.join(cells)} | {spread(row['seconds'], 0)} |")
    for title, scores in next(iter(rows.values()))["baselines"].items():
        cells = ["" if scores[metric] is None else f"{scores[metric]:.4f}" for metric in table.metrics]
        lines.append(f"| *{title.replace('_', ' ')}* |{' |' if searched else ''} {' | '.join(cells)} | |")
    return "\n".join([*lines, *settings_note(rows)]) + "\n"


def spread(values: Sequence[float], digits: int = 4) -> str:
    return f"{np.mean(values):.{digits}f}" + (f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else "")


# --- Folds: each group of examples left out once --------------------------------------------------------------------


@dataclass(frozen=True)
class FoldsTable:
    """Rows that are trained on every fold.

    Attributes:
        what: the heading.
        rows: title → the spec's name and settings that make each fold the test split once.
    """

    what: str
    rows: dict[str, tuple[str, tuple[str, ...]]]


def make_folds_table(name: str, table: FoldsTable, command: str) -> None:
    """Train each row on every fold, write `results/NAME.json` and `.md`, and print the table."""
    output = RESULTS / f"{name}.json"
    text = describe_folds(table.what, keep_rows(output, table.rows, measure_folds), command)
    output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def measure_folds(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return how many examples of each group are right, where none of the same group was trained on."""
    found: dict[str, Any] = {"clips": [], "accuracy": [], "validation": [], "baselines": [], "seconds": []}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "run"
        rnnlab("train", str(config(name)), "--folds", "all", "--run", str(base), *sets(settings))
        for run in sorted(base.parent.glob("run-fold-*")):
            scores = scored(run, "test")
            found["clips"].append(scores["examples"])
            found["accuracy"].append(scores["metrics"]["accuracy"])
            found["validation"].append(scored(run, "validation")["metrics"]["accuracy"])
            found["baselines"].append({title: each["accuracy"] for title, each in scores["baselines"].items()})
            found["seconds"].append(manifest(run)["training_seconds"])
    return found


def describe_folds(what: str, rows: Mapping[str, Mapping[str, Any]], command: str) -> str:
    lines = [
        f"# {what}",
        "",
        f"Examples that are right of all, and the mean over people. Made by `{command}`.",
        "",
        "| | right | mean over people | each person | validation, mean | seconds a fold |",
        "|---|---|---|---|---|---|",
    ]
    for title, row in rows.items():
        right = round(sum(share * count for share, count in zip(row["accuracy"], row["clips"], strict=True)))
        people = ", ".join(f"{share:.0%}" for share in row["accuracy"])
        lines.append(
            f"| {title} | {right} of {sum(row['clips'])} ({right / sum(row['clips']):.1%}) | "
            f"{statistics.fmean(row['accuracy']):.1%} | {people} | {statistics.fmean(row['validation']):.1%} | "
            f"{statistics.fmean(row['seconds']):.0f} |"
        )
    for name in next(iter(rows.values()))["baselines"][0]:
        scores = [each[name] for each in next(iter(rows.values()))["baselines"]]
        people = ", ".join(f"{share:.0%}" for share in scores)
        lines.append(f"| *{name.replace('_', ' ')}* | | {statistics.fmean(scores):.1%} | {people} | | |")
    return "\n".join([*lines, *settings_note(rows)]) + "\n"


# --- The command line -----------------------------------------------------------------------------------------------


def make_named_table(script: str, what: str, tables: Mapping[str, Table | FoldsTable], prefix: str = "") -> None:
    """Make the table that the command line names.

    Args:
        script: whose command line it is, without its ending.
        what: the script does, for `--help`.
        tables: name → table.
        prefix: of the names of results.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("name", choices=tables)
    name = parser.parse_args().name
    table, results, command = tables[name], f"{prefix}{name}", f"python benchmarks/{script}.py {name}"
    if isinstance(table, FoldsTable):
        make_folds_table(results, table, command)
    else:
        make_table(results, table, command)
