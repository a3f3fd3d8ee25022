"""What forecasters score: heads side by side, with covariates and without, beside simple methods; three seeds each.

    RNNLAB_DATA_DIR=... python benchmarks/forecasts.py ridership     # about 15 minutes on two cores
    python benchmarks/forecasts.py co2                               # comes along; about 5 minutes

Each row is configs/ridership_7day.yaml, or configs/co2.yaml, with the settings that stand beside it, trained and scored
by the command line. Writes benchmarks/results/forecasts-NAME.json and .md; rows that are done with the same spec are
not trained again.

The 89 windows of the ridership are those whose 56 days of history, too, lie wholly in the validation months, as
Géron (Hands-On Machine Learning, 3rd ed., ch. 15) counts them: they are part of validation.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rows import RESULTS, TOP, config, keep_rows, manifest, rnnlab, scored, sets, settings_note

SEEDS = (0, 1, 2)
RECURRENT = "model={architecture: stacked_rnn, cell: gru, units: [64]}"
ALONE = ("data.calendar=null", "data.past=[]", "data.future=[]")
EVERY_STEP = "transforms=[{name: standardize, columns: [rail_boardings, bus]}]"
EVERY_STEP_ALONE = "transforms=[{name: standardize, columns: [rail_boardings]}]"
LEVEL_ALONE = (
    "transforms=[{name: standardize, over: window, steps: 28, divide: false, columns: [rail_boardings]}, "
    "{name: standardize, columns: [rail_boardings]}]"
)
DIFFERENCES = (
    "transforms=[{name: impute, method: linear}, {name: difference, lag: 52}, {name: standardize, columns: [co2]}]"
)
LIKE_RIDERSHIP = (
    "model={architecture: seq2seq, encoder: {architecture: stacked_rnn, cell: gru, units: [64]}, "
    "decoder: {cell: gru, units: [64], attention: luong, hidden_units: 64, feedback: false}}"
)
VARIANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "ridership_7day": {
        "seq2seq, attention (the shipped spec)": (),
        "seq2seq, attention, reads its own forecasts": ("model.decoder.feedback=true",),
        "seq2seq, no attention": ("model.decoder.attention=none",),
        "direct": (RECURRENT,),
        "per_step": (RECURRENT, "head=per_step", EVERY_STEP),
        "seq2seq, attention; no covariates": (LEVEL_ALONE, *ALONE),
        "direct; no covariates": (RECURRENT, LEVEL_ALONE, *ALONE),
        "per_step; no covariates": (RECURRENT, "head=per_step", EVERY_STEP_ALONE, *ALONE),
    },
    "co2": {
        "direct (the shipped spec)": (),
        "seq2seq, attention": (LIKE_RIDERSHIP,),
        "direct, on seasonal differences": (DIFFERENCES, "task.history=208"),
        "direct, quantiles": ("task.output=quantiles",),
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Score forecasters, three seeds each.")
    parser.add_argument("name", choices=["ridership", "co2"])
    name = {"ridership": "ridership_7day", "co2": "co2"}[parser.parse_args().name]
    output = RESULTS / f"forecasts-{name}.json"
    rows = keep_rows(output, {title: (name, settings) for title, settings in VARIANTS[name].items()}, measure)
    table = describe(name, rows)
    output.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)


def measure(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return the scores of each seed's run, and those of the baselines, of both splits."""
    found = [train_and_score(name, (*settings, f"seed={seed}")) for seed in SEEDS]
    return {"scores": [each["scores"] for each in found], "baselines": found[0]["baselines"]}


def train_and_score(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return the scores of one run, and of the baselines, of both splits."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        rnnlab("train", str(config(name)), "--run", str(run), *sets(settings))
        rnnlab("evaluate", str(run))
        found = {split: scored(run, split) for split in ("validation", "test")}
        scores = {split: each["metrics"]["mae"] for split, each in found.items()}
        if name == "ridership_7day":
            scores["89 windows"] = of_whole_windows(run)
        scores["seconds"] = manifest(run)["training_seconds"]
        print(f"{scores} {settings}", file=sys.stderr, flush=True)
        baselines = {
            split: {title: each["mae"] for title, each in found[split]["baselines"].items()} for split in found
        }
        return {"scores": scores, "baselines": baselines}


def of_whole_windows(run: Path) -> float:
    """Return the mean absolute error over the validation windows whose history lies in the validation months, too."""
    import rnnlab
    from rnnlab.places import Places

    predictor = rnnlab.load(run)
    data = Path(os.environ.get("RNNLAB_DATA_DIR", "data")).absolute()
    series = predictor.experiment.data.splits(Places(TOP / "configs", data))["validation"]
    windows = predictor.experiment.task.examples(series)
    own = windows.origins >= series.begins[0] + predictor.experiment.task.history
    error = np.abs(predictor.answers(windows)["values"] - windows.targets)[own]
    if int(own.sum()) != 89:
        raise SystemExit(f"expected 89 windows; received {int(own.sum())}")
    return float(np.nanmean(error))


def describe(name: str, rows: dict[str, dict[str, Any]]) -> str:
    columns = ["test", "validation", *(["89 windows"] if name == "ridership_7day" else [])]
    digits = 0 if name == "ridership_7day" else 3
    lines = [
        f"# Forecasts: {name}",
        "",
        f"Mean absolute error over all steps ahead and origins; mean ± standard deviation of seeds "
        f"{', '.join(map(str, SEEDS))}. Made by `python benchmarks/forecasts.py {name.partition('_')[0]}`.",
        "",
        f"| | {' | '.join(columns)} | seconds of training |",
        f"|---|{'---|' * (len(columns) + 1)}",
    ]
    for title, row in rows.items():
        cells = []
        for column in [*columns, "seconds"]:
            values = [each[column] for each in row["scores"]]
            places = 0 if column == "seconds" else digits
            cells.append(f"{np.mean(values):,.{places}f} ± {np.std(values, ddof=1):,.{places}f}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    baselines = next(iter(rows.values()))["baselines"]
    for title in baselines["test"]:
        cells = [f"{baselines[split][title]:,.{digits}f}" for split in ("test", "validation")]
        lines.append(f"| *{title.replace('_', ' ')}* | {' | '.join(cells)} |{' |' * (len(columns) - 1)}")
    lines += settings_note(rows)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
