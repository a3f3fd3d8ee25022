"""Small trainings of language models, for tests of replicas and of resuming, some in a process of their own.

As a program, from the project's folder: `python -m tests.language_cases '[{"folder": …, "run": …, "training": {…}}]'`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.experiment import Experiment

from .training_cases import train_case

LENGTHS = (83, 5, 41, 1, 60)  # of the training texts
HELD_OUT = (37, 23, 2)
LETTERS = "abcde "


def write_texts(folder: Path) -> None:
    """Write texts in which a letter is often followed by the next one, once."""
    random = np.random.default_rng(0)
    for name, lengths in {"train": LENGTHS, "validation": HELD_OUT}.items():
        (folder / name).mkdir(exist_ok=True)
        for number, length in enumerate(lengths):
            steps = np.where(random.random(length) < 0.8, 1, random.integers(0, 6, length))
            text = "".join(LETTERS[place] for place in np.cumsum(steps) % 6)
            (folder / name / f"{number}.txt").write_text(text)


def write_pieces(folder: Path) -> None:
    """Write pieces of three voices, once."""
    random = np.random.default_rng(0)

    def piece(length: int) -> list[list[int]]:
        return (np.array([50, 60, 70]) + np.cumsum(random.integers(-2, 3, (length, 3)), axis=0)).clip(30, 100).tolist()

    pieces = {name: [piece(each) for each in random.integers(2, 12, 14)] for name in ("train", "valid", "test")}
    (folder / "pieces.json").write_text(json.dumps(pieces))


def make_language_case(folder: Path, **rest: Any) -> Experiment:
    """Write texts, or with `music=True` pieces, into the folder, once, and return an experiment on them.

    Args:
        folder: where they are written.
        rest: sections that are laid over the spec's: `data`, `task`, `model`, `stem`, `head`, `training`.
    """
    music = rest.pop("music", False)
    if not (folder / "pieces.json").exists():
        write_texts(folder)
        write_pieces(folder)
    texts = {"files": str(folder / "train"), "validation_files": str(folder / "validation")}
    sections: dict[str, Any] = {
        "data": {"source": "chords", "file": str(folder / "pieces.json")}
        if music
        else {"source": "plain_text", **texts, "validation": {"by": "given"}},
        "task": {"kind": "language_modeling"},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
        "head": {"name": "next_step"},
        "training": {
            "epochs": 2,
            "batch_size": 4,
            "best": None,
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
            **({} if music else {"tbptt": {"steps": 8}}),
        },
    }
    if not music:
        sections["stem"] = {"name": "embedding", "units": 3}
    for name in sections:
        sections[name] = {**sections[name], **(rest.pop(name, None) or {})}
    transforms = rest.pop("transforms", [] if music else [{"name": "characters"}])
    values = {"name": "language", "seed": 3, "transforms": transforms, **sections, **rest}
    return Experiment.model_validate(values)


def train_in_a_process(*requests: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = [sys.executable, "-m", "tests.language_cases", json.dumps(requests)]
    return subprocess.run(program, env=environment, capture_output=True, text=True, cwd=root)


def main() -> None:
    """Train one after the other; the logical devices of the largest are there from the beginning."""
    from rnnlab.training.devices import prepare_devices

    requests = json.loads(sys.argv[1])
    experiments = [make_language_case(Path(each["folder"]), **each.get("sections", {})) for each in requests]
    prepare_devices(max((each.training for each in experiments), key=lambda training: training.replicas or 1))
    for request, experiment in zip(requests, experiments, strict=True):
        train_case(request, experiment)


if __name__ == "__main__":
    main()
