"""Forecasts: losses and answers equal NumPy's, nothing leaks, and what is known of the future is used.

Axes: B batch, T time, C targets, P outputs a number, Q quantiles, H horizon.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rnnlab.evaluation import evaluate
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir
from rnnlab.tasks import TASKS
from rnnlab.training import prepare, train
from rnnlab.windows import Windows

from .made import make_experiment, make_series, series_data, slow_after, write_series

B, T, C, H = 5, 6, 2, 3
LENGTHS = np.array([6, 1, 4, 5, 2], np.int32)
LEVELS = [0.1, 0.25, 0.5, 0.9]


def make_task(**keys: Any) -> Any:
    return TASKS.parse({"kind": "forecasting", "history": T, "horizon": H, **keys})


def make_batch(seed: int = 0, gaps: float = 0.3) -> dict[str, Any]:
    """Return a prepared batch; the last row only fills it."""
    random = np.random.default_rng(seed)
    ahead = random.normal(size=(B, H, C)).astype(np.float32)
    ahead[random.random(ahead.shape) < gaps] = np.nan
    sequence = random.normal(size=(B, T, C + 1)).astype(np.float32)
    known = random.random((B, T, C)) > gaps
    weights = np.array([1, 1, 1, 1, 0], np.float32)
    observed = sequence[..., :C]
    return {"ahead": ahead, "observed": observed, "known": known, "lengths": LENGTHS, "weights": weights}


def quantiles_of(outputs: np.ndarray, middle: int) -> np.ndarray:
    """Return (…, Q, C): the median, which stands at `middle`, is the first output, then the steps up, then down."""
    count = outputs.shape[-2]
    soft = np.log1p(np.exp(-np.abs(outputs))) + np.maximum(outputs, 0)
    found = np.zeros(outputs.shape)
    found[..., middle, :] = outputs[..., 0, :]
    for number in range(middle + 1, count):
        found[..., number, :] = found[..., number - 1, :] + soft[..., number - middle, :]
    for number in range(middle - 1, -1, -1):
        found[..., number, :] = found[..., number + 1, :] - soft[..., count - 1 - number, :]
    return found


def loss_of(kind: str, outputs: np.ndarray, truth: float, c: int) -> float:
    """Return the loss of one number, of outputs (P, C)."""
    if kind == "quantiles":
        values = quantiles_of(outputs, LEVELS.index(0.5))[:, c]
        pinball = [max(level * (truth - q), (level - 1) * (truth - q)) for level, q in zip(LEVELS, values, strict=True)]
        return 2 * float(np.mean(pinball))
    if kind == "normal":
        deviation = np.log1p(np.exp(outputs[1, c])) + 1e-3
        return -float(stats.norm(outputs[0, c], deviation).logpdf(truth))
    error = abs(truth - outputs[0, c])
    return {"absolute": error, "squared": error**2, "huber": error**2 / 2 if error <= 1 else error - 0.5}[kind]


KINDS: dict[str, dict[str, Any]] = {
    **{kind: {"output": "point", "loss": kind} for kind in ("absolute", "squared", "huber")},
    "normal": {"output": "normal"},
    "quantiles": {"output": "quantiles", "levels": LEVELS},
}
PARAMETERS = {"normal": 2, "quantiles": len(LEVELS)}


@pytest.mark.parametrize("every_step", [False, True], ids=["window", "every step"])
@pytest.mark.parametrize("kind", KINDS)
def test_losses_equal_a_loop_over_what_is_known(kind: str, every_step: bool) -> None:
    """At every step, the truth is what was read next, if it was known, then what is ahead of the window."""
    task, batch = make_task(**KINDS[kind]), make_batch()
    axes = (B, T, H) if every_step else (B, H)
    outputs = np.random.default_rng(1).normal(size=(*axes, PARAMETERS.get(kind, 1), C)).astype(np.float32)
    losses, weights = (np.asarray(each) for each in task.losses(outputs, batch, {}))
    assert losses.shape == weights.shape == (*axes, C)
    assert np.isfinite(losses).all()
    total, count = 0.0, 0
    for row in range(B - 1):
        read = np.where(batch["known"][row], batch["observed"][row], np.nan)[: LENGTHS[row]]
        truth = np.concatenate([read, batch["ahead"][row]])
        begun = np.cumsum(batch["known"][row], axis=0) > 0  # (T, C)
        for step in range(LENGTHS[row]) if every_step else [LENGTHS[row] - 1]:
            for h in range(H):
                at = (row, step, h) if every_step else (row, h)
                for c in range(C):
                    if not np.isnan(truth[step + 1 + h, c]) and (not every_step or begun[step, c]):
                        expected = loss_of(kind, outputs[at], truth[step + 1 + h, c], c)
                        np.testing.assert_allclose(losses[(*at, c)], expected, rtol=2e-5, atol=1e-6)
                        assert weights[(*at, c)] == 1
                        total, count = total + expected, count + 1
    assert weights.sum() == count, "what is not known, is padding, or only fills the batch counts"
    np.testing.assert_allclose((losses * weights).sum(), total, rtol=1e-5)


@given(
    levels=st.sets(st.floats(0.01, 0.99), min_size=1, max_size=8).map(lambda levels: sorted({*levels, 0.5})),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 99),
)
def test_quantiles_never_cross_and_are_in_the_order_of_their_levels(levels: Any, scale: float, seed: int) -> None:
    outputs = np.random.default_rng(seed).normal(size=(B, H, len(levels), C), scale=scale).astype(np.float32)
    task = make_task(output="quantiles", levels=levels)
    answers = task.answers(outputs, LENGTHS, {})
    quantiles = np.asarray(answers["quantiles"])
    assert quantiles.shape == (B, H, C, len(levels))
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    expected = np.moveaxis(quantiles_of(outputs, levels.index(0.5)), -2, -1)
    np.testing.assert_allclose(quantiles, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(answers["values"], quantiles[..., levels.index(0.5)])


def test_quantiles_of_a_normal_forecast_are_those_of_scipy() -> None:
    outputs = np.random.default_rng(0).normal(size=(B, H, 2, C)).astype(np.float32)
    answers = make_task(output="normal", levels=LEVELS).answers(outputs, LENGTHS, {})
    deviation = np.log1p(np.exp(outputs[:, :, 1])) + 1e-3
    for number, level in enumerate(LEVELS):
        expected = stats.norm(outputs[:, :, 0], deviation).ppf(level)
        np.testing.assert_allclose(answers["quantiles"][..., number], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(answers["values"], outputs[:, :, 0])


def test_the_answer_of_every_step_is_that_of_the_last() -> None:
    outputs = np.random.default_rng(0).normal(size=(B, T, H, 1, C)).astype(np.float32)
    values = np.asarray(make_task().answers(outputs, LENGTHS, {})["values"])
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(values[row], outputs[row, length - 1, :, 0])


# Runs on series of white noise, whose next value nobody can know.

MODELS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "direct": ({"architecture": "stacked_rnn", "cell": "gru", "units": [16]}, {"name": "direct", "hidden_units": 32}),
    "per_step": (
        {"architecture": "stacked_rnn", "cell": "gru", "units": [16]},
        {"name": "per_step", "hidden_units": 32},
    ),
    "seq2seq": (
        {
            "architecture": "seq2seq",
            "encoder": {"architecture": "stacked_rnn", "cell": "gru", "units": [16]},
            "decoder": {"units": [16], "attention": "luong", "teacher_forcing": {"epochs": 4}},
        },
        None,
    ),
}
STEPS, EDGES = 420, {"validation": {"by": "cut", "cut": 80}, "test": 100}


def noise(path: Path, share: float) -> Path:
    """Write white noise y0, y1 and a covariate x: of the same step's y0 and y1, this share of what is to be known."""
    random = np.random.default_rng(0)
    values = random.normal(size=(STEPS, 3)).astype(np.float32)
    values[:, 1] = values[:, 0]
    values[:, 2] = share * values[:, 0] + (1 - share) * values[:, 2]
    return write_series(path, [values * 10 + 50])


