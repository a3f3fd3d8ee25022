"""Metrics equal scikit-learn's, and depend neither on how examples are batched nor on rows that only fill a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from rnnlab.metrics import METRICS, Metric
from rnnlab.metrics.mase import naive_scale

# One case for each kind of target that a metric is for.
CASES = [
    pytest.param(name, kind, id=f"{name}-{kind}")
    for name in METRICS.names()
    for kind in sorted(METRICS.load(name).targets)
]
LANGUAGE = ("notes", "text", "tokens")  # what follows is asked for, and answers say how surprising it was
LEVELS = np.array([0.1, 0.5, 0.9], np.float32)
Arrays = dict[str, Any]


TAGS = ("O", "B-x", "I-x", "B-y", "I-y")


def metric_named(name: str) -> Metric:
    return METRICS.parse({"metric": name, **({"tags": TAGS} if "tags" in METRICS.load(name).targets else {})})


def random_case(kind: str, seed: int, examples: int = 57, classes: int = 5) -> tuple[Arrays, Arrays]:
    """Return answers and the batch to hold them against, for a kind of target; the last class occurs in neither."""
    if kind == "tags":
        answers, targets = random_tags(seed, examples)
    elif kind == "string":
        answers, targets = random_texts(seed, examples)
        asked = np.random.default_rng(seed).integers(1, 9, examples).astype(np.float64)
        answers |= {"asked": asked, "surprisal": asked * np.random.default_rng(seed + 1).random(examples)}
    else:
        answers, targets = random_forecasts(seed) if kind == "series" else random_answers(kind, seed, examples, classes)
    batch = {"targets": targets, "weights": np.ones(len(targets), np.float32)}
    if kind == "string":
        batch["texts"] = targets
    if kind == "series":
        batch["scale"] = np.random.default_rng(seed + 1).choice([0, np.nan, 0.5, 3, 40], (len(targets), 2)).astype("f4")
    return answers, batch


def random_forecasts(seed: int, examples: int = 57, horizon: int = 6) -> tuple[Arrays, np.ndarray]:
    """Return forecasts of two targets, a tenth of them unknown and a few 0, one window of nothing but zeros."""
    random = np.random.default_rng(seed)
    targets = (random.normal(size=(examples, horizon, 2)) * [1, 100] + [0, 500]).astype(np.float32)
    targets[random.random(targets.shape) < 0.1] = np.nan
    targets[random.random(targets.shape) < 0.1] = 0
    targets[7, :, 0] = 0
    values = (np.nan_to_num(targets) + random.normal(size=targets.shape) * [1, 10]).astype(np.float32)
    values[7, :, 0] = 0
    spread = np.abs(random.normal(size=targets.shape)).astype(np.float32) * np.array([1, 10], np.float32)
    quantiles = np.stack([values - spread, values, values + spread], axis=-1)
    return {"values": values, "quantiles": quantiles, "levels": LEVELS}, targets


def random_tags(seed: int, examples: int = 57) -> tuple[Arrays, np.ndarray]:
    """Return tags of up to nine steps, two thirds of them right, answers padded further than targets."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, len(TAGS), (examples, 9))
    answers = np.where(random.random(targets.shape) < 2 / 3, targets, random.integers(0, len(TAGS), targets.shape))
    padding = np.arange(9) >= random.integers(1, 10, examples)[:, None]
    answers, targets = (np.where(padding, -1, each) for each in (answers, targets))
    return {"tags": np.pad(answers, [(0, 0), (0, 2)], constant_values=-1)}, targets


