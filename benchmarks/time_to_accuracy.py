"""How long training takes from the command to an accuracy, on movie reviews: rnnlab beside plain Keras.

    RNNLAB_DATA_DIR=... python benchmarks/time_to_accuracy.py      # about ten minutes on two idle cores

Both train the network of configs/movie_reviews.yaml less its convolution, on nine folds of ten, and score the tenth
after each epoch; three times each, in turn, with other seeds. The clock starts with the process, so that importing,
reading, the vocabulary and compiling count. Plain Keras is the script that everyone writes: padded to the longest of
the set, `mask_zero`, `fit`. Writes benchmarks/results/time_to_accuracy.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from race import heading, machine, spread
from rows import RESULTS
from text_speed import DATA, keras_network, review_texts, spec_of

SEEDS = range(3)
EPOCHS = 6
LEVELS = (0.70, 0.74, 0.75, 0.76)
Say = Callable[[float], None]


def with_rnnlab(seed: int, say: Say) -> None:
    from rnnlab.experiment import Experiment
    from rnnlab.places import Places
    from rnnlab.rundir import RunDir
    from rnnlab.training import train
    from rnnlab.training.reporting import Silent

    class Clock(Silent):
        def epoch_ends(self, row: Any) -> None:
            say(float(row["val_accuracy"]))

    spec = spec_of("movie_reviews", {"epochs": EPOCHS})
    spec["data"]["validation"] = {"by": "folds", "folds": 10, "fold": seed}
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment.model_validate({**spec, "seed": seed})
        train(experiment, RunDir.create(Path(folder) / "run"), Places(DATA, DATA), Clock())


def with_keras(seed: int, say: Say) -> None:
    import keras

    texts, classes = review_texts()
    folds = np.random.default_rng(seed).permutation(len(texts)) % 10
    network, padded = keras_network([text for text, fold in zip(texts, folds, strict=True) if fold], texts)
    network.fit(
        padded[folds > 0],
        classes[folds > 0],
        validation_data=(padded[folds == 0], classes[folds == 0]),
        batch_size=50,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: say(logs["val_accuracy"]))],
    )


CONTESTANTS: dict[str, tuple[str, Callable[[int, Say], None]]] = {
    "rnnlab": ("rnnlab", with_rnnlab),
    "keras": ("plain Keras", with_keras),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, seed, begun = options.worker
        answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        CONTESTANTS[name][1](
            int(seed), lambda accuracy: print(time.time() - float(begun), accuracy, file=answers, flush=True)
        )
        return
    conditions = machine()
    courses: dict[str, list[list[list[float]]]] = {name: [] for name in CONTESTANTS}
    for seed in SEEDS:
        for name in CONTESTANTS:
            command = [sys.executable, __file__, "--worker", name, str(seed), str(time.time())]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            courses[name].append([[float(each) for each in line.split()] for line in done.stdout.splitlines()])
            print(name, seed, courses[name][-1], file=sys.stderr, flush=True)
    text = describe(conditions, courses)
    print(text)
    (RESULTS / "time_to_accuracy.md").write_text(text, encoding="utf-8")
    record = {"conditions": conditions, "courses": courses}
    (RESULTS / "time_to_accuracy.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def describe(conditions: dict[str, Any], courses: dict[str, list[list[list[float]]]]) -> str:
    where = heading(conditions)[1]
    lines = [
        "# Seconds from the command to an accuracy: movie reviews",
        "",
        where,
        "",
        f"Median (smallest–largest) of {len(SEEDS)} trainings, until the held-out tenth is first classified so well; "
        "in brackets how many of them got there.",
        "",
        f"| | {' | '.join(f'{level:.0%}' for level in LEVELS)} | all {EPOCHS} epochs | best accuracy |",
        f"|---|{'---|' * (len(LEVELS) + 2)}",
    ]
    for name, (title, _) in CONTESTANTS.items():
        cells = []
        for level in LEVELS:
            reached = [
                min(seconds for seconds, accuracy in course if accuracy >= level)
                for course in courses[name]
                if max(accuracy for _, accuracy in course) >= level
            ]
            cells.append(f"{spread(reached, 0)} [{len(reached)}]" if reached else "never")
        cells.append(spread([course[-1][0] for course in courses[name]], 0))
        cells.append(spread([max(accuracy for _, accuracy in course) for course in courses[name]], 3))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
