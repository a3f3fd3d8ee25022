"""What taggers score on WNUT 2017: a CRF, a softmax, and a baseline, whose entities are also counted by another rule.

    RNNLAB_DATA_DIR=... python benchmarks/tagging.py     # about ten minutes on two cores

Each row is configs/wnut17.yaml with the settings that stand beside it, trained and scored by the command line, one
seed. The test split's F1 is counted a second time by tests/conlleval.py from what `rnnlab predict` answers. Writes
benchmarks/results/tagging.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rows import RESULTS, config, keep_rows, manifest, rnnlab, scored, sets, settings_note

OUTPUT = RESULTS / "tagging.json"
ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CRF (the shipped spec)": ("wnut17", ()),
    "softmax": ("wnut17", ("head={name: tags, dropout: 0.5}",)),
}
METRICS = ("entity_f1", "entity_precision", "entity_recall", "token_accuracy")


def main() -> None:
    table = describe(keep_rows(OUTPUT, ROWS, measure))
    OUTPUT.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)


def measure(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return the scores of one run and of the baselines on both splits, and the test's F1 by the other count."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        rnnlab("train", str(config(name)), "--run", str(run), *sets(settings))
        rnnlab("evaluate", str(run))
        splits = {split: scored(run, split) for split in ("validation", "test")}
        finished = manifest(run)["finished"]
        return {
            "scores": {split: each["metrics"] for split, each in splits.items()},
            "baselines": {split: each["baselines"] for split, each in splits.items()},
            "parts": splits["test"]["parts"],
            "counted again": counted_again(run),
            "epochs": finished["epochs"],
            "best epoch": finished["best_epoch"],
            "seconds": manifest(run)["training_seconds"],
        }


def counted_again(run: Path) -> float:
    """Return the F1 of entities of the test file, from the predictions' own file, by an independent count."""
    from tests.conlleval import evaluate

    test = Path(os.environ.get("RNNLAB_DATA_DIR", "data")) / "wnut17" / "emerging.test.annotated"
    answers = run / "answers.csv"
    rnnlab("predict", str(run), str(test), "--output", str(answers))
    lines = test.read_text("utf-8").split("\n")
    true: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            true[-1].append(line.split("\t")[-1].strip())
        elif true[-1]:
            true.append([])
    true = [each for each in true if each]
    guessed: list[list[str]] = [[] for _ in true]
    with answers.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            guessed[int(row["sentence"])].append(row["tag"])
    return evaluate(true, guessed)["entity_f1"]


def describe(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# Tagging: WNUT 2017",
        "",
        "Entities of six types in tweets, one seed. Made by `python benchmarks/tagging.py`; counted again: "
        "the test split's F1 by an independent count of what `rnnlab predict` answers.",
        "",
        "| | validation F1 | test F1 | precision | recall | token accuracy | counted again | seconds of training |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for title, row in rows.items():
        cells = cells_of(row["scores"])
        lines.append(f"| {title} | {' | '.join(cells)} | {row['counted again']:.4f} | {row['seconds']:.0f} |")
    baselines = next(iter(rows.values()))["baselines"]
    for name in baselines["test"]:
        cells = cells_of({split: each[name] for split, each in baselines.items()})
        lines.append(f"| *{name.replace('_', ' ')}* | {' | '.join(cells)} | | |")
    types = list(next(iter(rows.values()))["parts"]["entity_f1"])
    lines += ["", "Test F1 by type:", "", f"| | {' | '.join(types)} |", f"|---|{'---|' * len(types)}"]
    for title, row in rows.items():
        lines.append(f"| {title} | {' | '.join(format(row['parts']['entity_f1'][each], '.3f') for each in types)} |")
    lines += settings_note(rows)
    return "\n".join(lines) + "\n"


def cells_of(scores: dict[str, dict[str, float]]) -> list[str]:
    return [f"{scores['validation']['entity_f1']:.4f}", *(f"{scores['test'][name]:.4f}" for name in METRICS)]


if __name__ == "__main__":
    main()
