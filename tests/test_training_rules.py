"""What a training must never do: end on weights that nothing chose, lose where it began, run twice at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from rnnlab.errors import DataError, NonFiniteError, RunError
from rnnlab.evaluation import evaluate
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.plan import plan_epoch
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays, write_arrays
from rnnlab.tasks.classification import Classification
from rnnlab.training import batching, train
from rnnlab.training.reporting import Silent
from rnnlab.training.resuming import _begin

from .training_cases import make_case

CASE = "convolution_schedule"


def trained(folder, name="run", case=CASE, **training):
    run = RunDir.create(folder / name)
    train(make_case(case, folder, **training), run, Places(folder, folder))
    return run


def test_a_validation_loss_that_is_no_number_stops_and_keeps_the_good_state(tmp_path):
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(CASE, tmp_path, epochs=2, optimizer={"name": "sgd", "learning_rate": 1e38})
    with pytest.raises(NonFiniteError, match="learning rate 1e\\+38"):
        train(experiment, run, Places(tmp_path, tmp_path))
    assert all(np.isfinite(values).all() for values in read_arrays(run.state).values() if values.dtype.kind == "f")


def test_a_loss_that_is_no_number_names_the_batchs_examples_and_leaves_them_in_the_manifest(tmp_path, monkeypatch):
    losses = Classification.losses

    def infinite(*arguments):
        found, weights = losses(*arguments)
        return found * np.inf, weights

    monkeypatch.setattr(Classification, "losses", infinite)
    run = RunDir.create(tmp_path / "run")
    experiment = make_case(CASE, tmp_path, optimizer={"name": "sgd", "learning_rate": 0.25})
    with pytest.raises(
        NonFiniteError, match=r"epoch 1, step 1: loss inf, gradient norm \w+, learning rate 0\.25"
    ) as end:
        train(experiment, run, Places(tmp_path, tmp_path))
    places = Places(tmp_path, tmp_path)
    examples = experiment.data.splits(places)["train"]
    widths = tuple(run.read_manifest()["widths"])
    batch = plan_epoch(examples.lengths, batching(experiment.training, widths), experiment.seed, 0)[0]
    expected = sorted(examples.ids[int(index)] for index in batch.indices)
    manifest = run.read_manifest()
    assert manifest["status"] == "not finite"
    assert sorted(manifest["failure"]["examples"]) == expected
    shown = str(end.value).partition("The batch's examples: ")[2].partition(". ")[0]
    assert sorted(shown.split(", ")) == expected
    assert all(np.isfinite(values).all() for values in read_arrays(run.state).values() if values.dtype.kind == "f")


def test_a_schedules_rate_in_the_history_is_the_one_that_was_used(tmp_path):
    rates = {"name": "piecewise_constant_decay", "boundaries": [4], "values": [0.01, 0.02]}
    run = trained(tmp_path, epochs=2, batch_size=8, optimizer={"name": "sgd", "learning_rate": rates})
    # 29 or 30 training examples in batches of 8: updates 0 to 3, then 4 to 7; the boundary itself still has the first.
    assert [row["learning_rate"] for row in read_history(run.history)] == pytest.approx([0.01, 0.02])


def test_stopping_early_in_the_last_epoch_is_stopping_early(tmp_path):
    never_better = {"early_stopping": {"monitor": "loss", "mode": "max", "patience": 1}}
    run = trained(tmp_path, epochs=2, **never_better)
    finished = run.read_manifest()["finished"]
    if finished["epochs"] == 2 and finished["stopped_early"]:
        more = make_case(CASE, tmp_path, epochs=4, **never_better)
        assert train(more, run, Places(tmp_path, tmp_path), resume=True).startswith("nothing to do")
    else:
        pytest.fail(f"the loss was to fall from the first epoch to the second: {finished}")


def test_a_restart_without_a_state_takes_the_starting_weights_again(tmp_path):
    first = trained(tmp_path, "first", epochs=1)
    experiment = make_case(CASE, tmp_path, epochs=1)
    expected, restarted = RunDir.create(tmp_path / "expected"), RunDir.create(tmp_path / "restarted")
    for run in (expected, restarted):
        train(experiment, run, Places(tmp_path, tmp_path), weights_from=first)
    for path in (restarted.state, restarted.previous_state):
        path.unlink()
    manifest = {key: value for key, value in restarted.read_manifest().items() if key != "finished"}
    restarted.manifest.write_text(json.dumps(manifest), "utf-8")
    train(experiment, restarted, Places(tmp_path, tmp_path), resume=True)
    assert restarted.read_manifest()["state_sha256"] == expected.read_manifest()["state_sha256"]


def test_layers_that_another_run_gives_whole_are_given_nothing_else_to_begin_with(tmp_path):
    names = ("a/00.kernel", "a/01.bias", "b/c/00.kernel", "b/c/01.bias")
    weights = {f"model/{name}": keras.Variable(np.zeros(2)) for name in names}
    other = RunDir.create(tmp_path / "other")
    write_arrays(other.weights, {name: np.ones(2) for name in list(weights)[:3]})
    loop, seen = SimpleNamespace(weights=weights, reporter=Silent()), []
    _begin(loop, lambda given: seen.append(set(given)) or [], other)
    _begin(loop, lambda given: seen.append(set(given)) or [], None)
    assert seen == [{"a"}, set()]
    assert [float(each.numpy().sum()) for each in weights.values()] == [2, 2, 2, 0]


def test_a_run_folder_is_trained_in_by_one_at_a_time(tmp_path):
    run = RunDir.create(tmp_path / "run")
    with run.locked(), pytest.raises(RunError, match="another process is training"):
        train(make_case(CASE, tmp_path, epochs=1), run, Places(tmp_path, tmp_path))


def test_the_lock_dies_with_its_holder(tmp_path):
    program = "from rnnlab.rundir import RunDir; import sys, time; from pathlib import Path\n"
    program += "with RunDir(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunError, match="another process"), RunDir(tmp_path).locked():
            pass
        holder.kill()
        holder.wait()
        with RunDir(tmp_path).locked():
            pass


def test_a_run_that_another_process_began_meanwhile_is_not_trained_over(tmp_path):
    ours, theirs = RunDir.create(tmp_path / "run"), RunDir.create(tmp_path / "run")
    train(make_case(CASE, tmp_path, epochs=1), theirs, Places(tmp_path, tmp_path))
    before = theirs.state.read_bytes()
    with pytest.raises(RunError, match="not empty"):
        train(make_case(CASE, tmp_path, epochs=1), ours, Places(tmp_path, tmp_path))
    assert ours.state.read_bytes() == before


def test_what_was_killed_before_it_had_begun_leaves_a_folder_that_is_new(tmp_path):
    run = RunDir.create(tmp_path / "run")
    run.write_spec("name: killed\n")
    (run.path / "cache").mkdir()
    RunDir.create(run.path)
    run.spec.write_text("name: of the user\n")
    with pytest.raises(RunError, match="not empty"):
        RunDir.create(run.path)


def test_scores_are_refused_where_the_training_data_is_another(tmp_path):
    run = trained(tmp_path, epochs=1)
    with np.load(tmp_path / "train.npz") as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "train.npz", **{**arrays, "values": arrays["values"][:, ::-1]})
    with pytest.raises(DataError, match="the training split is not the one"):
        evaluate(Predictor.load(run.path), Places(tmp_path, tmp_path), "validation", figures=False)


def test_a_metric_that_never_is_a_number_leaves_the_last_weights(tmp_path, monkeypatch):
    from rnnlab.metrics.accuracy import Accuracy

    monkeypatch.setattr(Accuracy, "value", lambda self, sums: float("nan"))
    run = trained(tmp_path, epochs=2, best={"monitor": "val_accuracy"})
    weights, state = read_arrays(run.weights), read_arrays(run.state)
    assert all(np.array_equal(values, state[name]) for name, values in weights.items())
