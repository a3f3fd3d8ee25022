"""Invariant 2: replicas never change training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.training import train
from rnnlab.training.reporting import Silent

from .made import slow_after
from .training_cases import DETERMINISTIC, make_case, train_in_a_process

RANDOM = ("stacked_dropout_plateau", "seq2seq_forced_dropout")
# In the default suite: a loss weighted by classes, statistics of batches, and what is drawn. Training takes moments,
# but every case takes seconds to compile.
QUICK = frozenset({"weights_and_clipping", "batch_normalization", "stacked_dropout_plateau"})


def marked(case: str, *values: object, slow: bool = False) -> Any:
    """Return test parameters, slow ones but for few cases."""
    marks = [pytest.mark.slow] if slow or case not in QUICK else []
    return pytest.param(case, *values, marks=marks)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Callable[[str, str], RunDir]:
    """Return what gives the run of a case by its name: the number of replicas, or where it was made twice `2 again`.

    All runs on so many replicas are made when the first of them is asked for, in one process: TensorFlow fixes its
    logical devices, and how they form groups, once and for all. The slow cases have a process of their own.
    """
    folder, made = tmp_path_factory.mktemp("replicas"), set()

    def run(case: str, name: str) -> RunDir:
        replicas, quick = int(name.split()[0]), case in QUICK
        if (replicas, quick) not in made:
            train_on(replicas, folder, lambda each: (each in QUICK) == quick)
            made.add((replicas, quick))
        return RunDir(folder / f"{case} {name}")

    return run


def train_on(replicas: int, folder: Path, chosen: Callable[[str], bool]) -> None:
    """Train the chosen cases, and those with dropout twice on 2."""
    wanted = [(case, str(replicas)) for case in DETERMINISTIC]
    wanted += [(case, name) for case in RANDOM for name in ("2", "2 again") if replicas == 2]
    training = {"devices": "cpu" if replicas == 1 else {"replicas": replicas}, "epochs": 2}
    requests = [
        {"case": case, "folder": str(folder), "run": str(folder / f"{case} {name}"), "training": training}
        for case, name in wanted
        if chosen(case)
    ]
    result = train_in_a_process(*requests)
    assert result.returncode == 0, result.stderr


def largest_difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    assert ours.keys() == theirs.keys()
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours if name.startswith("model/"))


@pytest.mark.parametrize(
    ("case", "replicas"), [marked(case, replicas, slow=replicas > 2) for case in DETERMINISTIC for replicas in (2, 3)]
)
def test_replicas_train_the_same_weights(case, replicas, runs):
    one, several = runs(case, "1"), runs(case, str(replicas))
    assert several.read_manifest()["hardware"]["replicas"] == replicas
    assert largest_difference(read_arrays(several.state), read_arrays(one.state)) <= 1e-6
    for ours, theirs in zip(read_history(several.history), read_history(one.history), strict=True):
        for name in ours.keys() - {"seconds"}:
            # A norm over all gradients adds up their rounding; the weights above are what must agree.
            relative = 1e-4 if name == "gradient_norm" else 1e-5
            assert ours[name] == pytest.approx(theirs[name], abs=2e-6, rel=relative), name


@pytest.mark.parametrize("case", list(map(marked, RANDOM)))
def test_dropout_is_reproducible_at_a_fixed_number_of_replicas(case, runs):
    digests = [runs(case, name).read_manifest()["state_sha256"] for name in ("2", "2 again")]
    assert digests[0] == digests[1]


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_replicas_draw_dropout_of_their_own(dropout, tmp_path):
    """One example on one device; twice the same on two replicas: the same update, but for what each replica drops."""
    steps = np.random.default_rng(0).normal(size=(6, 3))
    states = []
    for replicas in (1, 2):
        folder = tmp_path / str(replicas)
        folder.mkdir()
        values, labels = np.tile(steps, (replicas, 1)), np.full((replicas, 1), 2.0)
        np.savez(folder / "train.npz", values=values, lengths=np.full(replicas, 6), labels=labels)
        training = {"devices": "cpu" if replicas == 1 else {"replicas": replicas}, "epochs": 1, "batch_size": replicas}
        request = {"case": "twins", "folder": str(folder), "run": str(folder / "run"), "training": training}
        result = train_in_a_process({**request, "model": {"dropout": dropout}})
        assert result.returncode == 0, result.stderr
        states.append(read_arrays(RunDir(folder / "run").state))
    difference = largest_difference(*states)
    assert difference > 1e-4 if dropout else difference < 1e-7


@pytest.mark.parametrize(
    "case", slow_after(1, ["accumulation", "seq2seq_own_forecasts_accumulated", "per_step_quantiles_alone"])
)
def test_parts_of_a_batch_train_the_same_weights_as_the_whole(case, tmp_path):
    whole, parts = RunDir.create(tmp_path / "whole"), RunDir.create(tmp_path / "parts")
    for run, accumulate in ((whole, 1), (parts, 3)):
        train(make_case(case, tmp_path, epochs=2, accumulate=accumulate), run, Places(tmp_path, tmp_path))
    assert largest_difference(read_arrays(parts.state), read_arrays(whole.state)) <= 1e-6
    assert largest_difference(read_arrays(parts.state), initial_weights(case, tmp_path)) > 1e-2


def initial_weights(case, folder):
    """The weights of state 0: a training that ends before its first step leaves them."""

    class Stop(Silent):
        def epoch_begins(self, *_):
            raise KeyboardInterrupt

    run = RunDir.create(folder / "initial")
    with pytest.raises(KeyboardInterrupt):
        train(make_case(case, folder), run, Places(folder, folder), Stop())
    return read_arrays(run.state)
