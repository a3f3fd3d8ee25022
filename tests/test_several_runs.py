"""`--seeds` and `--folds`, interrupted anywhere, go on where they stopped: no run is lost, none is trained twice."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.cli.training import TrainingRequest, train_all
from rnnlab.errors import Interrupted, RunError, UserError
from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.rundir import RunDir

from .test_resume import assert_same_result
from .training_cases import make_case

SPEC = """\
name: several
data: {source: npz, train: train.npz, validation: {by: folds, folds: 2}}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: gru, units: [4], dropout: 0.3}
training: {epochs: 3, batch_size: 8, save_every: {steps: 2}}
"""
NAMES = [f"all-seed-{seed}-fold-{fold}" for seed in (0, 1) for fold in (0, 1)]


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spec")
    make_case("convolution_schedule", folder)  # writes the data
    (folder / "spec.yaml").write_text(SPEC)
    return folder / "spec.yaml"


@pytest.fixture(scope="module")
def unbroken(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    train_all(request(spec, folder / "all"))
    return folder


def request(spec: Path, base: Path, *, resume: bool = False, **more: Any) -> TrainingRequest:
    plain = TrainingRequest(spec, base, (), resume, "0-1", "all", None, None, base.parent)
    return replace(plain, **more)


def started(folder: Path) -> dict[str, str]:
    """Return what tells one training of each run from another: when it was started, and its bits."""
    runs = {run.path.name: run.read_manifest() for run in RunDir.all(folder)}
    return {name: manifest["started"] + manifest.get("state_sha256", "") for name, manifest in runs.items()}


class StopAt:
    """Interrupts the training of one run, at one of its steps."""

    def __init__(self, monkeypatch, run: int, step: int) -> None:
        from rnnlab.training import loop

        real, self.steps, self.runs = loop.Loop._run_step, 0, set()

        def stepped(each, *arguments):
            real(each, *arguments)
            self.runs.add(each.run.path)
            self.steps += len(self.runs) == run
            if len(self.runs) == run and self.steps == step:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(loop.Loop, "_run_step", stepped)


# In the middle of the second run; in the third one's last step, after which there is nothing left to train in it.
@pytest.mark.parametrize("stop", [(2, 5), pytest.param((3, 9), marks=pytest.mark.slow)], ids=str)
def test_interrupted_runs_go_on_where_they_stopped(stop, spec, unbroken, tmp_path, monkeypatch, capsys):
    assert sorted(started(unbroken)) == NAMES
    broken = tmp_path / "broken"
    with monkeypatch.context() as patch:
        StopAt(patch, *stop)
        with pytest.raises(Interrupted, match=r"Go on with: rnnlab train .*--resume .*--seeds 0-1 --folds all") as end:
            train_all(request(spec, broken / "all"))
    before = started(broken)
    assert len(before) == stop[0]
    assert str(spec) in shlex.split(str(end.value).partition("Go on with: ")[2])
    train_all(request(spec, broken / "all", resume=True))
    after = started(broken)
    assert sorted(after) == NAMES
    done = [name for name, value in before.items() if len(value) > 64]
    assert {name: after[name] for name in done} == {name: before[name] for name in done}, "trained again"
    for name in NAMES:
        assert_same_result(RunDir(broken / name), RunDir(unbroken / name))
        assert (broken / name / "metrics" / "validation.json").is_file()
    assert capsys.readouterr().out.count("standard deviation") == 1


def test_runs_that_are_all_done_are_left_as_they_are(spec, unbroken):
    before = {path: path.read_bytes() for path in unbroken.rglob("*") if path.is_file()}
    train_all(request(spec, unbroken / "all", resume=True))
    assert {path: path.read_bytes() for path in unbroken.rglob("*") if path.is_file()} == before


def test_starting_weights_are_in_the_command_that_goes_on(spec, unbroken, tmp_path, monkeypatch):
    origin = unbroken / NAMES[0]
    with monkeypatch.context() as patch:
        StopAt(patch, 1, 2)
        with pytest.raises(Interrupted, match=rf"--from {origin}"):
            train_all(request(spec, tmp_path / "all", folds=None, weights_from=origin))
    train_all(request(spec, tmp_path / "all", folds=None, weights_from=origin, resume=True))
    manifests = [run.read_manifest() for run in RunDir.all(tmp_path)]
    assert [manifest["weights_from"] for manifest in manifests] == [str(origin)] * 2


LEFT_OUT = """\
data:
  source: npz
  train: people.npz
  arrays: {groups: person}
  validation: {by: folds, folds: 3, grouped: true, test_fold: true}
