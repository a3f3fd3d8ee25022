"""Invariant 2: replicas never change training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnlab.history import read_history
from rnnlab.rundir import RunDir, read_arrays

from .training_cases import DETERMINISTIC

PROGRAM = Path(__file__).with_name("training_cases.py")


def train_on(replicas: int, case: str, folder: Path, name: str = "run") -> RunDir:
    """Train in a process of its own: logical devices are fixed once TensorFlow has started."""
    run = folder / f"{name}-{replicas}"
    devices = "cpu" if replicas == 1 else {"replicas": replicas}
    request = {"case": case, "folder": str(folder), "run": str(run), "training": {"devices": devices, "epochs": 2}}
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, str(PROGRAM), json.dumps(request)], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return RunDir(run)


def largest_difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    assert ours.keys() == theirs.keys()
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours if name.startswith("model/"))


@pytest.mark.parametrize("case", DETERMINISTIC)
def test_replicas_train_the_same_weights(case, tmp_path):
    one = train_on(1, case, tmp_path)
    for replicas in (2, 3):
        several = train_on(replicas, case, tmp_path)
        assert largest_difference(read_arrays(several.state), read_arrays(one.state)) <= 1e-6
        for ours, theirs in zip(read_history(several.history), read_history(one.history), strict=True):
            for name in ours.keys() - {"seconds"}:
                # A norm over all gradients adds up their rounding; the weights above are what must agree.
                relative = 1e-4 if name == "gradient_norm" else 1e-5
                assert ours[name] == pytest.approx(theirs[name], abs=2e-6, rel=relative), name


def test_dropout_draws_differently_on_each_replica_and_the_same_at_each_time(tmp_path):
    one = train_on(1, "stacked_dropout_plateau", tmp_path)
    two, again = (train_on(2, "stacked_dropout_plateau", tmp_path, name) for name in ("first", "second"))
    assert two.read_manifest()["state_sha256"] == again.read_manifest()["state_sha256"]
    assert largest_difference(read_arrays(two.state), read_arrays(one.state)) > 1e-6
