"""Metrics equal scikit-learn's, and depend neither on how examples are batched nor on rows that only fill a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from rnnlab.metrics import METRICS, Metric

NAMES = METRICS.names()


def metric_named(name: str) -> Metric:
    return METRICS.load(name)()


def random_case(metric: Metric, seed: int, examples: int = 57, classes: int = 5) -> tuple[dict[str, Any], np.ndarray]:
    """Return answers and targets of the kind that the metric is for; the last class occurs in neither."""
    random = np.random.default_rng(seed)
    if metric.target == "class":
        targets = random.integers(0, classes - 1, examples)
        scores = random.exponential(size=(examples, classes)) + 2 * np.eye(classes)[targets] * random.random(
            (examples, 1)
        )
        scores[:, -1] = 0
        return {"probabilities": (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)}, targets
    if metric.target == "labels":
        labels = (random.random((examples, classes)) < 0.4).astype(np.float32)
        probabilities = np.clip(0.6 * random.random(labels.shape) + 0.4 * labels, 0, 1).astype(np.float32)
        labels[:, -1] = probabilities[:, -1] = 0
        return {"probabilities": probabilities}, labels
    targets = (random.normal(size=(examples, classes)) * [1, 10, 0.1, 1, 1] + [0, 5, 1000, -3, 2]).astype(np.float32)
    return {"values": (targets + random.normal(size=targets.shape)).astype(np.float32)}, targets


def perfect_answers(metric: Metric, answers: dict[str, Any], targets: np.ndarray) -> dict[str, Any]:
    if metric.target == "class":
        return {"probabilities": np.eye(answers["probabilities"].shape[1], dtype=np.float32)[targets]}
    return {metric.reads: targets}


def evaluate(metric: Metric, answers: dict[str, Any], targets: np.ndarray, batch_size: int = 1000) -> float:
    """Return the metric over batches, the last one filled up with rows of weight 0 that hold zeros."""
    added: dict[str, Any] = {}
    for start in range(0, len(targets), batch_size):
        part = slice(start, start + batch_size)
        missing = max(0, start + batch_size - len(targets)) if start else 0
        batch = {name: fill(values[part], missing) for name, values in answers.items()}
        weights = fill(np.ones(len(targets[part]), np.float32), missing)
        sums = metric.sums(batch, fill(targets[part], missing), weights)
        added = {name: added.get(name, 0) + np.asarray(each) for name, each in sums.items()}
    return metric.value(added)


def fill(values: np.ndarray, rows: int, value: float = 0) -> np.ndarray:
    return np.concatenate([values, np.full((rows, *values.shape[1:]), value, values.dtype)])


def expected_calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, read aloud."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    error = 0.0
    for edge in range(15):
        inside = (confidence > edge / 15) & (confidence <= (edge + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


def mean_binary_log_loss(targets: np.ndarray, probabilities: np.ndarray) -> float:
    columns = zip(targets.T, probabilities.T, strict=True)
    return float(np.mean([sklearn_metrics.log_loss(each, given, labels=[0, 1]) for each, given in columns]))


REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda targets, given: sklearn_metrics.accuracy_score(targets, given.argmax(axis=1)),
    "macro_f1": lambda targets, given: sklearn_metrics.f1_score(targets, given.argmax(axis=1), average="macro"),
    "log_loss": lambda targets, given: sklearn_metrics.log_loss(
        targets, given.astype(np.float32), labels=range(given.shape[1])
    ),
    "calibration_error": expected_calibration_error,
    "subset_accuracy": lambda targets, given: sklearn_metrics.accuracy_score(targets, given > 0.5),
    "label_f1": lambda targets, given: sklearn_metrics.f1_score(
        targets, given > 0.5, average="macro", zero_division=np.nan
    ),
    "binary_log_loss": mean_binary_log_loss,
    "mae": sklearn_metrics.mean_absolute_error,
    "rmse": sklearn_metrics.root_mean_squared_error,
    "r2": sklearn_metrics.r2_score,
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_metric_equals_its_reference(name: str, seed: int) -> None:
    metric = metric_named(name)
    answers, targets = random_case(metric, seed)
    expected = REFERENCES[name](targets, answers[metric.reads].astype(np.float64))
    assert evaluate(metric, answers, targets) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 8, 57, 64])
@pytest.mark.parametrize("name", NAMES)
def test_batching_does_not_change_a_metric(name: str, batch_size: int) -> None:
    metric = metric_named(name)
    answers, targets = random_case(metric, seed=0)
    assert evaluate(metric, answers, targets, batch_size) == pytest.approx(evaluate(metric, answers, targets), rel=1e-6)


@pytest.mark.parametrize("value", [0, np.nan])
@pytest.mark.parametrize("name", NAMES)
def test_rows_that_fill_a_batch_do_not_count(name: str, value: float) -> None:
    metric = metric_named(name)
    answers, targets = random_case(metric, seed=1)
    filled = {key: fill(values, 7, value) for key, values in answers.items()}
    weights = fill(np.ones(len(targets), np.float32), 7)
    sums = metric.sums(filled, fill(targets, 7), weights)
    got = metric.value({key: np.asarray(each) for key, each in sums.items()})
    assert got == pytest.approx(evaluate(metric, answers, targets), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_count_is_not_a_number(name: str) -> None:
    metric = metric_named(name)
    answers, targets = random_case(metric, seed=2)
    sums = metric.sums(answers, targets, np.zeros(len(targets), np.float32))
    assert np.isnan(metric.value({key: np.asarray(each) for key, each in sums.items()}))


@pytest.mark.parametrize("name", NAMES)
def test_perfect_answers_are_better(name: str) -> None:
    metric = metric_named(name)
    answers, targets = random_case(metric, seed=3)
    best = evaluate(metric, perfect_answers(metric, answers, targets), targets)
    other = evaluate(metric, answers, targets)
    assert best > other if metric.better == "higher" else best < other
    assert metric.definition


@pytest.mark.parametrize("name", NAMES)
def test_sums_are_of_fixed_shape_and_add_over_replicas(name: str) -> None:
    """In a graph traced once for every batch size, on each replica of a mirrored strategy."""
    import tensorflow as tf

    metric = metric_named(name)
    answers, targets = random_case(metric, seed=4)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    shape = [None, *answers[metric.reads].shape[1:]]

    @tf.function
    def sums_on_replicas(given: Any, asked: Any, weights: Any) -> Any:
        sums = strategy.run(metric.sums, ({metric.reads: given}, asked, weights))
        return {key: strategy.reduce("SUM", each, axis=None) for key, each in sums.items()}

    traced = sums_on_replicas.get_concrete_function(
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec([None, *targets.shape[1:]], tf.as_dtype(targets.dtype)),
        tf.TensorSpec([None], tf.float32),
    )
    assert all(each.shape.is_fully_defined() for each in traced.structured_outputs.values())
    given = tf.constant(answers[metric.reads])
    sums = traced(given, tf.constant(targets), tf.ones(len(targets)))
    got = metric.value({key: each.numpy() for key, each in sums.items()})
    assert got == pytest.approx(evaluate(metric, answers, targets), rel=1e-6)


def test_log_loss_of_certain_and_wrong_answers_is_finite() -> None:
    answers, targets = {"probabilities": np.eye(3, dtype=np.float32)[[0, 1, 1]]}, np.array([0, 1, 2])
    expected = sklearn_metrics.log_loss(targets, answers["probabilities"])
    assert evaluate(metric_named("log_loss"), answers, targets) == pytest.approx(expected, rel=1e-6)


def test_r2_far_from_zero_keeps_its_digits() -> None:
    random = np.random.default_rng(0)
    targets = (1e4 + random.normal(size=(500, 1))).astype(np.float32)
    values = (targets + 0.1 * random.normal(size=targets.shape)).astype(np.float32)
    expected = sklearn_metrics.r2_score(targets.astype(np.float64), values.astype(np.float64))
    assert evaluate(metric_named("r2"), {"values": values}, targets, 64) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_r2_of_a_constant_is_one_when_exact_and_else_zero(constant: float) -> None:
    targets = np.full((333, 1), constant, np.float32)
    assert evaluate(metric_named("r2"), {"values": targets}, targets, 10) == 1
    assert evaluate(metric_named("r2"), {"values": targets + 1}, targets, 10) == 0
