"""Augmentations vary training batches, and nothing else.

Axes: B batch, T time, F features, C targets, H horizon.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.augmentations import AUGMENTATIONS
from rnnlab.batches import loader_of
from rnnlab.places import Places
from rnnlab.plan import Batch
from rnnlab.signature import Field, Signature
from rnnlab.training import prepare
from rnnlab.training.step import Objective

from .made import make_experiment, make_series, series_data, write_series

SERIES = Field("sequence", "series", (3,), ("y", "x", "holiday"))
FUTURE = Field("future", "future", (1,), ("holiday",))
OF_SERIES = [name for name in AUGMENTATIONS.names() if "series" in AUGMENTATIONS.load(name).kinds]
FORECAST = Signature((SERIES, FUTURE), Field("target", "series", (1,), ("y",)))


def make_batch() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    sequence = random.normal(size=(400, 5, 3)).astype(np.float32)
    return {
        "sequence": sequence,
        "future": random.normal(size=(400, 2, 1)).astype(np.float32),
        "observed": sequence[..., :1],
        "ahead": np.where(random.random((400, 2, 1)) < 0.2, np.nan, 1).astype(np.float32),
        "lengths": np.full(400, 5, np.int32),
    }


def applied(name: str, seed: int = 0, **keys: float) -> dict[str, np.ndarray]:
    batch = AUGMENTATIONS.parse({"name": name, **keys}).apply(make_batch(), FORECAST, tf.constant([seed, 1]))
    return {key: np.asarray(values) for key, values in batch.items()}


@pytest.mark.parametrize("name", OF_SERIES)
def test_the_same_seed_draws_the_same_and_another_something_else(name: str) -> None:
    one, same, other = applied(name), applied(name), applied(name, seed=1)
    assert all(np.array_equal(one[key], same[key], equal_nan=True) for key in one)
    assert not np.array_equal(one["sequence"], other["sequence"])


@pytest.mark.parametrize("name", OF_SERIES)
def test_what_is_known_beforehand_stays_as_it_is(name: str) -> None:
    before, after = make_batch(), applied(name)
    np.testing.assert_array_equal(after["sequence"][..., 2], before["sequence"][..., 2])
    for key in ("future", "lengths"):
        np.testing.assert_array_equal(after[key], before[key])
    assert after.keys() == before.keys()


@pytest.mark.parametrize("name", OF_SERIES)
def test_what_is_not_known_stays_unknown(name: str) -> None:
    np.testing.assert_array_equal(np.isnan(applied(name)["ahead"]), np.isnan(make_batch()["ahead"]))


def test_jitter_adds_noise_of_its_deviation_and_leaves_the_truth() -> None:
    before, after = make_batch(), applied("jitter", deviation=0.5)
    noise = (after["sequence"] - before["sequence"])[..., :2]
    assert abs(noise.mean()) < 0.03
    assert noise.std() == pytest.approx(0.5, rel=0.05)
    for key in ("ahead", "observed"):
        np.testing.assert_array_equal(after[key], before[key])


def test_rescale_multiplies_a_sequence_and_its_truth_by_one_number() -> None:
    before, after = make_batch(), applied("rescale", deviation=0.2)
    factors = (after["sequence"] / before["sequence"])[..., :2]
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1], factors.shape), rtol=1e-4)
    assert factors[:, 0, 0].std() == pytest.approx(0.2, rel=0.15)
    known = ~np.isnan(before["ahead"])
    np.testing.assert_allclose(
        after["ahead"][known], np.broadcast_to(factors[:, :1, :1], known.shape)[known], rtol=1e-4
    )
    np.testing.assert_allclose(after["observed"], after["sequence"][..., :1])


@pytest.mark.parametrize("name", OF_SERIES)
def test_training_is_scored_by_what_is_asked_for_after_the_change(name: str, tmp_path: Path) -> None:
    path = write_series(tmp_path / "series.csv", make_series([60], gaps=0.1))
    experiment = make_experiment(
        {"kind": "forecasting", "history": 8, "horizon": 3},
        "stacked_rnn",
        None,
        data=series_data(path),
        transforms=[{"name": "impute"}, {"name": "standardize"}],
        augmentations=[{"name": name}],
    )
    splits = experiment.data.splits(Places(tmp_path, tmp_path))
    prepared = prepare(experiment, splits)
    (batch,) = loader_of(prepared.splits["train"], prepared.pipeline, {}).load([Batch(np.arange(20), 8)])
    objective = Objective(experiment.task, prepared.learnt, {}, prepared.pipeline, experiment.augmentations)
    changed = objective.augmented(batch, tf.constant([1, 2]))
    restored = prepared.pipeline.restore({"values": changed["ahead"]}, batch)["values"]
    np.testing.assert_allclose(changed["targets"], restored, rtol=1e-5)
    assert np.isnan(changed["targets"]).any()
    assert np.array_equal(changed["targets"], batch["targets"], equal_nan=True) == (name == "jitter")
