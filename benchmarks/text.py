"""What the shipped specs of text and music score, beside their baselines.

    RNNLAB_DATA_DIR=... python benchmarks/text.py                   # about 40 minutes on two cores
    RNNLAB_DATA_DIR=... python benchmarks/text.py trec chorales     # these alone

Each spec is trained as it is shipped, over three seeds, over its folds or once, and scored by the command line. Writes
benchmarks/results/text.json and .md; what is done with the same spec is not trained again.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rows import RESULTS, config, keep_rows, manifest, rnnlab, scored, sets

OUTPUT = RESULTS / "text.json"


@dataclass(frozen=True)
class Question:
    """A spec, and what is asked of it.

    Attributes:
        what: the score, as the table says it.
        metric: its name.
        split: the split that is scored.
        several: the option that trains several runs, and its value; none for a single one.
        published: figures of others, with their source.
    """

    what: str
    metric: str
    split: Literal["validation", "test"]
    several: tuple[str, ...]
    published: str


QUESTIONS = {
    "trec": Question(
        "accuracy on test", "accuracy", "test", ("--seeds", "0-2"), "CNN, random embeddings: 0.912 (Kim 2014)"
    ),
    "movie_reviews": Question(
        "accuracy, ten folds", "accuracy", "validation", ("--folds", "all"), "CNN, random embeddings: 0.761 (Kim 2014)"
    ),
    "shakespeare": Question("nats a character, last tenth", "negative_log_likelihood", "validation", (), ""),
    "chorales": Question(
        "nats a frame on test",
        "negative_log_likelihood",
        "test",
        ("--seeds", "0-2"),
        "LSTM 8.45, GRU 8.43, TCN 8.10 (Bai et al. 2018)",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Score the shipped specs of text and music.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(QUESTIONS)}; default: all")
    names = parser.parse_args().names or list(QUESTIONS)
    if unknown := set(names) - set(QUESTIONS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(QUESTIONS)}")
    done = json.loads(OUTPUT.read_text("utf-8")) if OUTPUT.is_file() else {}
    rows = keep_rows(OUTPUT, {name: (name, ()) for name in QUESTIONS if name in names or name in done}, measure)
    table = describe(rows)
    OUTPUT.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)


def measure(name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return each run's score and seconds, the baselines' scores, and the processor's minutes of all trainings."""
    question = QUESTIONS[name]
    with tempfile.TemporaryDirectory() as folder:
        before = processor()
        rnnlab("train", str(config(name)), "--run", f"{folder}/run", *question.several, *sets(settings))
        minutes = (processor() - before) / 60
        runs = sorted(Path(folder).iterdir(), key=lambda run: (len(run.name), run.name))
        for run in runs:
            rnnlab("evaluate", str(run), "--split", question.split)
        found = [scored(run, question.split) for run in runs]
        metric = question.metric
        return {
            "scores": [each["metrics"][metric] for each in found],
            "baselines": {
                title: [each["baselines"][title][metric] for each in found]
                for title in found[0]["baselines"]
                if metric in found[0]["baselines"][title]
            },
            "parameters": manifest(runs[0])["parameters"],
            "seconds": [manifest(run)["training_seconds"] for run in runs],
            "processor minutes": minutes,
        }


def processor() -> float:
    """Return the processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def describe(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# Text and music",
        "",
        "The shipped specs, as they are. Made by `python benchmarks/text.py`; processor minutes are those of all "
        "trainings of a row, from the command to its end.",
        "",
        "| spec | score | | each | baselines | published | parameters | seconds of training | processor minutes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        question, scores = QUESTIONS[name], row["scores"]
        cells = [
            f"`configs/{name}.yaml`",
            question.what,
            f"**{mean(scores)}**",
            ", ".join(f"{each:.4f}" for each in scores) if len(scores) > 1 else "",
            "; ".join(f"{title.replace('_', ' ')} {mean(values)}" for title, values in row["baselines"].items()),
            question.published,
            f"{row['parameters']:,}",
            mean(row["seconds"], 0),
            f"{row['processor minutes']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mean(values: Sequence[float], digits: int = 4) -> str:
    """Return the mean, and the standard deviation where there is one."""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(set(values)) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    main()
