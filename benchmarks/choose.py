"""Choose a shipped spec's keys on folds of the training split; the test split is never scored.

    python benchmarks/choose.py japanese_vowels

reads benchmarks/candidates/japanese_vowels.yaml and configs/japanese_vowels.yaml, and writes
benchmarks/results/choice-japanese_vowels.json and .md. It can be interrupted: folds that are done are not run again.

The rule, written down before the first run:

1. Every candidate is trained on five folds of each of the first `SCREENING` splits (data.validation.seed 0, 1, …; the
   training seed is the split's) and scored by its last epoch, as the shipped specs train on everything and keep the
   last epoch.
2. The `FINALISTS` best go through the other splits, `SPLITS` in all.
3. The best has the highest mean validation accuracy. A finalist whose accuracy is lower by less than one standard
   error of the difference, fold by fold, is level with it. Of those that are level, the lowest mean log loss is chosen.

Its choice is shipped, whatever it scores on test.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
SCREENING, SPLITS, FINALISTS = 2, 6, 4
FOLDS = 5
PROCESSES = 2

Scores = dict[str, list[list[float]]]  # "candidate/split" -> per fold (accuracy, log loss)


def main() -> None:
    parser = argparse.ArgumentParser(description="Choose a spec's keys on folds of the training split.")
    parser.add_argument("name", help="a file in configs/ and benchmarks/candidates/, without .yaml")
    name = parser.parse_args().name
    spec = yaml.safe_load((HERE.parent / "configs" / f"{name}.yaml").read_text("utf-8"))
    candidates = yaml.safe_load((HERE / "candidates" / f"{name}.yaml").read_text("utf-8"))
    output = HERE / "results" / f"choice-{name}.json"
    specs = {each: {**spec, **sections} for each, sections in candidates.items()}
    results = Results(output, {each: digest(values) for each, values in specs.items()})

    scores = results.scores
    run_all(specs, list(candidates), range(SCREENING), results)
    finalists = sorted(candidates, key=lambda each: rank(scores, each, SCREENING))[:FINALISTS]
    run_all(specs, finalists, range(SCREENING, SPLITS), results)
    chosen, level = choose(scores, finalists)
    results.write(chosen=chosen, keys=candidates[chosen])
    table = describe(name, candidates, finalists, chosen, level, scores)
    output.with_suffix(".md").write_text(table)
    print(table)


class Results:
    """The scores so far, in a file; those of a candidate whose keys have changed are forgotten."""

    def __init__(self, path: Path, digests: dict[str, str]) -> None:
        self.path, self.digests = path, digests
        known = json.loads(path.read_text("utf-8")) if path.is_file() else {"digests": {}, "scores": {}}
        same = {name for name, each in digests.items() if known["digests"].get(name) == each}
        self.scores: Scores = {key: each for key, each in known["scores"].items() if key.rpartition("/")[0] in same}

    def write(self, **more: Any) -> None:
        from rnnlab.rundir import write_json

        write_json(self.path, {**more, "digests": self.digests, "scores": self.scores})


def digest(spec: dict[str, Any]) -> str:
    """Return a SHA-256 of what is trained."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def run_all(specs: dict[str, dict[str, Any]], names: list[str], splits: range, results: Results) -> None:
    """Train what has no scores yet, a few at a time, and keep each score as soon as it is known."""
    lock, scores = threading.Lock(), results.scores

    def run(name: str, split: int) -> None:
        result = train_folds(specs[name], split)
        with lock:
            scores[f"{name}/{split}"] = result
            results.write()
            accuracy, log_loss = np.mean(result, axis=0)
            print(f"{accuracy:.4f} {log_loss:.4f} {name}, split {split}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(PROCESSES) as pool:
        jobs = [pool.submit(run, name, split) for split in splits for name in names if f"{name}/{split}" not in scores]
        for job in jobs:
            job.result()


def train_folds(spec: dict[str, Any], split: int) -> list[list[float]]:
    """Return (accuracy, log loss) of the last epoch for each fold of one split, by the command line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.yaml"
        path.write_text(yaml.safe_dump(spec))
        settings = [f"data.validation={{by: folds, folds: {FOLDS}, seed: {split}}}", f"seed={split}"]
        command = [sys.executable, "-m", "rnnlab", "train", str(path), "--folds", "all", "--runs-dir", folder]
        command += [argument for setting in settings for argument in ("--set", setting)]
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, cwd=HERE.parent)
        if done.returncode:
            raise SystemExit(done.stderr)
        histories = sorted(Path(folder).glob("*-fold-*/history.csv"))
        rows = [list(csv.DictReader(history.open(encoding="utf-8")))[-1] for history in histories]
        return [[float(row["val_accuracy"]), float(row["val_log_loss"])] for row in rows]


def fold_scores(scores: Scores, name: str, splits: int) -> np.ndarray:
    """Return (folds of all splits, 2): accuracy and log loss."""
    return np.concatenate([np.asarray(scores[f"{name}/{split}"]) for split in range(splits)])


def rank(scores: Scores, name: str, splits: int) -> tuple[float, float]:
    accuracy, log_loss = fold_scores(scores, name, splits).mean(axis=0)
    return (-round(float(accuracy), 9), float(log_loss))


def choose(scores: Scores, finalists: list[str]) -> tuple[str, list[str]]:
    """Return the choice, and the finalists that are level with the most accurate one."""
    best = min(finalists, key=lambda each: rank(scores, each, SPLITS))
    level = []
    for name in finalists:
        difference = fold_scores(scores, best, SPLITS)[:, 0] - fold_scores(scores, name, SPLITS)[:, 0]
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        if difference.mean() <= 0 or difference.mean() < error:
            level.append(name)
    return min(level, key=lambda each: fold_scores(scores, each, SPLITS)[:, 1].mean()), level


def describe(
    name: str,
    candidates: dict[str, Any],
    finalists: list[str],
    chosen: str,
    level: list[str],
    scores: Scores,
) -> str:
    """Return the table as Markdown."""
    rows = []
    for each in sorted(candidates, key=lambda each: (each not in finalists, rank(scores, each, SCREENING))):
        splits = SPLITS if each in finalists else SCREENING
        accuracy, log_loss = fold_scores(scores, each, splits).mean(axis=0)
        part = "chosen" if each == chosen else "level" if each in level else "finalist" if each in finalists else ""
        rows.append(f"| {each} | {splits * FOLDS} | {accuracy * 100:.2f} % | {log_loss:.4f} | {part} |")
    return "\n".join(
        [
            f"# The keys of configs/{name}.yaml",
            "",
            f"`python benchmarks/choose.py {name}`: folds of the training split alone; the rule stands in the script,",
            f"the candidates' keys in `benchmarks/candidates/{name}.yaml`.",
            "",
            "| candidate | folds | accuracy | log loss | |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