def random_texts(seed: int, examples: int) -> tuple[Arrays, np.ndarray]:
    """Return texts of up to nine words of four, every second one right."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(["one", "two", "Two.", "été"], random.integers(1, 10))) for _ in range(examples)]
    answers = [text if number % 2 else text[: len(text) // 2] for number, text in enumerate(texts)]
    encoded = [np.array([text.encode() for text in each], np.bytes_) for each in (answers, texts)]
    return {"texts": encoded[0]}, encoded[1]


def random_answers(kind: str, seed: int, examples: int, classes: int) -> tuple[Arrays, np.ndarray]:
    random = np.random.default_rng(seed)
    if kind == "class":
        targets = random.integers(0, classes - 1, examples)
        scores = random.exponential(size=(examples, classes)) + 2 * np.eye(classes)[targets] * random.random(
            (examples, 1)
        )
        scores[:, -1] = 0
        return {"probabilities": (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)}, targets
    if kind == "labels":
        labels = (random.random((examples, classes)) < 0.4).astype(np.float32)
        probabilities = np.clip(0.6 * random.random(labels.shape) + 0.4 * labels, 0, 1).astype(np.float32)
        labels[:, -1] = probabilities[:, -1] = 0
        return {"probabilities": probabilities}, labels
    if kind in LANGUAGE:
        asked = random.integers(0, 40, examples).astype(np.float64)
        return {"surprisal": asked * random.random(examples), "asked": asked}, np.zeros(examples, np.float32)
    targets = (random.normal(size=(examples, classes)) * [1, 10, 0.1, 1, 1] + [0, 5, 1000, -3, 2]).astype(np.float32)
    return {"values": (targets + random.normal(size=targets.shape)).astype(np.float32)}, targets


def perfect_answers(kind: str, answers: Arrays, targets: np.ndarray) -> Arrays:
    if kind == "class":
        return {"probabilities": np.eye(answers["probabilities"].shape[1], dtype=np.float32)[targets]}
    if kind == "labels":
        return {"probabilities": targets}
    if kind == "numbers":
        return {"values": targets}
    if kind in LANGUAGE:
        return {**answers, "surprisal": 0 * answers["surprisal"]}
    if kind == "string":
        return {**answers, "texts": targets, "surprisal": 0 * answers["surprisal"]}
    if kind == "tags":
        return {"tags": targets}
    return {"values": targets, "quantiles": np.repeat(targets[..., None], len(LEVELS), axis=-1), "levels": LEVELS}


def evaluate(metric: Metric, answers: Arrays, batch: Arrays, batch_size: int = 1000) -> float:
    """Return the metric over batches, the last one filled up with rows of weight 0 that hold zeros."""
    added: dict[str, Any] = {}
    count = len(batch["targets"])
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        missing = max(0, start + batch_size - count) if start else 0
        sums = metric.sums(filled(answers, missing, rows=rows), filled(batch, missing, rows=rows))
        added = {name: added.get(name, 0) + np.asarray(each) for name, each in sums.items()}
    return metric.value(added)


def filled(arrays: Arrays, count: int, value: float = 0, rows: slice = slice(None)) -> Arrays:
    """Return some rows of a batch, or of answers to it, and as many of weight 0 behind them."""
    return {
        name: values if name == "levels" else fill(values[rows], count, 0 if name == "weights" else value)
        for name, values in arrays.items()
    }


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


def read_aloud(total: Callable[[float, float, float], float]) -> Callable[[Arrays, Arrays], float]:
    """Return the mean of a function of (target, value, scale) over known targets, None where it leaves one out."""

    def reference(answers: Arrays, batch: Arrays) -> float:
        found = []
        for (row, step, column), target in np.ndenumerate(batch["targets"].astype(np.float64)):
            value = float(answers["values"][row, step, column])
            each = None if np.isnan(target) else total(target, value, float(batch["scale"][row, column]))
            found += [] if each is None else [each]
        return float(np.mean(found))

    return reference


def known_pairs(answers: Arrays, batch: Arrays) -> tuple[np.ndarray, np.ndarray]:
    there = ~np.isnan(batch["targets"])
    return batch["targets"][there].astype(np.float64), answers["values"][there].astype(np.float64)


def percentage_error(answers: Arrays, batch: Arrays) -> float:
    targets, values = known_pairs(answers, batch)
    return float(100 * sklearn_metrics.mean_absolute_percentage_error(targets[targets != 0], values[targets != 0]))


def weighted_quantile_loss(answers: Arrays, batch: Arrays) -> float:
    there = ~np.isnan(batch["targets"])
    targets = batch["targets"][there].astype(np.float64)
    losses = [
        sklearn_metrics.mean_pinball_loss(targets, answers["quantiles"][there][:, number], alpha=float(level))
        for number, level in enumerate(LEVELS)
    ]
    return float(2 * np.mean(losses) / np.abs(targets).mean())


def coverage(answers: Arrays, batch: Arrays) -> float:
    there = ~np.isnan(batch["targets"])
    low, high = answers["quantiles"][there][:, 0], answers["quantiles"][there][:, -1]
    return float(np.mean([a <= y <= b for a, y, b in zip(low, batch["targets"][there], high, strict=True)]))


FORECAST_REFERENCES: dict[str, Callable[[Arrays, Arrays], float]] = {
    "mae": lambda answers, batch: sklearn_metrics.mean_absolute_error(*known_pairs(answers, batch)),
    "rmse": lambda answers, batch: sklearn_metrics.root_mean_squared_error(*known_pairs(answers, batch)),
    "mape": percentage_error,
    "smape": read_aloud(lambda y, given, scale: 200 * abs(y - given) / (abs(y) + abs(given)) if y or given else 0),
    "mase": read_aloud(lambda y, given, scale: abs(y - given) / scale if scale > 0 else None),
    "wql": weighted_quantile_loss,
    "coverage": coverage,
}

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
    kind = next(each for each in ("class", "labels", "numbers") if each in metric.targets)
    answers, batch = random_case(kind, seed)
    expected = REFERENCES[name](batch["targets"], answers[metric.needs].astype(np.float64))
    assert evaluate(metric, answers, batch) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", sorted(FORECAST_REFERENCES))
def test_a_metric_of_forecasts_equals_its_reference(name: str, seed: int) -> None:
    answers, batch = random_case("series", seed)
    expected = FORECAST_REFERENCES[name](answers, batch)
    assert evaluate(metric_named(name), answers, batch) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("negative_log_likelihood", 0.5),
        ("bits_per_token", 0.5 / np.log(2)),
        ("bits_per_character", 0.5 / np.log(2)),
        ("perplexity", np.exp(0.5)),
    ],
)
def test_surprisal_is_divided_once_by_all_that_was_asked(name: str, expected: float) -> None:
    answers = {"surprisal": np.array([1.0, 4.0, 0.0]), "asked": np.array([7.0, 3.0, 0.0])}
    batch = {"targets": np.zeros(3), "weights": np.ones(3, np.float32)}
    assert evaluate(metric_named(name), answers, batch, 2) == pytest.approx(expected)


@pytest.mark.parametrize("batch_size", [1, 8, 57, 64])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_batching_does_not_change_a_metric(name: str, kind: str, batch_size: int) -> None:
    metric = metric_named(name)
    answers, batch = random_case(kind, seed=0)
    assert evaluate(metric, answers, batch, batch_size) == pytest.approx(evaluate(metric, answers, batch), rel=1e-6)


@pytest.mark.parametrize("value", [0, np.nan])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_rows_that_fill_a_batch_do_not_count(name: str, kind: str, value: float) -> None:
    metric = metric_named(name)
    answers, batch = random_case(kind, seed=1)
    # A class is a whole number, which can't be NaN.
    whole = 0 if kind in ("class", "tags") else value
    sums = metric.sums(filled(answers, 7, whole if kind == "tags" else value), filled(batch, 7, whole))
    got = metric.value({key: np.asarray(each) for key, each in sums.items()})
    assert got == pytest.approx(evaluate(metric, answers, batch), rel=1e-12)


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("name", sorted(FORECAST_REFERENCES))
def test_what_is_answered_where_the_target_is_unknown_does_not_count(name: str, column: int) -> None:
    metric = metric_named(name)
    answers, batch = random_case("series", seed=1)
    expected = evaluate(metric, answers, batch)
    unknown = np.isnan(batch["targets"])
    assert unknown[..., column].any()
    for strange in (1e30, np.nan):
        other = {**answers, "values": np.where(unknown, strange, answers["values"])}
        other["quantiles"] = np.where(unknown[..., None], strange, answers["quantiles"])
        assert evaluate(metric, other, batch) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", sorted(set(FORECAST_REFERENCES) - {"wql", "coverage"}))
def test_a_forecast_that_is_no_number_is_not_passed_over(name: str) -> None:
    answers, batch = random_case("series", seed=1)
    batch["targets"][3, 2, 1], batch["scale"][3, 1] = 500, 1
    answers["values"][3, 2, 1] = np.nan
    assert np.isnan(evaluate(metric_named(name), answers, batch))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_nothing_to_count_is_not_a_number(name: str, kind: str) -> None:
    metric = metric_named(name)
    answers, batch = random_case(kind, seed=2)
    sums = metric.sums(answers, {**batch, "weights": np.zeros_like(batch["weights"])})
    assert np.isnan(metric.value({key: np.asarray(each) for key, each in sums.items()}))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_perfect_answers_are_better(name: str, kind: str) -> None:
    metric = metric_named(name)
    answers, batch = random_case(kind, seed=3)
    best = evaluate(metric, perfect_answers(kind, answers, batch["targets"]), batch)
    other = evaluate(metric, answers, batch)
    assert best > other if metric.better == "higher" else best < other
    assert metric.definition


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_sums_are_of_fixed_shape_and_add_over_replicas(name: str, kind: str) -> None:
    """In a graph traced once for every batch size, on each replica of a mirrored strategy."""
    import tensorflow as tf

    metric = metric_named(name)
    answers, batch = random_case(kind, seed=4)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])

    @tf.function
    def sums_on_replicas(given: Any, asked: Any) -> Any:
        sums = strategy.run(metric.sums, (given, asked))
        return {key: strategy.reduce("SUM", each, axis=None) for key, each in sums.items()}

    def specs(arrays: Arrays) -> Any:
        return {
            key: tf.TensorSpec(values.shape if key == "levels" else [None, *values.shape[1:]], values.dtype)
            for key, values in arrays.items()
        }

    traced = sums_on_replicas.get_concrete_function(specs(answers), specs(batch))
    assert all(each.shape.is_fully_defined() for each in traced.structured_outputs.values())
    sums = traced(*({key: tf.constant(values) for key, values in each.items()} for each in (answers, batch)))
    got = metric.value({key: each.numpy() for key, each in sums.items()})
    assert got == pytest.approx(evaluate(metric, answers, batch), rel=1e-6)


def against(targets: np.ndarray) -> Arrays:
    return {"targets": targets, "weights": np.ones(len(targets), np.float32)}


def warning_of(name: str, answers: Arrays, batch: Arrays) -> str | None:
    metric = metric_named(name)
    return metric.warning({key: np.asarray(each) for key, each in metric.sums(answers, batch).items()})


def test_targets_that_are_zero_have_no_percentage_and_are_told_of() -> None:
    targets = np.array([[[2.0], [0.0], [-4.0]], [[1e-9], [1.0], [np.nan]]], np.float32)
    answers = {"values": np.array([[[3.0], [5.0], [-3.0]], [[7.0], [1.0], [0.0]]], np.float32)}
    assert evaluate(metric_named("mape"), answers, against(targets)) == pytest.approx(100 * (0.5 + 0.25 + 0) / 3)
    assert warning_of("mape", answers, against(targets)) == "2 of 5 targets are 0 and left out"
    assert warning_of("mape", answers, against(np.ones_like(targets))) is None


def test_targets_without_a_scale_are_told_of() -> None:
    targets, answers = np.ones((3, 2, 1), np.float32), {"values": np.zeros((3, 2, 1), np.float32)}
    batch = {**against(targets), "scale": np.array([[2.0], [0.0], [np.nan]], np.float32)}
    assert evaluate(metric_named("mase"), answers, batch) == 0.5
    assert warning_of("mase", answers, batch) == "4 of 6 targets are of series without a scale, and left out"
    assert np.isnan(evaluate(metric_named("mase"), answers, against(targets)))


def test_the_naive_scale_is_the_mean_of_known_seasonal_differences() -> None:
    values = np.array([[1, 5], [2, 5], [4, np.nan], [np.nan, 5], [7, np.nan]], np.float32)
    np.testing.assert_array_equal(naive_scale(values, 2), [3, 0])
    np.testing.assert_array_equal(naive_scale(values, 1), [1.5, 0])
    np.testing.assert_array_equal(naive_scale(values, 9), [np.nan, np.nan])


def test_smape_goes_from_0_to_200() -> None:
    targets = np.array([[[0.0], [3.0], [-3.0]]], np.float32)
    assert evaluate(metric_named("smape"), {"values": targets}, against(targets)) == 0
    opposite = {"values": -targets[:, 1:]}
    assert evaluate(metric_named("smape"), opposite, against(targets[:, 1:])) == 200


def test_the_median_alone_has_the_weighted_absolute_error() -> None:
    answers, batch = random_case("series", seed=0)
    only = {"quantiles": answers["values"][..., None], "levels": np.array([0.5], np.float32)}
    targets, values = known_pairs(answers, batch)
    expected = np.abs(targets - values).sum() / np.abs(targets).sum()
    assert evaluate(metric_named("wql"), only, batch) == pytest.approx(expected, rel=1e-6)


def test_a_target_on_the_edge_is_covered() -> None:
    targets = np.full((2, 3, 1), 0.1, np.float32)
    answers = {"quantiles": np.stack([targets, targets + 1], axis=-1), "levels": LEVELS[[0, 2]]}
    assert evaluate(metric_named("coverage"), answers, against(targets)) == 1
    assert not metric_named("coverage").ranks


def test_a_baseline_without_quantiles_has_no_value_for_what_needs_them() -> None:
    from rnnlab.evaluation import score

    answers, batch = random_case("series", seed=0)
    metrics = {name: metric_named(name) for name in ("mae", "wql")}
    both, alone = score(answers, batch, metrics), score({"values": answers["values"]}, batch, metrics)
    assert np.isfinite(list(both.values())).all()
    assert alone["mae"] == both["mae"]
    assert np.isnan(alone["wql"])


def test_log_loss_of_certain_and_wrong_answers_is_finite() -> None:
    answers, targets = {"probabilities": np.eye(3, dtype=np.float32)[[0, 1, 1]]}, np.array([0, 1, 2])
    expected = sklearn_metrics.log_loss(targets, answers["probabilities"])
    assert evaluate(metric_named("log_loss"), answers, against(targets)) == pytest.approx(expected, rel=1e-6)


def test_r2_far_from_zero_keeps_its_digits() -> None:
    random = np.random.default_rng(0)
    targets = (1e4 + random.normal(size=(500, 1))).astype(np.float32)
    values = (targets + 0.1 * random.normal(size=targets.shape)).astype(np.float32)
    expected = sklearn_metrics.r2_score(targets.astype(np.float64), values.astype(np.float64))
    assert evaluate(metric_named("r2"), {"values": values}, against(targets), 64) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_r2_of_a_constant_is_one_when_exact_and_else_zero(constant: float) -> None:
    targets = np.full((333, 1), constant, np.float32)
    assert evaluate(metric_named("r2"), {"values": targets}, against(targets), 10) == 1
    assert evaluate(metric_named("r2"), {"values": targets + 1}, against(targets), 10) == 0