transforms: []
task: {kind: classification}
stem: {name: cnn, units: 2, blocks: [{filters: 2}]}
model: {architecture: stacked_rnn, cell: simple, units: [2]}
training: {epochs: 1, batch_size: 8}
"""


def test_each_person_tests_once_and_the_next_one_validates(tmp_path, capsys):
    """One command: a run for each, and a table of what they score on validation, and one of test."""
    people, random = np.repeat(["ann", "bob", "cy"], 4), np.random.default_rng(0)
    frames = random.integers(0, 256, (24, 6, 8), np.uint8)
    labels = np.tile(["run", "walk"], 6)
    np.savez(tmp_path / "people.npz", values=frames, lengths=np.full(12, 2), labels=labels, person=people)
    (tmp_path / "people.yaml").write_text(LEFT_OUT)
    left_out = request(tmp_path / "people.yaml", tmp_path / "all", seeds=None)
    train_all(left_out)
    told = capsys.readouterr().out
    validation, test = told.partition("test split\n")[0], told.partition("test split\n")[2]
    assert validation.startswith("validation split\n")
    for table in (validation, test):
        first = [line.split("  ")[0] for line in table.splitlines()]
        for name in ("all-fold-0", "all-fold-1", "all-fold-2", "mean", "standard deviation", "majority class"):
            assert first.count(name) == 1
    for fold in range(3):
        experiment = load_experiment(tmp_path / f"all-fold-{fold}" / "spec.yaml")
        splits = experiment.data.splits(Places(tmp_path, tmp_path))
        assert set(splits["test"].groups) == {("ann", "bob", "cy")[fold]}
        assert set(splits["validation"].groups) == {("ann", "bob", "cy")[(fold + 1) % 3]}
        assert set(splits["train"].groups) == {("ann", "bob", "cy")[(fold + 2) % 3]}
    (tmp_path / "all-fold-1" / "metrics" / "test.json").unlink()  # as if killed before it was scored
    train_all(replace(left_out, resume=True))
    assert capsys.readouterr().out == told
    train_all(request(tmp_path / "people.yaml", tmp_path / "one", seeds="0", folds=None))
    assert "test split" not in capsys.readouterr().out  # of one fold of three, `evaluate` tells


def test_going_on_under_a_name_that_is_not_there_is_refused(spec, tmp_path):
    with pytest.raises(UserError, match="nothing to go on with"):
        train_all(request(spec, tmp_path / "nosuch", resume=True))


def test_a_process_that_is_refused_leaves_the_folder_of_the_other(spec, tmp_path):
    other = RunDir.create(tmp_path / "one")
    with other.locked(), pytest.raises(RunError, match="another process"):
        train_all(request(spec, other.path, seeds=None, folds=None))
    assert other.path.is_dir()


@pytest.mark.parametrize("seeds", ["9" * 5000, "0-999,2000-2999", "1-0", "-1", "a"])
def test_seeds_that_are_none_are_one_short_message(spec, tmp_path, seeds):
    with pytest.raises(UserError) as error:
        train_all(request(spec, tmp_path / "all", seeds=seeds))
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("number", "several"),
    [
        pytest.param(signal.SIGINT, ["--seeds", "0-1"], id="interrupt-several", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, [], id="terminate-one"),
        pytest.param(signal.SIGTERM, ["--seeds", "0-1"], id="terminate-several", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, [], id="interrupt-one", marks=pytest.mark.slow),
    ],
)
def test_a_signal_at_any_moment_says_how_to_go_on(number, several, spec, tmp_path):
    """Sent again and again to processes that go on with each other's work, until one gets to the end."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "rnnlab", "train", str(spec), "--run", str(tmp_path / "all"), *several]
    for delay in (0.5, 2.5, 4.0):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        process.stderr.readline()  # it has begun
        time.sleep(delay)
        process.send_signal(number)
        _, error = process.communicate()
        assert "Traceback" not in error
        if process.returncode == 0:
            break
        assert process.returncode == 130, error
        _, found, going_on = error.strip().rpartition("Go on with: ")
        if found:
            command = [sys.executable, "-m", *shlex.split(going_on)]
        else:
            assert error.strip().endswith("before anything was trained")
