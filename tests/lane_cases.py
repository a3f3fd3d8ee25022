"""A small training by truncated back-propagation, for tests of replicas and of resuming, some in a process of its own.

As a program, from the project's folder: `python -m tests.lane_cases '[{"folder": …, "run": …, "training": {…}}]'`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnlab.experiment import Experiment

from .made import make_experiment, make_series, series_data, write_series
from .training_cases import train_case

LENGTHS = (41, 3, 26, 17)  # in 4 lanes of segments of 8: uneven, and one series shorter than a segment
HORIZON = 2


def make_lane_case(folder: Path, lengths: Sequence[int] = LENGTHS, **rest: Any) -> Experiment:
    """Write series into the folder, once, and return an experiment of lanes on them.

    Args:
        folder: where they are written.
        lengths: of the series.
        rest: sections that replace the spec's keys: `data`, `task`, `model`, `head`, `training`, `transforms`, `seed`.
    """
    path = folder / "series.csv"
    if not path.exists():
        write_series(path, make_series(lengths, scale=3, offset=20, gaps=rest.pop("gaps", 0.1)))
    sections: dict[str, dict[str, Any]] = {
        "data": series_data(path),
        "task": {"kind": "forecasting", "history": "all", "horizon": HORIZON, "loss": "squared"},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
        "head": {"name": "per_step", "hidden_units": 0},
        "training": {
            "epochs": 2,
            "batch_size": 4,
            "tbptt": {"steps": 8},
            "best": None,
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
        },
    }
    merged = {name: {**values, **(rest.pop(name, None) or {})} for name, values in sections.items()}
    transforms = rest.pop("transforms", [{"name": "impute"}, {"name": "standardize"}])
    task, model, head = (merged.pop(name) for name in ("task", "model", "head"))
    return make_experiment(task, model, head, transforms=transforms, seed=rest.pop("seed", 3), **merged, **rest)


def train_in_a_process(*requests: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = [sys.executable, "-m", "tests.lane_cases", json.dumps(requests)]
    return subprocess.run(program, env=environment, capture_output=True, text=True, cwd=root)


def main(requests: Sequence[Mapping[str, Any]]) -> None:
    """Train one after the other; the logical devices of the largest are there from the beginning."""
    from rnnlab.training.devices import prepare_devices

    experiments = [
        make_lane_case(Path(each["folder"]), training=each["training"], model=each.get("model", {}))
        for each in requests
    ]
    prepare_devices(max((each.training for each in experiments), key=lambda training: training.replicas or 1))
    for request, experiment in zip(requests, experiments, strict=True):
        train_case(request, experiment)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
