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
from rnnlab.transforms.strokes import NAMES

from .made import make_experiment, make_series, series_data, write_series

SERIES = Field("sequence", "series", (3,), ("y", "x", "holiday"))
FUTURE = Field("future", "future", (1,), ("holiday",))
# Those of what one transform makes are tried beside it: see test_strokes.
OF_SERIES = [
    name
    for name in AUGMENTATIONS.names()
    if "series" in AUGMENTATIONS.load(name).kinds and AUGMENTATIONS.load(name).after is None
]
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


KINDS = {
    "series": Field("input", "series", (3,), NAMES["stroke_3"]),  # which those of drawings ask for
    "frames": Field("input", "frames", (4, 4, 1)),
    "notes": Field("input", "notes", (8,), tuple(f"key {number}" for number in range(8))),
    "audio": Field("input", "audio", (1,), ("audio",), rate=100),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in AUGMENTATIONS.names() for kind in sorted(AUGMENTATIONS.load(name).kinds)],
)
def test_rows_that_only_fill_a_batch_change_no_other(name: str, kind: str) -> None:
    """There are as many of them as the number of replicas asks for: invariant 2."""
    augmentation = AUGMENTATIONS.parse(name)
    field, random = KINDS[kind], np.random.default_rng(0)
    lengths = random.integers(5, 20, 7)
    values = random.integers(0, 200 if field.kind == "frames" else 2, (7, 20, *field.shape))
    values[np.arange(20) >= lengths[:, np.newaxis]] = 0
    found = []
    for fillers in (0, 1, 5):
        batch = {
            "input": np.pad(values, [(0, fillers), *[(0, 0)] * (values.ndim - 1)]).astype(field.dtype),
            "lengths": np.pad(lengths, (0, fillers)).astype(np.int32),
            "weights": np.pad(np.ones(7, np.float32), (0, fillers)),
        }
        given = {key: tf.constant(each) for key, each in batch.items()}
        changed = augmentation.apply(given, Signature((field,)), tf.constant([3, 1]))
        assert any(not np.array_equal(changed[key], batch[key]) for key in batch), "nothing is varied"
        found.append({key: np.asarray(each)[:7] for key, each in changed.items()})
    for other in found[1:]:
        for key, rows in found[0].items():
            np.testing.assert_allclose(other[key], rows, atol=1e-6)


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
    assert np.array_equal(changed["targets"], batch["targets"], equal_nan=True) == (name in ("jitter", "spec_augment"))
