"""What taggers score on WNUT 2017: a CRF, a softmax, and a baseline, whose entities are also counted by another rule.

    RNNLAB_DATA_DIR=... python benchmarks/tagging.py     # about ten minutes on two cores

Each row is configs/wnut17.yaml with the settings that stand beside it, trained and scored by the command line, one
seed. The test split's F1 is counted a second time by tests/conlleval.py from what `rnnlab predict` answers. Writes
benchmarks/results/tagging.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
SPEC = HERE.parent / "configs" / "wnut17.yaml"
OUTPUT = HERE / "results" / "tagging.json"
VARIANTS: dict[str, tuple[str, ...]] = {
    "CRF (the shipped spec)": (),
    "softmax": ("head={name: tags, dropout: 0.5}",),
}
METRICS = ("entity_f1", "entity_precision", "entity_recall", "token_accuracy")


def main() -> None:
    known = json.loads(OUTPUT.read_text("utf-8")) if OUTPUT.is_file() else {"rows": {}, "baselines": {}}
    rows, spec = {}, [line for line in SPEC.read_text("utf-8").splitlines() if not line.startswith("#")]
    for title, settings in VARIANTS.items():
        digest = hashlib.sha256(json.dumps([spec, settings]).encode()).hexdigest()[:16]
        row = known["rows"].get(title)
        if row is None or row["digest"] != digest:
            found = train_and_score(settings)
            known["baselines"] = found.pop("baselines")
            row = {"digest": digest, "settings": settings, **found}
        rows[title] = row
        OUTPUT.write_text(json.dumps({"rows": rows, "baselines": known["baselines"]}, indent=1) + "\n")
    table = describe({"rows": rows, "baselines": known["baselines"]})
    OUTPUT.with_suffix(".md").write_text(table)
    print(table)


def train_and_score(settings: tuple[str, ...]) -> dict[str, Any]:
    """Return the scores of one run and of the baselines on both splits, and the test's F1 by the other count."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        rnnlab("train", str(SPEC), "--run", str(run), *(part for each in settings for part in ("--set", each)))
        rnnlab("evaluate", str(run))
        splits = {name: json.loads((run / "metrics" / f"{name}.json").read_text()) for name in ("validation", "test")}
        manifest = json.loads((run / "manifest.json").read_text("utf-8"))
        return {
            "scores": {name: each["metrics"] for name, each in splits.items()},
            "parts": splits["test"]["parts"],
            "counted again": counted_again(run),
            "epochs": manifest["finished"]["epochs"],
            "best epoch": manifest["finished"]["best_epoch"],
            "seconds": manifest["training_seconds"],
            "baselines": {name: each["baselines"] for name, each in splits.items()},
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


def rnnlab(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "rnnlab", *arguments], cwd=HERE.parent, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def describe(known: dict[str, Any]) -> str:
    lines = [
        "# Tagging: WNUT 2017",
        "",
        "Entities of six types in tweets, one seed. Made by `python benchmarks/tagging.py`; counted again: "
        "the test split's F1 by an independent count of what `rnnlab predict` answers.",
        "",
        "| | validation F1 | test F1 | precision | recall | token accuracy | counted again | seconds of training |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for title, row in known["rows"].items():
        cells = cells_of(row["scores"])
        lines.append(f"| {title} | {' | '.join(cells)} | {row['counted again']:.4f} | {row['seconds']:.0f} |")
    for name in known["baselines"]["test"]:
        cells = cells_of({split: each[name] for split, each in known["baselines"].items()})
        lines.append(f"| *{name.replace('_', ' ')}* | {' | '.join(cells)} | | |")
    types = list(next(iter(known["rows"].values()))["parts"]["entity_f1"])
    lines += ["", "Test F1 by type:", "", f"| | {' | '.join(types)} |", f"|---|{'---|' * len(types)}"]
    for title, row in known["rows"].items():
        lines.append(f"| {title} | {' | '.join(format(row['parts']['entity_f1'][each], '.3f') for each in types)} |")
    lines += ["", "Settings beside the shipped spec:", ""]
    lines += [f"- {title}: `{'` `'.join(row['settings'])}`" for title, row in known["rows"].items() if row["settings"]]
    return "\n".join(lines) + "\n"


def cells_of(scores: dict[str, dict[str, float]]) -> list[str]:
    return [f"{scores['validation']['entity_f1']:.4f}", *(f"{scores['test'][name]:.4f}" for name in METRICS)]


if __name__ == "__main__":
    main()
