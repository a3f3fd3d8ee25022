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

RANDOM = "stacked_dropout_plateau"
PROGRAM = Path(__file__).with_name("training_cases.py")


REPLICAS = (1, 2, 3)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[tuple[str, str], RunDir]:
    """Every case on 1, 2 and 3 replicas, and one with dropout twice on 2, by (case, name of the run).

    One process for each number: TensorFlow fixes its logical devices, and how they form groups, once and for all.
    """
    folder = tmp_path_factory.mktemp("replicas")
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    found: dict[tuple[str, str], RunDir] = {}
    for replicas in REPLICAS:
        wanted = [(case, str(replicas)) for case in DETERMINISTIC]
        wanted += {1: [(RANDOM, "1")], 2: [(RANDOM, "2"), (RANDOM, "2 again")]}.get(replicas, [])
        training = {"devices": "cpu" if replicas == 1 else {"replicas": replicas}, "epochs": 2}
        requests = [
            {"case": case, "folder": str(folder), "run": str(folder / f"{case} {name}"), "training": training}
            for case, name in wanted
        ]
        result = subprocess.run(
            [sys.executable, str(PROGRAM), json.dumps(requests)], env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        found |= {(case, name): RunDir(folder / f"{case} {name}") for case, name in wanted}
    return found


def largest_difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    assert ours.keys() == theirs.keys()
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours if name.startswith("model/"))


@pytest.mark.parametrize("case", DETERMINISTIC)
@pytest.mark.parametrize("replicas", REPLICAS[1:])
def test_replicas_train_the_same_weights(case, replicas, runs):
    one, several = runs[case, "1"], runs[case, str(replicas)]
    assert several.read_manifest()["hardware"]["replicas"] == replicas
    assert largest_difference(read_arrays(several.state), read_arrays(one.state)) <= 1e-6
    for ours, theirs in zip(read_history(several.history), read_history(one.history), strict=True):
        for name in ours.keys() - {"seconds"}:
            # A norm over all gradients adds up their rounding; the weights above are what must agree.
            relative = 1e-4 if name == "gradient_norm" else 1e-5
            assert ours[name] == pytest.approx(theirs[name], abs=2e-6, rel=relative), name


def test_dropout_is_reproducible_at_a_fixed_number_of_replicas(runs):
    digests = [runs[RANDOM, name].read_manifest()["state_sha256"] for name in ("2", "2 again")]
    assert digests[0] == digests[1]


def test_dropout_draws_differently_on_each_replica(runs):
    one, two = (read_arrays(runs[RANDOM, name].state) for name in ("1", "2"))
    assert largest_difference(two, one) > 1e-6
