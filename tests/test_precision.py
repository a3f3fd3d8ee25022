"""Mixed precision: 16 bits within the network, 32 for weights, sums, losses and answers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab.architectures import ARCHITECTURES
from rnnlab.errors import NonFiniteError
from rnnlab.experiment import Experiment
from rnnlab.history import read_history
from rnnlab.layers.randomness import random_scope
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.signature import Field, Signature
from rnnlab.training import train
from rnnlab.training.reporting import Silent

from .made import make_signature, slow_after
from .training_cases import make_case

CASE = "accumulation_mixed_precision"
MIXED = ("mixed_float16", "mixed_bfloat16")
SIGNATURE = Signature((Field("sequence", "series", (3,), ("a", "b", "c")),), Field("label", "class", (), ("x", "y")))


def trained(folder, **training):
    run = RunDir.create(folder / "run")
    train(make_case(CASE, folder, **training), run, Places(folder, folder))
    return run


DECODERS = [name for name in ARCHITECTURES.names() if ARCHITECTURES.parse(name).decodes]
LOOKS = [{"attention": "none"}, {"attention": "bahdanau"}, {"attention": "luong", "input_feeding": True}]


def forecasters():
    """Return (architecture, head) of forecasts."""
    heads = [
        {"name": "direct", "hidden_units": 0},
        {"name": "direct", "readout": "attention"},
        {"name": "per_step", "dropout": 0.1},
    ]
    found = [({"architecture": "stacked_rnn", "dropout": 0.1}, head) for head in heads]
    for name in DECODERS:
        if "forecasting" not in ARCHITECTURES.parse(name).decodes:
            continue
        found += [({"architecture": name, "decoder": {**look, "dropout": 0.1}}, None) for look in LOOKS]
    return found


@pytest.mark.parametrize("precision", slow_after(1, MIXED))
@pytest.mark.parametrize(
    ("model", "head", "horizon"), [(*each, 3 if each[1] else 60) for each in forecasters()], ids=str
)
def test_a_forecaster_computes_in_16_bits_and_answers_in_32(precision, model, head, horizon):
    task = {"kind": "forecasting", "history": 9, "horizon": horizon, "season": 2, "seasonal_mean": 1}
    values = {"name": "mixed", "data": {"source": "npz", "train": "-"}, "task": task, "model": model, "head": head}
    experiment = Experiment.model_validate(values)
    signature = make_signature("series", known=1)
    network = build_network(experiment, signature, precision)
    same = build_network(experiment, signature)
    assert any(layer.compute_dtype == precision.removeprefix("mixed_") for layer in network.layers)
    assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
    random = np.random.default_rng(0)
    shapes = {"sequence": (4, 9, 3), "future": (4, horizon, 1), "teacher": (4, horizon, 2)}
    given = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    given["lengths"] = np.array([9, 1, 5, 0], np.int32)
    given = {name: given[name] for name in network.input}
    for training in (False, True):
        with random_scope(tf.constant([0, 0])):
            ours, theirs = (each(given, training=training) for each in (network, same))
        assert ours.dtype == "float32"
        assert np.abs(ours - theirs).max() < 0.1
        assert np.abs(ours - theirs).max() > 0, "16 bits round more"


@pytest.mark.parametrize("precision", slow_after(1, MIXED))
@pytest.mark.parametrize(
    "architecture",
    [name for name in ARCHITECTURES.names() if name not in DECODERS and not ARCHITECTURES.parse(name).reads],
)
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


@pytest.mark.parametrize("precision", slow_after(1, MIXED))
def test_mixed_precision_learns(precision, tmp_path):
    run = trained(tmp_path, precision=precision, epochs=8, optimizer={"name": "adam", "learning_rate": 0.02})
    losses = [row["loss"] for row in read_history(run.history)]
    assert losses[-1] < 0.9 * losses[0]
    assert Predictor.load(run.path).network.layers[-1].dtype_policy.name == "float32"


class Said(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def say(self, text: str) -> None:
        self.texts.append(text)


def test_an_overflow_skips_the_update_halves_the_scale_and_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.optimizers.LossScaleOptimizer.__init__, "__defaults__", (2.0**30, 2000, None))
    rate = {"name": "polynomial_decay", "initial_learning_rate": 0.1, "decay_steps": 32, "end_learning_rate": 0.0}
    run, said = RunDir.create(tmp_path / "run"), Said()
    experiment = make_case(CASE, tmp_path, epochs=8, optimizer={"name": "sgd", "learning_rate": rate})
    train(experiment, run, Places(tmp_path, tmp_path), said)
    state, history = read_arrays(run.state), read_history(run.history)
    scale = next(float(values) for name, values in state.items() if name.endswith("dynamic_scale"))
    applied = max(int(values) for name, values in state.items() if name.endswith("iteration"))
    skipped = round(30 - np.log2(scale))
    assert 0 < skipped < 32
    assert applied + skipped == 32  # 8 epochs of 4 batches
    by_epoch = {int(text.split()[1][:-1]): int(text.split()[2]) for text in said.texts if "were skipped" in text}
    assert sum(by_epoch.values()) == skipped
    assert history[-1]["learning_rate"] == pytest.approx(0.1 * (1 - (applied - 1) / 32), rel=1e-4)
    assert by_epoch[1] == 4
    for row in history:
        assert np.isnan(row["gradient_norm"]) == (by_epoch.get(row["epoch"]) == 4), "no norm where nothing was applied"


@pytest.mark.parametrize(("scale", "fatal"), [(2.0, False), (1.0, True)])
def test_only_a_scale_of_one_that_overflows_is_an_error(scale, fatal, tmp_path, monkeypatch):
    from rnnlab.training.step import Stepper

    monkeypatch.setattr(keras.optimizers.LossScaleOptimizer.__init__, "__defaults__", (scale, 2000, None))
    gradients, updates = Stepper._gradients, []

    def overflowing(*arguments):
        found, *rest = gradients(*arguments)
        return [each * np.inf for each in found], *rest

    monkeypatch.setattr(Stepper, "_gradients", overflowing)
    real = Stepper.train

    def counted(self, *arguments):
        updates.append(self.loss_scale)
        return real(self, *arguments)

    monkeypatch.setattr(Stepper, "train", counted)
    with pytest.raises(NonFiniteError):
        trained(tmp_path, precision="mixed_float16")
    assert updates == ([1.0] if fatal else [2.0, 1.0])


def test_a_loss_that_is_no_number_is_not_an_overflow(tmp_path, monkeypatch):
    from rnnlab.tasks.classification import Classification

    real = Classification.losses

    def infinite(*arguments):
        found, weights = real(*arguments)
        return found * np.inf, weights

    monkeypatch.setattr(Classification, "losses", infinite)
    with pytest.raises(NonFiniteError, match="learning rate"):
        trained(tmp_path, precision="mixed_float16")
