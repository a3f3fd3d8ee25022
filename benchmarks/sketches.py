"""What ten kinds of drawings score, with augmentations and without, beside the nearest sketch.

    RNNLAB_DATA_DIR=... python benchmarks/sketches.py    # some ten minutes on two cores

Each row is the shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/sketches.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rows import RESULTS, config, keep_rows, manifest, rnnlab, scored, sets, settings_note, spread

SPEC = "quickdraw_10"
SEEDS = (0, 1, 2)
METRICS = ("accuracy", "macro_f1")
ROWS: dict[str, tuple[str, ...]] = {
    "augmentations (the shipped spec)": (),
    "no augmentation": ("augmentations=[]",),
}


def main() -> None:
    output = RESULTS / "sketches.json"
    rows = keep_rows(output, {title: (SPEC, settings) for title, settings in ROWS.items()}, measure)
    text = describe(rows)
    output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def measure(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return the test scores and the seconds of each seed's run, and the baselines' scores."""
    found: dict[str, Any] = {"scores": [], "seconds": [], "baselines": {}}
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            rnnlab("train", str(config(name)), "--run", str(run), *sets((*settings, f"seed={seed}")))
            rnnlab("evaluate", str(run))
            scores = scored(run, "test")
            found["scores"].append(scores["metrics"])
            found["baselines"], found["examples"] = scores["baselines"], scores["examples"]
            found["seconds"].append(manifest(run)["training_seconds"])
    return found


def describe(rows: dict[str, dict[str, Any]]) -> str:
    first = next(iter(rows.values()))
    lines = [
        "# Ten kinds of drawings",
        "",
        f"{first['examples']} test drawings; seeds {', '.join(map(str, SEEDS))}, mean ± standard deviation. Made by "
        "`python benchmarks/sketches.py`.",
        "",
        f"| | {' | '.join(METRICS).replace('_', ' ')} | each seed's accuracy | seconds of training |",
        f"|---|{'---|' * (len(METRICS) + 2)}",
    ]
    for title, row in rows.items():
        cells = [spread([each[metric] for each in row["scores"]]) for metric in METRICS]
        each = ", ".join(f"{scores['accuracy']:.4f}" for scores in row["scores"])
        lines.append(f"| {title} | {' | '.join(cells)} | {each} | {spread(row['seconds'], 0)} |")
    for title, scores in first["baselines"].items():
        lines.append(
            f"| *{title.replace('_', ' ')}* | {' | '.join(f'{scores[metric]:.4f}' for metric in METRICS)} | | |"
        )
    return "\n".join([*lines, *settings_note(rows)]) + "\n"


if __name__ == "__main__":
    main()
