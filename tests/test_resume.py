"""Invariant 3: a kill never changes a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnlab.errors import RunError
from rnnlab.evaluation import evaluate
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.training import train
from rnnlab.training.reporting import Silent

from .training_cases import CASES, make_case, train_in_a_process


class PowerCut(BaseException):
    """Ends a training in this process as abruptly as a kill would: nothing catches it."""


class CutAfter(Silent):
    def __init__(self, steps: int) -> None:
        self.left = steps

    def step_done(self, sequences: int, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise PowerCut


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Return a function that gives the unbroken run of a case, trained once."""
    runs: dict[str, RunDir] = {}

    def get(case: str) -> RunDir:
        if case not in runs:
            folder = tmp_path_factory.mktemp(case)
            runs[case] = RunDir.create(folder / "run")
            train(make_case(case, folder, save_every={"steps": 2}), runs[case], Places(folder, folder))
        return runs[case]

    return get


def assert_same_result(run: RunDir, expected: RunDir) -> None:
    def rows(each: RunDir) -> list[dict[str, float]]:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in read_history(each.history)]

    assert run.read_manifest()["state_sha256"] == expected.read_manifest()["state_sha256"]
    assert rows(run) == rows(expected)
    ours, theirs = read_arrays(run.weights), read_arrays(expected.weights)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def interrupt_and_resume(case: str, folder: Path, cuts: list[int]) -> RunDir:
    run = RunDir.create(folder / "run")
    experiment = make_case(case, folder, save_every={"steps": 2})
    for position, cut in enumerate(cuts):
        with pytest.raises(PowerCut):
            train(experiment, run, Places(folder, folder), CutAfter(cut), resume=position > 0)
    train(experiment, run, Places(folder, folder), resume=True)
    return run


def cut_cases():
    """Return every case beside every cut: one that is cut twice, at different places, and all when slow."""
    for case in CASES:
        for cuts in ([1], [3], [6, 4]):
            quick = case == "stacked_dropout_plateau"
            marks = [] if quick and len(cuts) == 2 else [pytest.mark.slow]
            yield pytest.param(case, cuts, marks=marks, id=f"{case}-{cuts}")


@pytest.mark.parametrize(("case", "cuts"), list(cut_cases()))
def test_a_cut_training_ends_with_the_same_bits(case, cuts, unbroken, tmp_path):
    assert_same_result(interrupt_and_resume(case, tmp_path, cuts), unbroken(case))


def test_a_killed_process_ends_with_the_same_bits(unbroken, tmp_path):
    case = "stacked_dropout_plateau"
    request = {
        "case": case,
        "folder": str(tmp_path),
        "run": str(tmp_path / "run"),
        "training": {"save_every": {"steps": 2}},
    }
    assert train_in_a_process({**request, "kill_after": 7}).returncode == -9
    finished = train_in_a_process({**request, "resume": True})
    assert finished.returncode == 0, finished.stderr
    assert_same_result(RunDir(tmp_path / "run"), unbroken(case))


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"PK")], ids=["gone", "damaged"])
def test_weights_that_were_lost_are_in_the_state_too(harm, unbroken, tmp_path):
    case = "stacked_dropout_plateau"
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(case, tmp_path, save_every={"steps": 2})
    with pytest.raises(PowerCut):
        train(experiment, run, Places(tmp_path, tmp_path), CutAfter(14))
    harm(run.weights)
    train(experiment, run, Places(tmp_path, tmp_path), resume=True)
    assert_same_result(run, unbroken(case))


def test_resuming_a_finished_run_changes_nothing(unbroken, tmp_path):
    run = unbroken("convolution_schedule")
    before = run.state.read_bytes()
    experiment = make_case("convolution_schedule", run.path.parent, save_every={"steps": 2})
    assert train(experiment, run, Places(), resume=True).startswith("nothing to do")
    assert run.state.read_bytes() == before


def test_more_epochs_go_on_as_if_they_had_been_asked_for_at_once(tmp_path):
    case = "convolution_schedule"
    long, short = RunDir.create(tmp_path / "long"), RunDir.create(tmp_path / "short")
    train(make_case(case, tmp_path, epochs=3), long, Places())
    train(make_case(case, tmp_path, epochs=2), short, Places())
    train(make_case(case, tmp_path, epochs=3), short, Places(), resume=True)
    assert_same_result(short, long)