def train_on(path: Path, model: str, folder: Path, known: int, epochs: int, **rest: Any) -> Predictor:
    """Train to forecast three steps from eight; f2 is known of the future, or of the past alone."""
    architecture, head = MODELS[model]
    data = {**series_data(path, known), **EDGES}
    task = {"kind": "forecasting", "history": 8, "horizon": 3, "stride": 2, **rest.pop("task", {})}
    training = {"epochs": epochs, "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.01}}
    transforms = [{"name": "impute"}, {"name": "standardize"}]
    experiment = make_experiment(task, architecture, head, data=data, transforms=transforms, training=training)
    run = RunDir.create(folder / "run")
    train(experiment, run, Places(folder, folder))
    return Predictor.load(run.path)


def test_error(predictor: Predictor, folder: Path) -> float:
    """Return the test MAE over that of the median of all training values, which is the best for white noise."""
    places = Places(folder, folder)
    splits = predictor.experiment.data.splits(places)
    (train_values,) = [splits["train"].target_values(0)]
    targets = predictor.experiment.task.examples(splits["test"]).targets
    simple = np.nanmean(np.abs(targets - np.nanmedian(train_values, axis=0)))
    return evaluate(predictor, places, figures=False).metrics["mae"] / float(simple)


test_error.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", slow_after(2, MODELS))
def test_what_only_the_future_knows_brings_nothing_to_who_does_not_know_it(model: str, tmp_path: Path) -> None:
    """f2 tells the same step's targets, and is known of the past alone: who beats the median has looked ahead."""
    path = noise(tmp_path / "series.csv", 1.0)
    assert test_error(train_on(path, model, tmp_path, known=0, epochs=8), tmp_path) > 0.97


@pytest.mark.parametrize("model", slow_after(2, MODELS))
def test_what_is_known_of_the_future_is_used(model: str, tmp_path: Path) -> None:
    path = noise(tmp_path / "series.csv", 1.0)
    assert test_error(train_on(path, model, tmp_path, known=1, epochs=25), tmp_path) < 0.2


# No forecast changes with what comes after its origin, and nothing learnt with what comes after training.


@pytest.mark.parametrize("model", MODELS)
def test_nothing_from_an_origin_on_changes_a_forecast(model: str, tmp_path: Path) -> None:
    rows = make_series([90], gaps=0.1)
    path = write_series(tmp_path / "series.csv", rows)
    architecture, head = MODELS[model]
    task = {"kind": "forecasting", "history": 8, "min_history": 3, "horizon": 3, "output": "quantiles"}
    task |= {"season": 2, "seasonal_mean": 2}
    training = {"epochs": 1, "batch_size": 32}
    transforms = [{"name": "impute"}, {"name": "standardize"}]
    data = series_data(path, 0, test=20, validation={"by": "cut", "cut": 20})
    experiment = make_experiment(task, architecture, head, data=data, transforms=transforms, training=training)
    run = RunDir.create(tmp_path / "run")
    train(experiment, run, Places(tmp_path, tmp_path))
    predictor = Predictor.load(run.path)
    splits = experiment.data.splits(Places(tmp_path, tmp_path))
    windows = experiment.task.examples(splits["test"])
    expected = predictor.answers(windows)
    values = windows.series.panel.values
    for index in (0, len(windows) // 2, len(windows) - 1):
        before = values.copy()
        origin = windows.place(index)[1]
        values[origin:] = 1e9
        found = predictor.answers(windows)
        for name, each in found.items():
            earlier = windows.origins <= origin
            np.testing.assert_array_equal(each[earlier], expected[name][earlier])
            assert not earlier.all() or index == len(windows) - 1
        values[:] = before
    values[windows.place(0)[1] - 1] += 5
    assert not np.allclose(predictor.answers(windows)["values"][0], expected["values"][0])


def splits_of(path: Path, **edges: Any) -> tuple[Any, dict[str, Windows], dict[str, Any]]:
    """Return an experiment, the windows of its splits, and the splits."""
    task = {"kind": "forecasting", "history": 8, "min_history": 3, "horizon": 4}
    transforms = [{"name": "impute"}, {"name": "standardize", "over": "series"}, {"name": "min_max"}]
    data = series_data(path, 1, **edges)
    experiment = make_experiment(task, "stacked_rnn", None, data=data, transforms=transforms)
    splits = experiment.data.splits(Places(path.parent, path.parent))
    return experiment, {name: experiment.task.examples(each) for name, each in splits.items()}, splits


@pytest.mark.parametrize("validation", [{"by": "cut", "cut": 12}, {"by": "folds", "folds": 3, "fold": 1, "steps": 7}])
def test_horizons_lie_wholly_in_their_split_and_training_never_reaches_across(
    validation: dict[str, Any], tmp_path: Path
) -> None:
    path = write_series(tmp_path / "series.csv", make_series([60, 45, 52]))
    _, windows, _ = splits_of(path, test=15, validation=validation)
    begin = {"train": 0, "validation": 33 if validation["by"] == "cut" else 31, "fold-2": 38, "test": 45}
    end = {
        "train": begin["validation"],
        "validation": 45 if validation["by"] == "cut" else 38,
        "fold-2": 45,
        "test": 60,
    }
    assert set(windows) == set(begin) - ({"fold-2"} if validation["by"] == "cut" else set())
    for name, each in windows.items():
        origins = each.origins.astype(int)
        assert origins.min() >= max(begin[name], 3), name
        assert (origins + each.horizon).max() == end[name], name
        assert set(each.numbers(np.arange(len(each)))) == ({0, 2} if name == "test" else {0, 1, 2}), name
        # Every horizon of the split there is: of a series that ends earlier, those before its end.
        first = [int(origins[each.edges[number]]) for number in range(3) if each.edges[number] < each.edges[number + 1]]
        assert set(first) == {max(begin[name], 3)}, name
    last = windows["train"]
    assert last.series.panel.lengths.max() == begin["validation"], "training does not even hold what comes later"


def test_a_season_that_history_does_not_hold_is_no_seasonal_mean() -> None:
    make_task(history=7, season=7, seasonal_mean=2)
    make_task(history="all", season=7, seasonal_mean=2)
    with pytest.raises(ValueError, match="needs a history of a season, 7 steps, or more; received 6"):
        make_task(history=6, season=7, seasonal_mean=2)


def test_series_that_training_has_not_seen_are_named_where_transforms_know_each(tmp_path: Path) -> None:
    path = write_series(tmp_path / "series.csv", make_series([40, 40]))
    task = {"kind": "forecasting", "history": 8, "horizon": 4}
    unseen = []
    for over in ("series", "training"):
        transforms = [{"name": "impute"}, {"name": "standardize", "over": over}]
        data = series_data(path, 0, validation={"by": "none"})
        options = {"transforms": transforms, "training": {"epochs": 1, "best": None}}
        experiment = make_experiment(task, "stacked_rnn", None, data=data, **options)
        run = RunDir.create(tmp_path / over)
        train(experiment, run, Places(tmp_path, tmp_path))
        predictor = Predictor.load(run.path)
        more = write_series(tmp_path / "more.csv", make_series([40, 40, 30]))
        given = experiment.data.read_input(more, predictor.signature)
        unseen.append(predictor.unseen_series(experiment.task.to_answer(given)))
    assert unseen == [["series-2"], []]


def test_what_is_learnt_never_sees_a_value_behind_the_training_part(tmp_path: Path) -> None:
    rows = make_series([60, 45], gaps=0.1)
    paths = [write_series(tmp_path / "one.csv", rows)]
    for values in rows:
        values[33:] = values[33:] * 1000 + 1e6
    paths.append(write_series(tmp_path / "other.csv", rows))
    learnt = []
    for path in paths:
        experiment, _, splits = splits_of(path, test=15, validation={"by": "cut", "cut": 12})
        prepared = prepare(experiment, splits)
        learnt.append((prepared.pipeline.learnt, prepared.learnt))
    flat = [tf.nest.flatten(each) for each in learnt]
    assert len(flat[0]) > 8
    for one, other in zip(*flat, strict=True):
        np.testing.assert_array_equal(one, other)
