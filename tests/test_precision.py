"""Mixed precision: 16 bits within the network, 32 for weights, sums, losses and answers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rnnlab.architectures import ARCHITECTURES
from rnnlab.errors import NonFiniteError
from rnnlab.experiment import Experiment
from rnnlab.history import read_history
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.signature import Field, Signature
from rnnlab.training import train

from .training_cases import make_case

CASE = "accumulation_mixed_precision"
MIXED = ("mixed_float16", "mixed_bfloat16")
SIGNATURE = Signature((Field("sequence", "series", (3,), ("a", "b", "c")),), Field("label", "class", (), ("x", "y")))


def trained(folder, **training):
    run = RunDir.create(folder / "run")
    train(make_case(CASE, folder, **training), run, Places(folder, folder))
    return run


@pytest.mark.parametrize("precision", MIXED)
@pytest.mark.parametrize("architecture", ARCHITECTURES.names())
@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention", "concat"])
def test_a_network_computes_in_16_bits_and_keeps_the_rest_in_32(precision, architecture, readout):
    experiment = Experiment.model_validate(
        {
            "name": "mixed",
            "data": {"source": "npz", "train": "-"},
            "task": {"kind": "classification"},
            "model": {"architecture": architecture},
            "head": {"name": "classes", "readout": readout},
        }
    )
    network = build_network(experiment, SIGNATURE, precision)
    same = build_network(experiment, SIGNATURE)
    assert keras.config.dtype_policy().name == "float32", "the policy is put back"
    assert any(layer.compute_dtype == precision.removeprefix("mixed_") for layer in network.layers)
    assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
    random = np.random.default_rng(0)
    rows = {"sequence": random.normal(size=(4, 90, 3)).astype("float32"), "lengths": np.array([90, 17, 3, 1], "int32")}
    ours, theirs = np.asarray(network(rows)), np.asarray(same(rows))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=0.05)


@pytest.mark.parametrize("precision", MIXED)
def test_mixed_precision_learns(precision, tmp_path):
    run = trained(tmp_path, precision=precision, epochs=8, optimizer={"name": "adam", "learning_rate": 0.02})
    losses = [row["loss"] for row in read_history(run.history)]
    assert losses[-1] < 0.9 * losses[0]
    assert Predictor.load(run.path).network.layers[-1].dtype_policy.name == "float32"


def test_an_overflow_skips_the_update_and_halves_the_scale(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.optimizers.LossScaleOptimizer.__init__, "__defaults__", (2.0**30, 2000, None))
    run = trained(tmp_path, precision="mixed_float16", epochs=8)
    state = read_arrays(run.state)
    scale = next(float(values) for name, values in state.items() if name.endswith("dynamic_scale"))
    applied = max(int(values) for name, values in state.items() if name.endswith("iteration"))
    skipped = round(30 - np.log2(scale))
    assert 0 < skipped < 32
    assert applied + skipped == 32  # 8 epochs of 4 batches
    assert all(np.isfinite(row["gradient_norm"]) for row in read_history(run.history)[3:])


def test_a_loss_that_is_no_number_is_not_an_overflow(tmp_path, monkeypatch):
    from rnnlab.tasks.classification import Classification

    real = Classification.losses
    monkeypatch.setattr(Classification, "losses", lambda *arguments: real(*arguments) * np.inf)
    with pytest.raises(NonFiniteError, match="learning rate"):
        trained(tmp_path, precision="mixed_float16")
