"""What is written survives: a kill at any point of a save, a full disk, a disk that can't be written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rnnlab import rundir
from rnnlab.errors import RunError
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.rundir import RunDir, read_arrays, write_text
from rnnlab.training import train
from rnnlab.training.state import load_state

from .test_resume import PowerCut, assert_same_result
from .training_cases import make_case

CASE = "convolution_schedule"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    run = RunDir.create(folder / "run")
    train(make_case(CASE, folder, save_every={"steps": 2}), run, Places(folder, folder))
    return run


class Calls:
    """Stands for a function of the system, and cuts the power before or after one of its calls."""

    def __init__(self, real, number: int, *, after: bool) -> None:
        self.real, self.left, self.after = real, number, after

    def __call__(self, *arguments, **keywords):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise PowerCut
        result = self.real(*arguments, **keywords)
        if self.left == 0:
            raise PowerCut
        return result


# Six files come first (manifest, spec, prepared, samples, weights, state 0); then each save replaces up to four.
RENAMES = [("replace", number, after) for number in (*range(1, 13), 17, 20, 23) for after in (False, True)]
IN_THE_MIDDLE = [("fsync", number, False) for number in (3, 8, 14)]
OFTEN = {
    *(("replace", number, False) for number in (2, 5, 8)),
    ("replace", 6, True),
    IN_THE_MIDDLE[1],
}
MOMENTS = [
    pytest.param(*each, marks=[] if each in OFTEN else [pytest.mark.slow]) for each in (*RENAMES, *IN_THE_MIDDLE)
]


@pytest.mark.parametrize(("function", "number", "after"), MOMENTS)
def test_a_cut_at_any_moment_of_writing_changes_no_result(function, number, after, unbroken, tmp_path, monkeypatch):
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(CASE, tmp_path, save_every={"steps": 2})
    with monkeypatch.context() as patch:
        patch.setattr(rundir.os, function, Calls(getattr(os, function), number, after=after))
        with pytest.raises(PowerCut):
            train(experiment, run, Places(tmp_path, tmp_path))
    train(experiment, run, Places(tmp_path, tmp_path), resume=True)
    assert_same_result(run, unbroken)


def test_a_file_and_its_folder_reach_the_disk_before_and_after_the_rename(tmp_path, monkeypatch):
    calls: list[str] = []

    def noting(name, real):
        def noted(*arguments):
            folder = name == "fsync" and os.path.isdir(f"/proc/self/fd/{arguments[0]}")
            calls.append("sync the folder" if folder else name)
            return real(*arguments)

        return noted

    for name in ("fsync", "replace"):
        monkeypatch.setattr(rundir.os, name, noting(name, getattr(os, name)))
    write_text(tmp_path / "file", "text")
    assert calls == ["fsync", "replace", "sync the folder"]


class FullDisk:
    """Fails as a full disk does, from some call on."""

    def __init__(self, real, calls: int) -> None:
        self.real, self.left = real, calls

    def __call__(self, *arguments, **keywords):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.real(*arguments, **keywords)


@pytest.mark.parametrize("calls", [20, 31, 40])
def test_a_full_disk_leaves_state_and_history_whole(calls, unbroken, tmp_path, monkeypatch):
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(CASE, tmp_path, save_every={"steps": 2})
    with monkeypatch.context() as patch:
        patch.setattr(rundir.os, "fsync", FullDisk(os.fsync, calls))
        with pytest.raises(RunError, match=r"can't be written: No space left on device.*intact.*--resume"):
            train(experiment, run, Places(tmp_path, tmp_path))
    state = load_state(run)
    assert state is not None
    assert state.warning is None
    assert not list(run.path.glob(".*.part")), "half-written files fill the disk further"
    written = read_history(run.history)
    assert [row["epoch"] for row in written] == list(range(1, len(written) + 1))
    train(experiment, run, Places(tmp_path, tmp_path), resume=True)
    assert_same_result(run, unbroken)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 KB, where the machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no `mount` here; the injected full disk above stands for it")
    if mounted.returncode:
        pytest.skip(f"can't mount a small disk here ({mounted.stderr.strip()}); the injected one above stands for it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_really_is_full_is_one_clear_message(small_disk, tmp_path):
    spec = tmp_path / "spec.yaml"
    make_case(CASE, tmp_path)
    spec.write_text(
        "data: {source: npz, train: train.npz}\ntask: {kind: classification}\n"
        "model: {architecture: stacked_rnn, units: [32, 32]}\ntraining: {epochs: 3, save_every: {steps: 1}}\n"
    )
    command = [sys.executable, "-m", "rnnlab", "train", str(spec), "--run", str(small_disk / "run")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 2, result.stderr
    message = result.stderr.strip().splitlines()[-1]
    assert "No space left on device" in message
    assert "Traceback" not in result.stderr


def test_saves_by_the_clock_take_no_more_than_their_share(tmp_path, monkeypatch):
    from rnnlab.training import loop

    clock = [0.0]
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    saves = []
    real_step, real_save = loop.Loop._run_step, loop.save_state

    def step(*arguments):
        real_step(*arguments)
        clock[0] += 1.0

    def save(*arguments):
        real_save(*arguments)
        saves.append(clock[0])
        clock[0] += 0.125

    monkeypatch.setattr(loop.Loop, "_run_step", step)
    monkeypatch.setattr(loop, "save_state", save)
    run = RunDir.create(tmp_path / "run")
    train(make_case(CASE, tmp_path, epochs=8, save_every={"seconds": 1}), run, Places(tmp_path, tmp_path))
    # 8 epochs of 4 steps of 1 second; a save takes 1/8, so that 1 % of the time is one save in 12.5 seconds.
    assert [int(each) for each in saves] == [0, 13, 26, 32]


def test_a_finished_history_has_every_epoch(unbroken):
    assert [row["epoch"] for row in read_history(unbroken.history)] == [1, 2, 3, 4]
    assert all(name in read_arrays(unbroken.state) for name in read_arrays(unbroken.weights))