def test_more_epochs_forget_the_scores_and_the_end_of_the_fewer(tmp_path):
    run = RunDir.create(tmp_path / "run")
    train(make_case("convolution_schedule", tmp_path, epochs=1), run, Places())
    evaluate(Predictor.load(run.path), Places(), "validation")
    assert run.is_scored("validation")
    with pytest.raises(PowerCut):
        train(make_case("convolution_schedule", tmp_path, epochs=2), run, Places(), CutAfter(1), resume=True)
    assert not run.is_scored("validation")
    assert not run.figures.exists()
    assert not {"finished", "state_sha256", "training_seconds"} & run.read_manifest().keys()


def test_other_starting_weights_stop_with_the_difference(unbroken, tmp_path):
    run, other = unbroken("convolution_schedule"), unbroken("stacked_dropout_plateau")
    experiment = make_case("convolution_schedule", run.path.parent, save_every={"steps": 2}, epochs=9)
    with pytest.raises(RunError, match="--from: None then"):
        train(experiment, run, Places(), resume=True, weights_from=other)


def test_transforms_that_learn_something_else_stop(tmp_path, monkeypatch):
    from rnnlab.transforms.standardize import Standardize

    run = RunDir.create(tmp_path / "run")
    experiment = make_case("convolution_schedule", tmp_path)
    with pytest.raises(PowerCut):
        train(experiment, run, Places(), CutAfter(2))
    fit = Standardize.fit
    monkeypatch.setattr(Standardize, "fit", lambda *given: {name: values * 2 for name, values in fit(*given).items()})
    with pytest.raises(RunError, match="learn something else"):
        train(experiment, run, Places(), resume=True)


def test_a_plugin_whose_code_has_changed_stops_with_the_difference(unbroken, monkeypatch):
    from rnnlab.training import resuming

    run = unbroken("convolution_schedule")
    monkeypatch.setattr(resuming, "plugin_digests", lambda: {"mine.py": "0123456789abcdef"})
    experiment = make_case("convolution_schedule", run.path.parent, save_every={"steps": 2}, epochs=9)
    with pytest.raises(RunError, match=r"code of mine\.py: None then, 0123456789ab now"):
        train(experiment, run, Places(), resume=True)


def test_a_changed_spec_stops_with_the_difference(unbroken):
    run = unbroken("convolution_schedule")
    experiment = make_case("convolution_schedule", run.path.parent, save_every={"steps": 2}, batch_size=9)
    with pytest.raises(RunError, match=r"-\s+batch_size: 8\n\+\s+batch_size: 9"):
        train(experiment, run, Places(), resume=True)


def test_changed_data_stops_with_the_difference(tmp_path):
    experiment = make_case("convolution_schedule", tmp_path, epochs=1)
    run = RunDir.create(tmp_path / "run")
    train(experiment, run, Places())
    with np.load(tmp_path / "train.npz") as archive:
        arrays = dict(archive)
    arrays["values"][0, 0] += 1
    np.savez(tmp_path / "train.npz", **arrays)
    with pytest.raises(RunError, match=r"data, (train|validation) split: fingerprint"):
        train(make_case("convolution_schedule", tmp_path, epochs=2), run, Places(), resume=True)


def test_changed_versions_stop_with_the_difference(unbroken, monkeypatch):
    from rnnlab.training import resuming

    run = unbroken("convolution_schedule")
    monkeypatch.setattr(resuming, "versions", lambda: {**run.read_manifest()["versions"], "keras": "9.9"})
    experiment = make_case("convolution_schedule", run.path.parent, save_every={"steps": 2}, epochs=9)
    with pytest.raises(RunError, match=r"version of keras: .* then, 9\.9 now"):
        train(experiment, run, Places(), resume=True)


def test_a_damaged_state_falls_back_to_the_one_before(unbroken, tmp_path):
    case = "convolution_schedule"
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(case, tmp_path, save_every={"steps": 2})
    with pytest.raises(PowerCut):
        train(experiment, run, Places(), CutAfter(9))
    content = bytearray(run.state.read_bytes())
    content[len(content) // 2] ^= 255
    run.state.write_bytes(content)
    said: list[str] = []
    reporter = Silent()
    reporter.say = said.append  # type: ignore[method-assign]
    train(experiment, run, Places(), reporter, resume=True)
    assert any("damaged" in text and "state.previous.npz" in text for text in said)
    assert_same_result(run, unbroken(case))


def test_two_damaged_states_are_a_clear_stop(tmp_path):
    run = RunDir.create(tmp_path / "run")
    experiment = make_case("convolution_schedule", tmp_path, save_every={"steps": 2})
    with pytest.raises(PowerCut):
        train(experiment, run, Places(), CutAfter(9))
    for path in (run.state, run.previous_state):
        path.write_bytes(b"not a state")
    with pytest.raises(RunError, match="No state is left to resume from"):
        train(experiment, run, Places(), resume=True)
