"""What decoders of tokens score: dates with attention and without it, and what else is shipped, beside baselines.

    python benchmarks/sequence_to_sequence.py dates                          # about 15 minutes on two cores
    python benchmarks/sequence_to_sequence.py digit_captions                 # about ten
    RNNLAB_DATA_DIR=... python benchmarks/sequence_to_sequence.py names      # about four
    RNNLAB_DATA_DIR=... python benchmarks/sequence_to_sequence.py multi30k   # up to an hour and a half

Each row is a shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/NAME.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rows import RESULTS, config, keep_rows, manifest, rnnlab, scored, sets, settings_note

ALONE = "model.decoder.attention=none"


@dataclass(frozen=True)
class Table:
    """Rows of one spec.

    Attributes:
        spec: its name.
        what: the heading.
        metrics: the columns.
        seeds: of each row.
        rows: title → settings.
        searches: title → how the same runs look for answers otherwise.
    """

    spec: str
    what: str
    metrics: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: dict[str, tuple[str, ...]]
    searches: dict[str, tuple[str, ...]]


TABLES = {
    "dates": Table(
        "dates",
        "Dates into YYYY-MM-DD, on dates that training has not seen",
        ("exact_match", "token_accuracy"),
        (0, 1, 2),
        {
            "attention, luong (the shipped spec)": (),
            "attention, bahdanau": ("model.decoder.attention=bahdanau",),
            "no attention": (ALONE,),
        },
        {"greedy": ()},
    ),
    "names": Table(
        "names",
        "Surnames, given a nationality; of names that training has not seen, nats a character",
        ("negative_log_likelihood", "perplexity"),
        (0, 1, 2),
        {"the shipped spec": ()},
        {"greedy": ()},
    ),
    "digit_captions": Table(
        "digit_captions",
        "Captions of pictures of digits that training has not seen",
        ("exact_match", "token_accuracy"),
        (0, 1, 2),
        {"the shipped spec": ()},
        {"greedy": ()},
    ),
    "multi30k": Table(
        "multi30k_de_en",
        "Multi30k, German to English, test_2016_flickr",
        ("bleu", "chrf", "perplexity"),
        (0,),
        {"attention, luong, input feeding (the shipped spec)": ()},
        {"greedy": (), "beam 5": ("task.search.beam=5", "task.search.length_penalty=1.0")},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Score decoders of tokens.")
    parser.add_argument("name", choices=TABLES)
    name = parser.parse_args().name
    table, output = TABLES[name], RESULTS / f"{name}.json"
    rows = keep_rows(output, {title: (table.spec, each) for title, each in table.rows.items()}, partial(measure, table))
    text = describe(name, table, rows)
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


def describe(name: str, table: Table, rows: dict[str, dict[str, Any]]) -> str:
    seeds = ", ".join(map(str, table.seeds))
    lines = [
        f"# {table.what}",
        "",
        f"Seed{'s' if len(table.seeds) > 1 else ''} {seeds}; mean ± standard deviation where there are several. Made "
        f"by `python benchmarks/sequence_to_sequence.py {name}`.",
        "",
        f"| | search | {' | '.join(each.replace('_', ' ') for each in table.metrics)} | seconds of training |",
        f"|---|---|{'---|' * (len(table.metrics) + 1)}",
    ]
    for title, row in rows.items():
        for search, scores in row["scores"].items():
            cells = [spread([each[metric] for each in scores]) for metric in table.metrics]
            lines.append(f"| {title} | {search} | {' | '.join(cells)} | {spread(row['seconds'], 0)} |")
    for title, scores in next(iter(rows.values()))["baselines"].items():
        cells = ["" if scores[metric] is None else f"{scores[metric]:.4f}" for metric in table.metrics]
        lines.append(f"| *{title.replace('_', ' ')}* | | {' | '.join(cells)} | |")
    return "\n".join([*lines, *settings_note(rows)]) + "\n"


def spread(values: Sequence[float], digits: int = 4) -> str:
    return f"{np.mean(values):.{digits}f}" + (f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
