"""What every transform promises, read off the registry, and each against an independent reference.

Axes: B batch, N examples, T time, F features, S series, H horizon, C targets, Q values of one answer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from rnnlab.errors import DataError, UserError
from rnnlab.examples import FlatExamples, Subset
from rnnlab.preparation import Pipeline, from_arrays, to_arrays
from rnnlab.signature import Field, Signature
from rnnlab.training import prepare
from rnnlab.transforms import TRANSFORMS, Transform, masked_moments

from .made import LENGTHS, make_examples, make_experiment, make_sequences, make_signature, pad_with
from .variants import Configuration, configurations, is_accepted, keys

FIELD = frozenset({"field", "columns"})  # of names, which tests of their own try
RAW = {"scale": 4.0, "offset": 20.0}
EXAMPLES = make_examples("class", **RAW)
ROWS = [EXAMPLES.read(index)["sequence"] for index in range(len(EXAMPLES))]
STEPS = EXAMPLES.values


OF_SERIES = [name for name in TRANSFORMS.names() if "series" in TRANSFORMS.load(name).reads]


def all_transforms() -> list[Transform]:
    return [
        TRANSFORMS.parse({"name": name, **configuration})
        for name in OF_SERIES
        for configuration in configurations(TRANSFORMS.load(name), FIELD)
    ]


def made(name: str, **values: Any) -> Transform:
    return TRANSFORMS.parse({"name": name, **values})


def parametrize(transforms: list[Transform]) -> Any:
    return pytest.mark.parametrize("transform", transforms, ids=lambda each: str(TRANSFORMS.dump(each)))


every = parametrize([each for each in all_transforms() if not each.per_series])


def applied(transform: Transform, values: Any, lengths: Any, fitted: FlatExamples = EXAMPLES) -> list[np.ndarray]:
    """Return the valid steps of each row; where numbers are those of a series, each row is of the one of its place."""
    if transform.per_series:
        chain = Chain([transform], replace(fitted, groups=np.arange(len(fitted))))
        window, after = chain.windows(values, lengths, np.arange(len(values)))[-1]
        return [row[:length] for row, length in zip(window.numpy(), after.numpy(), strict=True)]
    pipeline = Pipeline.fit([transform], fitted)
    fields, after = pipeline.apply({"sequence": values}, lengths)
    return [row[:length] for row, length in zip(np.asarray(fields["sequence"]), np.asarray(after), strict=True)]


class Chain:
    """Transforms of windows, in order: what the pipeline does for forecasts, one plain step at a time."""

    def __init__(self, transforms: list[Transform], train: FlatExamples) -> None:
        self.transforms, self.learnt, self.signatures = transforms, [], [train.signature]
        for transform in transforms:
            learnt = transform.fit(train)
            numbers = np.arange(len(train)) if train.groups is None else train.groups
            rows = [
                transform.apply(values[np.newaxis], tf.constant([len(values)]), gathered(transform, learnt, [number]))
                for values, number in ((train.read(at)["sequence"], numbers[at]) for at in range(len(train)))
            ]
            signature = transform.signature(train.signature, learnt)
            sequences = [values.numpy()[0, : after.numpy()[0]] for values, after in rows]
            train = replace(FlatExamples.from_sequences(signature, train.ids, sequences), groups=train.groups)
            self.learnt.append(learnt)
            self.signatures.append(signature)

    def windows(self, window: Any, lengths: Any, series: Any) -> list[tuple[Any, Any]]:
        """Return window and lengths before the first transform, and after each."""
        found = [(tf.convert_to_tensor(window), tf.convert_to_tensor(lengths, tf.int32))]
        for transform, learnt in zip(self.transforms, self.learnt, strict=True):
            found.append(transform.apply(*found[-1], gathered(transform, learnt, series)))
        return found

    def extend(self, ahead: Any, window: Any, lengths: Any, series: Any) -> Any:
        ahead = tf.convert_to_tensor(ahead)
        stages = self.windows(window, lengths, series)
        for transform, learnt, before in zip(self.transforms, self.learnt, stages, strict=False):
            ahead = transform.extend(ahead, *before, gathered(transform, learnt, series))
        return ahead

    def invert(self, answers: Any, window: Any, lengths: Any, series: Any) -> Any:
        answers = tf.convert_to_tensor(answers)
        stages = self.windows(window, lengths, series)[:-1]
        for transform, learnt, before in reversed(list(zip(self.transforms, self.learnt, stages, strict=True))):
            answers = transform.invert(answers, *before, gathered(transform, learnt, series))
        return answers


def gathered(transform: Transform, learnt: dict[str, np.ndarray], series: Any) -> dict[str, Any]:
    """Return what was learnt as the other methods are given it."""
    if not transform.per_series:
        return learnt
    series = tf.minimum(series, len(learnt["chosen"]) - 1)
    return {name: tf.gather(each, series)[:, tf.newaxis] for name, each in learnt.items()}


def punched(values: np.ndarray, seed: int = 0, share: float = 0.3) -> np.ndarray:
    """Return values, some of them missing, but of each feature the one in the middle known."""
    missing = np.random.default_rng(seed).random(values.shape) < share
    missing[len(values) // 2] = False
    return np.where(missing, np.float32(np.nan), values)


def assert_rows_equal(one: list[np.ndarray], other: list[np.ndarray], tolerance: float = 1e-6) -> None:
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.shape == right.shape
        np.testing.assert_allclose(left, right, atol=tolerance, rtol=tolerance)


@every
def test_what_stands_in_the_padding_never_matters(transform: Transform) -> None:
    expected = applied(transform, pad_with(ROWS, max(LENGTHS)), LENGTHS)
    for width, garbage in ((12, np.nan), (12, None), (15, np.nan), (40, None)):
        assert_rows_equal(applied(transform, pad_with(ROWS, width, garbage), LENGTHS), expected)


@every
def test_each_row_is_prepared_as_it_is_alone(transform: Transform) -> None:
    together = applied(transform, pad_with(ROWS, 12), LENGTHS)
    alone = [applied(transform, row[np.newaxis], [len(row)])[0] for row in ROWS]
    assert_rows_equal(together, alone)


@every
def test_a_graph_prepares_as_eager_execution_does(transform: Transform) -> None:
    """An exported model runs the graph, with widths that are not known while it is made."""
    pipeline = Pipeline.fit([transform], EXAMPLES)
    graph = tf.function(
        lambda values, lengths: pipeline.apply({"sequence": values}, lengths),
        input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int32)],
    )
    values, lengths = pad_with(ROWS, 14, None), np.array(LENGTHS, np.int32)
    eager, (fields, after) = pipeline.apply({"sequence": values}, lengths), graph(values, lengths)
    np.testing.assert_allclose(fields["sequence"], eager[0]["sequence"], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(after, eager[1])


@every
def test_what_comes_out_is_what_the_signature_says(transform: Transform) -> None:
    prepared = Pipeline.fit([transform], EXAMPLES).prepare(EXAMPLES)
    assert prepared.values.dtype == np.float32
    assert prepared.values.shape[1:] == prepared.signature.inputs[0].shape
    assert (prepared.lengths >= 1).all()
    assert np.isfinite(prepared.values).all()


@every
def test_a_transform_comes_back_from_the_run_folder(transform: Transform) -> None:
    pipeline = Pipeline.fit([transform, transform], EXAMPLES)
    again, task = from_arrays(to_arrays(pipeline, {"scale": np.ones(2)}), pipeline.transforms, EXAMPLES.signature)
    assert task.keys() == {"scale"}
    np.testing.assert_array_equal(again.prepare(EXAMPLES).values, pipeline.prepare(EXAMPLES).values)


@every
def test_nothing_is_learnt_from_validation_and_test(transform: Transform) -> None:
    """Invariant 8."""

    def learnt(seed: int) -> list[dict[str, np.ndarray]]:
        others = make_examples("class", seed=seed, scale=10.0**seed, offset=-(10.0**seed))
        raw = {"train": EXAMPLES, "validation": others, "test": make_examples("class", seed=seed + 1, scale=99.0)}
        experiment = make_experiment(
            "classification", "stacked_rnn", "classes", transforms=[TRANSFORMS.dump(transform), "standardize"]
        )
        return list(prepare(experiment, raw).pipeline.learnt)

    for one, other in zip(learnt(1), learnt(4), strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_examples_left_out_of_a_subset_teach_nothing() -> None:
    outlier = make_examples("class", lengths=[5], scale=1e6)
    joined = FlatExamples.from_sequences(
        EXAMPLES.signature, [*EXAMPLES.ids, "outlier"], [*ROWS, outlier.read(0)["sequence"]]
    )
    subset = Subset(joined, np.arange(len(EXAMPLES)))
    for name in ("standardize", "min_max"):
        one, other = made(name).fit(subset), made(name).fit(EXAMPLES)
        assert all(np.array_equal(one[key], other[key]) for key in other)


@every
def test_later_transforms_learn_from_what_earlier_ones_prepared(transform: Transform) -> None:
    first = Pipeline.fit([transform], EXAMPLES)
    both = Pipeline.fit([transform, made("standardize")], EXAMPLES)
    expected = made("standardize").fit(first.prepare(EXAMPLES))
    assert all(np.array_equal(both.learnt[1][key], expected[key]) for key in expected)


@every
def test_a_file_holds_what_memory_holds(transform: Transform, tmp_path: Path) -> None:
    pipeline = Pipeline.fit([transform], EXAMPLES)
    memory, file = pipeline.prepare(EXAMPLES), pipeline.prepare(EXAMPLES, tmp_path / "cache" / "train")
    np.testing.assert_array_equal(memory.lengths, file.lengths)
    for index in range(len(EXAMPLES)):
        np.testing.assert_array_equal(memory.read(index)["sequence"], file.read(index)["sequence"])
    assert isinstance(file.values.base, np.memmap) or isinstance(file.values, np.memmap)


@every
def test_chunks_make_no_difference(transform: Transform, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for rounding: TensorFlow adds up, and takes logarithms, in another order in a batch of another width."""
    pipeline = Pipeline.fit([transform], EXAMPLES)
    expected = pipeline.prepare(EXAMPLES)
    monkeypatch.setattr("rnnlab.preparation.CHUNK_STEPS", 10)
    found = pipeline.prepare(EXAMPLES)
    np.testing.assert_array_equal(found.lengths, expected.lengths)
    indices = range(len(EXAMPLES))
    assert_rows_equal(*([each.read(index)["sequence"] for index in indices] for each in (found, expected)))


def every_key() -> list[Any]:
    found = []
    for name in OF_SERIES:
        for key, before, after in keys(TRANSFORMS.load(name), FIELD):
            if not is_accepted(TRANSFORMS.load(name), before):  # without the key, which another one needs
                before = {**after, key: after[key] - 1}
            found.append(pytest.param(name, before, after, id=f"{name}-{key}-{after[key]}"))
    return found


@pytest.mark.parametrize(("name", "before", "after"), every_key())
def test_every_key_changes_what_comes_out(name: str, before: Configuration, after: Configuration) -> None:
    """Invariant 5."""
    rows = [punched(row, number) for number, row in enumerate(ROWS)]
    one, other = (applied(made(name, **each), pad_with(rows, 12), LENGTHS) for each in (before, after))
    assert not all(np.array_equal(left, right, equal_nan=True) for left, right in zip(one, other, strict=True))


@every
def test_the_field_is_the_one_that_is_prepared(transform: Transform) -> None:
    signature = replace(EXAMPLES.signature, inputs=(replace(EXAMPLES.signature.inputs[0], name="pressure"),))
    renamed = replace(EXAMPLES, signature=signature)
    other = TRANSFORMS.parse({**TRANSFORMS.dump(transform), "field": "pressure"})
    found = Pipeline.fit([other], renamed).prepare(renamed)
    np.testing.assert_array_equal(found.values, Pipeline.fit([transform], EXAMPLES).prepare(EXAMPLES).values)


@every
def test_a_field_that_the_data_lacks_is_refused(transform: Transform) -> None:
    other = TRANSFORMS.parse({**TRANSFORMS.dump(transform), "field": "pressure"})
    with pytest.raises(DataError, match="pressure"):
        Pipeline.fit([other], EXAMPLES).prepare(EXAMPLES)


# Each against a reference.


def test_standardize_equals_scikit_learn_on_the_stacked_steps() -> None:
    scaler = StandardScaler().fit(STEPS.astype(np.float64))
    found = applied(made("standardize"), pad_with(ROWS, 12), LENGTHS)
    np.testing.assert_allclose(np.concatenate(found), scaler.transform(STEPS), atol=1e-5)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.floats(1e-3, 1e4),
    st.floats(-1e4, 1e4),
    st.integers(0, 99),
)
def test_moments_equal_numpy_on_the_stacked_steps(lengths: list[int], scale: float, offset: float, seed: int) -> None:
    examples = make_examples("numbers", lengths, seed, scale, offset)
    mean, deviation = masked_moments(examples, "sequence")
    steps = examples.values.astype(np.float64)
    np.testing.assert_allclose(mean, steps.mean(axis=0), rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(deviation, steps.std(axis=0), rtol=1e-7, atol=1e-9 * (scale + abs(offset)))


def test_moments_stay_exact_far_from_zero() -> None:
    examples = make_examples("class", [500, 300], offset=2.0**20)
    _, deviation = masked_moments(examples, "sequence")
    np.testing.assert_allclose(deviation, examples.values.astype(np.float64).std(axis=0), rtol=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 5.0)])
def test_min_max_equals_scikit_learn_on_the_stacked_steps(low: float, high: float) -> None:
    scaler = MinMaxScaler((low, high)).fit(STEPS)
    found = applied(made("min_max", low=low, high=high), pad_with(ROWS, 12), LENGTHS)
    np.testing.assert_allclose(np.concatenate(found), scaler.transform(STEPS), atol=1e-5)


def test_min_max_maps_values_outside_the_training_range_outside() -> None:
    (found,) = applied(made("min_max"), np.full((1, 1, 3), 1e3, np.float32), [1])
    assert (found > 1).all()


@pytest.mark.parametrize("value", [0.0, -7.5, 0.1, 1e8, 1e-30])
@pytest.mark.parametrize("name", ["standardize", "min_max"])
def test_a_constant_feature_stays_finite_and_constant(name: str, value: float) -> None:
    """Also where adding up the same number many times gives a deviation of rounding alone."""
    rows = [row.copy() for row in make_sequences([50, 70])]
    for row in rows:
        row[:, 1] = value
    constant = FlatExamples.from_sequences(make_signature("class"), ["a", "b"], rows)
    found = np.concatenate(applied(made(name), pad_with(rows, 70), [50, 70], constant))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-6)
    assert found[:, 0].std() > 0.1


@pytest.mark.parametrize("name", ["standardize", "min_max"])
@given(size=st.integers(-44, 36), length=st.integers(1, 8))
def test_scaled_values_are_finite_at_any_size(name: str, size: int, length: int) -> None:
    (row,) = make_sequences([length], seed=length)
    row = row * np.float32(10.0**size)
    examples = FlatExamples.from_sequences(make_signature("class"), ["a"], [row])
    (found,) = applied(made(name), row[np.newaxis], [length], examples)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 10


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.integers(1, 14),
    st.sampled_from(["start", "end"]),
    st.integers(0, 4),
)
def test_truncate_equals_slicing_each_row(lengths: list[int], most: int, keep: str, more: int) -> None:
    rows = make_sequences(lengths)
    padded = pad_with(rows, max(lengths) + more, np.nan)
    found = applied(made("truncate", max_length=most, keep=keep), padded, lengths)
    expected = [row[:most] if keep == "start" else row[-most:] for row in rows]
    assert_rows_equal(found, expected, tolerance=0)


def test_no_transforms_leave_the_values_as_they_are() -> None:
    prepared = Pipeline.fit([], EXAMPLES).prepare(EXAMPLES)
    for index, row in enumerate(ROWS):
        np.testing.assert_array_equal(prepared.read(index)["sequence"], row)


def test_no_examples_are_prepared_into_none(tmp_path: Path) -> None:
    pipeline = Pipeline.fit([made("standardize")], EXAMPLES)
    none = Subset(EXAMPLES, np.zeros(0, np.int64))
    for store in (None, tmp_path / "cache"):
        assert pipeline.prepare(none, store).values.shape == (0, 3)


# Windows: what is ahead of them, and the way back.

HORIZON = 5
NAMES = ("y0", "y1", "past", "future", "weekday")
FORECAST = Signature(
    (Field("sequence", "series", (5,), NAMES), Field("future", "future", (2,), NAMES[3:])),
    Field("target", "series", (2,), NAMES[:2]),
)
WINDOWS = {"lengths": (9, 3, 14, 6, 11), "series": np.array([2, 0, 1, 2, 9])}  # 9: training has not seen it


def make_series(lengths: Any = (40, 25, 31), seed: int = 0) -> list[np.ndarray]:
    """Return series (T, F): seasonal walks, each of a level of its own; two columns are known of the future."""
    found = []
    for number, length in enumerate(lengths):
        random = np.random.default_rng([seed, number])
        steps = np.arange(length)[:, np.newaxis]
        walks = 20 + 10 * number + random.normal(size=(length, 4)).cumsum(axis=0) / 4 + np.sin(steps)
        found.append(np.concatenate([walks, steps % 7], axis=1).astype(np.float32))
    return found


SERIES = make_series()
TRAIN = FlatExamples.from_sequences(FORECAST, ["a", "b", "c"], SERIES, groups=np.arange(3))


def make_windows(lengths: Any, seed: int = 0, width: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return windows, padded with garbage, and what is ahead of them, all of it known."""
    rows = make_series([length + HORIZON for length in lengths], seed + 1)
    window = pad_with([row[:-HORIZON] for row in rows], width or max(lengths), None, seed)
    return window, np.stack([row[-HORIZON:] for row in rows])


def forecasting() -> list[Transform]:
    more = [
        made("difference", lag=3),
        made("difference", lag=7),
        made("log", offset=1.0, columns=["y1"]),
        made("impute", method="seasonal", season=4, indicator=True),
        made("standardize", over="window", steps=1, divide=False),
        made("min_max", over="window", low=-1.0),
        made("min_max", over="series", columns=["weekday", "y0"]),
    ]
    return [each for each in [*all_transforms(), *more] if each.forecasts]


every_forecasting = parametrize(forecasting())
LINKS = [
    made("standardize"),
    made("standardize", over="series"),
    made("standardize", over="window", steps=4),
    made("min_max", over="window"),
    made("log", offset=60.0),  # of differences, too
    made("difference", lag=1),
    made("difference", lag=3),
    made("impute", indicator=True),
    made("truncate", max_length=4, keep="end"),
]
CHAINS = [[one, other] for one in LINKS for other in LINKS]


def test_whatever_can_forecast_is_tried() -> None:
    assert {TRANSFORMS.name_of(each) for each in forecasting()} == set(OF_SERIES)
    assert {TRANSFORMS.name_of(each) for each in LINKS} == set(OF_SERIES)


def assert_inverted(chain: Chain, window: Any, ahead: Any, lengths: Any, series: Any) -> None:
    extended = chain.extend(ahead, window, lengths, series)
    assert extended.shape == (*ahead.shape[:2], *chain.signatures[-1].inputs[0].shape)
    back = chain.invert(extended[..., :2, tf.newaxis], window, lengths, series)
    np.testing.assert_allclose(back[..., 0], ahead[..., :2], rtol=1e-4, atol=1e-4)


@parametrize(forecasting())
@given(st.lists(st.integers(1, 16), min_size=1, max_size=6), st.integers(0, 99), st.integers(0, 5))
@settings(max_examples=15)
def test_what_is_extended_is_inverted(transform: Transform, lengths: list[int], seed: int, more: int) -> None:
    window, ahead = make_windows(lengths, seed, max(lengths) + more)
    series = np.random.default_rng(seed).integers(0, 5, len(lengths))
    assert_inverted(Chain([transform], TRAIN), window, ahead, lengths, series)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: " ".join(TRANSFORMS.name_of(each) for each in chain))
def test_a_chain_is_inverted_in_reverse(chain: list[Transform]) -> None:
    chained = Chain(chain, TRAIN)
    for seed in range(3):
        window, ahead = make_windows(WINDOWS["lengths"], seed, 17)
        assert_inverted(chained, window, ahead, WINDOWS["lengths"], WINDOWS["series"])


@parametrize([each for each in forecasting() if getattr(each, "over", None) != "window"])
def test_what_is_extended_is_what_applying_makes_of_the_longer_window(transform: Transform) -> None:
    """But for what a window's own numbers give, which know nothing of later steps."""
    chain, lengths = Chain([transform], TRAIN), [9, 14, 11]
    window, ahead = make_windows(lengths)
    extended = chain.extend(ahead, window, lengths, [2, 1, 9]).numpy()
    for row, length in enumerate(lengths):
        longer = np.concatenate([window[row, :length], ahead[row]])[np.newaxis]
        expected, after = chain.windows(longer, [length + HORIZON], [[2, 1, 9][row]])[-1]
        expected = expected.numpy()[0, : after.numpy()[0]]
        np.testing.assert_allclose(extended[row], expected[-HORIZON:], rtol=1e-5, atol=1e-5)


@every_forecasting
def test_what_stands_beside_a_window_never_matters_ahead(transform: Transform) -> None:
    """Invariant 1: the padding, its width, and the other rows of the batch."""
    chain, lengths, series = Chain([transform], TRAIN), WINDOWS["lengths"], WINDOWS["series"]
    window, ahead = make_windows(lengths)
    rows = [row[:length] for row, length in zip(window, lengths, strict=True)]
    answers = np.random.default_rng(0).normal(size=(len(rows), HORIZON, 2, 3)).astype(np.float32)
    one = chain.extend(ahead, window, lengths, series), chain.invert(answers, window, lengths, series)
    for width, garbage in ((14, np.nan), (21, None), (33, np.nan)):
        other = pad_with(rows, width, garbage, 1)
        found = chain.extend(ahead, other, lengths, series), chain.invert(answers, other, lengths, series)
        for left, right in zip(one, found, strict=True):
            np.testing.assert_allclose(left, right, rtol=2e-5, atol=2e-5)
    for at, row in enumerate(rows):
        each = slice(at, at + 1)
        alone = row[np.newaxis], [len(row)], series[each]
        np.testing.assert_allclose(chain.extend(ahead[each], *alone)[0], one[0][at], rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(chain.invert(answers[each], *alone)[0], one[1][at], rtol=2e-5, atol=2e-5)


@every_forecasting
def test_nothing_leaks_from_behind_an_origin(transform: Transform) -> None:
    """Invariant 8: not into the window, nor from a later step ahead into an earlier one."""
    chain, lengths, series = Chain([transform], TRAIN), WINDOWS["lengths"], WINDOWS["series"]
    window, ahead = make_windows(lengths, width=20)
    later = window.copy()
    for row, length, truth in zip(later, lengths, ahead, strict=True):
        row[length : length + HORIZON] = truth
    one, other = (chain.windows(each, lengths, series)[-1] for each in (window, later))
    for left, right, length in zip(one[0].numpy(), other[0].numpy(), one[1].numpy(), strict=True):
        np.testing.assert_array_equal(left[:length], right[:length])
    changed = ahead.copy()
    changed[:, 3:] += 5
    one, other = (chain.extend(each, later, lengths, series).numpy() for each in (ahead, changed))
    np.testing.assert_array_equal(one[:, :3], other[:, :3])


@every_forecasting
def test_what_is_missing_ahead_stays_missing_and_alone(transform: Transform) -> None:
    chain, lengths, series = Chain([transform], TRAIN), WINDOWS["lengths"], WINDOWS["series"]
    window, ahead = make_windows(lengths)
    holed = ahead.copy()
    holed[:, :, 2] = np.nan  # a past covariate: never known
    holed[1:, 2, 0] = np.nan
    one, other = (chain.extend(each, window, lengths, series).numpy() for each in (ahead, holed))
    assert np.isnan(other[:, :, 2]).all()
    assert np.isnan(other[1:, 2, 0]).all()
    others = [number for number in range(one.shape[2]) if number not in (0, 2)]
    np.testing.assert_array_equal(one[:, :, others], other[:, :, others])
    np.testing.assert_array_equal(one[:, :2, 0], other[:, :2, 0])
    np.testing.assert_array_equal(one[0, :, 0], other[0, :, 0])


@every_forecasting
def test_gradients_are_finite_where_targets_are_missing(transform: Transform) -> None:
    chain, lengths, series = Chain([transform], TRAIN), WINDOWS["lengths"], WINDOWS["series"]
    window, ahead = (tf.constant(each) for each in make_windows(lengths))
    padding = tf.range(window.shape[1])[:, tf.newaxis] >= tf.reshape(lengths, [-1, 1, 1])
    window = tf.where(padding, np.nan, window)
    holed = tf.where(tf.random.stateless_uniform(ahead.shape, [1, 2]) < 0.4, np.nan, ahead)
    answers = tf.random.stateless_normal((*ahead.shape[:2], 2, 3), [3, 4])
    with tf.GradientTape() as tape:
        tape.watch([window, holed, answers])
        goal = chain.extend(holed, window, lengths, series)[..., :2, tf.newaxis]
        known = ~tf.math.is_nan(goal)
        scaled = tf.where(known, answers - tf.where(known, goal, 0.0), 0.0)
        back = chain.invert(answers, window, lengths, series)
        errors = tf.where(known, back - tf.where(known, ahead[..., :2, tf.newaxis], 0.0), 0.0)
        loss = tf.reduce_mean(scaled**2) + tf.reduce_mean(tf.abs(errors))
    gradients = tape.gradient(loss, [window, holed, answers])
    assert all(gradient is None or np.isfinite(gradient.numpy()).all() for gradient in gradients)
    assert np.abs(gradients[2]).sum() > 0


def test_the_gradient_of_a_column_without_logarithm_is_finite_where_its_exponential_is_not() -> None:
    chain, (window, _) = Chain([made("log", columns=["y1"])], TRAIN), make_windows([9])
    answers = tf.constant([[[[200.0], [1.0]]]])
    with tf.GradientTape() as tape:
        tape.watch(answers)
        back = chain.invert(answers, window, [9], [])
    np.testing.assert_allclose(tape.gradient(back, answers), [[[[1], [np.e]]]], rtol=1e-6)


@every_forecasting
def test_quantiles_stay_in_order(transform: Transform) -> None:
    window, _ = make_windows(WINDOWS["lengths"])
    answers = np.sort(np.random.default_rng(0).normal(size=(5, HORIZON, 2, 9)).astype(np.float32))
    back = Chain([transform], TRAIN).invert(answers, window, WINDOWS["lengths"], WINDOWS["series"]).numpy()
    assert (np.diff(back, axis=-1) >= 0).all()


@every_forecasting
def test_a_graph_extends_and_inverts_as_eager_execution_does(transform: Transform) -> None:
    chain, lengths, series = Chain([transform], TRAIN), np.array(WINDOWS["lengths"], np.int32), WINDOWS["series"]
    window, ahead = make_windows(lengths)
    answers = np.random.default_rng(0).normal(size=(5, HORIZON, 2, 3)).astype(np.float32)
    shapes = [None, HORIZON, 5], [None, HORIZON, 2, 3], [None, None, 5]
    given = [*map(tf.TensorSpec, shapes), tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int64)]
    graph = tf.function(
        lambda ahead, answers, window, lengths, series: (
            chain.extend(ahead, window, lengths, series),
            chain.invert(answers, window, lengths, series),
        ),
        input_signature=given,
    )
    extended, inverted = graph(ahead, answers, window, lengths, series)
    np.testing.assert_allclose(extended, chain.extend(ahead, window, lengths, series), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(inverted, chain.invert(answers, window, lengths, series), rtol=1e-5, atol=1e-5)


def test_what_can_not_forecast_says_so() -> None:
    transform = made("truncate", max_length=4)
    assert not transform.forecasts
    for way in (transform.extend, transform.invert):
        with pytest.raises(UserError, match="truncate, as it is set, can't be used to forecast"):
            way(None, None, None, {})


# Which columns.


COLUMN_WISE = [name for name in TRANSFORMS.names() if "columns" in TRANSFORMS.load(name).model_fields]
METHODS = {"log": {"offset": 1.0}}


def of_columns(name: str, **values: Any) -> Transform:
    return made(name, **METHODS.get(name, {}), **values)


def changed_columns(transform: Transform) -> set[str]:
    """Return the names of the features that are not what they were, in a window of holes."""
    chain, lengths = Chain([transform], TRAIN), [20, 20]
    window, ahead = make_windows(lengths)
    window = punched(window)
    result, after = chain.windows(window, lengths, [0, 1])[-1]
    extended = chain.extend(ahead, window, lengths, [0, 1])
    pairs = [(window[:, 20 - int(after[0]) :], result.numpy()), (ahead, extended.numpy())]
    return {
        name
        for number, name in enumerate(NAMES)
        for before, now in pairs
        if not np.array_equal(before[..., number], now[..., number], equal_nan=True)
    }


@pytest.mark.parametrize("name", COLUMN_WISE)
@pytest.mark.parametrize("columns", [["y1"], ["weekday", "past"], list(NAMES)], ids=str)
def test_the_named_columns_are_prepared_and_no_others(name: str, columns: list[str]) -> None:
    assert changed_columns(of_columns(name, columns=columns)) == set(columns)


@pytest.mark.parametrize("name", COLUMN_WISE)
def test_by_default_what_is_known_of_the_future_stays_as_it_is(name: str) -> None:
    assert changed_columns(of_columns(name)) == set(NAMES[:3] if name in ("log", "difference") else NAMES)


@pytest.mark.parametrize("name", ["standardize", "min_max"])
@pytest.mark.parametrize("over", ["series", "window"])
def test_scaling_over_less_than_training_leaves_what_is_known_of_the_future(name: str, over: str) -> None:
    assert changed_columns(made(name, over=over)) == set(NAMES[:3])


@pytest.mark.parametrize("name", COLUMN_WISE)
def test_all_columns_are_prepared_where_nothing_is_known_of_the_future(name: str) -> None:
    rows = [punched(row, number) for number, row in enumerate(ROWS)]
    found = applied(of_columns(name), pad_with(rows, 12), LENGTHS)
    changed = [
        (before[len(before) - len(now) :] != now) & ~np.isnan(before[len(before) - len(now) :])
        if name != "impute"
        else np.isnan(before) & ~np.isnan(now)
        for before, now in zip(rows, found, strict=True)
    ]
    assert np.concatenate(changed).any(axis=0).all()


@pytest.mark.parametrize("name", COLUMN_WISE)
@pytest.mark.parametrize(("wrong", "hint"), [("wekday", "did you mean 'weekday'"), ("qqq", "known: future, past")])
def test_an_unknown_column_is_refused(name: str, wrong: str, hint: str) -> None:
    with pytest.raises(DataError, match=f"transforms: column '{wrong}' is not in the data; {hint}"):
        of_columns(name, columns=["past", wrong]).fit(TRAIN)


# Scaling over series and windows.


def known_of(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(0, 99),
    st.sampled_from([None, 1, 3, 8]),
    st.floats(0, 0.9),
    st.integers(-3, 5),
)
def test_scaling_over_the_window_equals_numpy_on_each_row(
    lengths: list[int], seed: int, steps: int | None, share: float, size: int
) -> None:
    window, ahead = make_windows(lengths, seed, max(lengths) + 3)
    window, ahead = (each * np.float32(10.0**size) for each in (punched(window, seed, share), ahead))
    standardized = Chain([made("standardize", over="window", steps=steps)], TRAIN)
    ranged = Chain([made("min_max", over="window", low=-1.0, high=3.0)], TRAIN)
    found = standardized.windows(window, lengths, [])[-1][0].numpy()
    found_ahead = standardized.extend(ahead, window, lengths, []).numpy()
    found_ranged = ranged.windows(window, lengths, [])[-1][0].numpy()
    for row, length in enumerate(lengths):
        for column in range(3):
            values = window[row, :length, column].astype(np.float64)
            known = known_of(values[-(steps or length) :])
            known = known if len(known) else known_of(values)
            mean, deviation = (known.mean(), known.std()) if len(known) else (0, 0)
            scale = deviation if deviation > 1e-6 * abs(mean) else 1
            accuracy = {"rtol": 1e-3, "atol": 1e-4 + 1e-6 * abs(mean) / scale}
            np.testing.assert_allclose(found[row, :length, column], (values - mean) / scale, **accuracy)
            np.testing.assert_allclose(found_ahead[row, :, column], (ahead[row, :, column] - mean) / scale, **accuracy)
            known = known_of(values)
            low, high = (known.min(), known.max()) if len(known) else (0, 0)
            expected = (values - low) / (high - low if high > low else 1) * 4 - 1
            np.testing.assert_allclose(found_ranged[row, :length, column], expected, **accuracy)


def test_scaling_over_series_equals_numpy_on_each_series() -> None:
    """Of a series that training has not seen, or of which it knows nothing, the numbers over all of them."""
    rows = [punched(row, number) for number, row in enumerate(SERIES)]
    rows[1][:, 1] = np.nan
    order = [2, 0, 1, 2]  # an example need not be a whole series
    train = FlatExamples.from_sequences(
        FORECAST, list("abcd"), [rows[2][:10], rows[0], rows[1], rows[2][10:]], groups=np.array(order)
    )
    every_step = np.concatenate(rows).astype(np.float64)
    standard, ranged = (made(name, over="series").fit(train) for name in ("standardize", "min_max"))
    for number, row in enumerate([*rows, every_step]):
        for column in range(5):
            known = known_of(row[:, column].astype(np.float64))
            known = known if len(known) else known_of(every_step[:, column])
            np.testing.assert_allclose(standard["mean"][number, column], known.mean(), rtol=1e-5)
            np.testing.assert_allclose(standard["scale"][number, column], known.std(), rtol=1e-5)
            np.testing.assert_allclose(ranged["minimum"][number, column], known.min(), rtol=1e-5)
            np.testing.assert_allclose(ranged["range"][number, column], np.ptp(known), rtol=1e-5)
    assert all(len(each) == 4 for learnt in (standard, ranged) for each in learnt.values())


@pytest.mark.parametrize("name", ["standardize", "min_max"])
def test_without_series_there_is_nothing_to_scale_over(name: str) -> None:
    for groups in (None, np.array(["ann"] * len(EXAMPLES))):
        with pytest.raises(DataError, match="needs series to forecast"):
            made(name, over="series").fit(replace(EXAMPLES, groups=groups))


@pytest.mark.parametrize("name", ["standardize", "min_max"])
def test_missing_values_teach_nothing(name: str) -> None:
    rows = [punched(row, number) for number, row in enumerate(SERIES)]
    train = FlatExamples.from_sequences(FORECAST, ["a", "b", "c"], rows)
    steps = np.concatenate(rows).astype(np.float64)
    expected = (
        {"mean": np.nanmean(steps, axis=0), "scale": np.nanstd(steps, axis=0)}
        if name == "standardize"
        else {"minimum": np.nanmin(steps, axis=0), "range": np.nanmax(steps, axis=0) - np.nanmin(steps, axis=0)}
    )
    learnt = made(name).fit(train)
    for key, value in expected.items():
        np.testing.assert_allclose(learnt[key], value, rtol=1e-6)


@pytest.mark.parametrize("name", ["standardize", "min_max"])
def test_a_column_that_is_never_known_stays_missing(name: str) -> None:
    row = SERIES[0].copy()
    row[:, 1] = np.nan
    for over in ("training", "series", "window"):
        train = FlatExamples.from_sequences(FORECAST, ["a"], [row], groups=np.zeros(1, np.int64))
        chain = Chain([made(name, over=over)], train)
        found = chain.windows(row[np.newaxis], [len(row)], [0])[-1][0].numpy()[0]
        assert np.isnan(found[:, 1]).all()
        assert np.isfinite(np.delete(found, 1, axis=1)).all()


@pytest.mark.parametrize("value", [0.0, -7.5, 0.1, 1e8, 1e-30])
@pytest.mark.parametrize("over", ["series", "window"])
@pytest.mark.parametrize("name", ["standardize", "min_max"])
def test_a_constant_window_becomes_zeros_and_comes_back(name: str, over: str, value: float) -> None:
    row = SERIES[0].copy()
    row[:, 0] = value
    train = FlatExamples.from_sequences(FORECAST, ["a"], [row], groups=np.zeros(1, np.int64))
    chain, around = Chain([made(name, over=over)], train), (row[np.newaxis], [len(row)], [0])
    found = chain.windows(*around)[-1][0].numpy()[0]
    np.testing.assert_array_equal(found[:, 0], 0)
    assert np.isfinite(found).all()
    back = chain.invert(np.zeros((1, HORIZON, 2, 1), np.float32), *around).numpy()
    np.testing.assert_array_equal(back[0, :, 0, 0], np.float32(value))


@pytest.mark.parametrize("name", ["standardize", "min_max"])
@given(size=st.integers(-44, 36), length=st.integers(1, 8))
def test_windows_are_finite_at_any_size(name: str, size: int, length: int) -> None:
    (row,) = make_sequences([length], seed=length)
    row = row * np.float32(10.0**size)
    (found,) = applied(made(name, over="window"), row[np.newaxis], [length])
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 10


def test_the_mean_alone_is_subtracted_where_nothing_is_divided() -> None:
    for over in ("training", "series", "window"):
        chain = Chain([made("standardize", over=over, divide=False, columns=["y0"])], TRAIN)
        found = chain.windows(SERIES[1][np.newaxis], [len(SERIES[1])], [1])[-1][0].numpy()[0, :, 0]
        values = SERIES[1][:, 0]
        mean = np.concatenate(SERIES)[:, 0].mean() if over == "training" else values.mean()
        np.testing.assert_allclose(found, values - mean, atol=1e-4)


# Logarithm, difference, imputation.


def test_the_logarithm_is_numpys() -> None:
    found = applied(made("log", offset=1.5), pad_with(ROWS, 12), LENGTHS)
    assert_rows_equal(found, [np.log(row + 1.5) for row in ROWS])


def test_a_training_value_without_a_logarithm_is_refused() -> None:
    row = SERIES[0].copy()
    row[7, 1] = -3.5
    row[2, 1] = np.nan
    train = FlatExamples.from_sequences(FORECAST, ["a"], [row])
    with pytest.raises(DataError, match=r"transforms: column 'y1' has the value -3\.5; expected all above 0"):
        made("log").fit(train)
    with pytest.raises(DataError, match=r"column 'y1' has the value -3\.5; expected all above -3\.5"):
        made("log", offset=3.5).fit(train)
    made("log", offset=4.0).fit(train)
    made("log", columns=["y0"]).fit(train)


def test_a_value_without_a_logarithm_is_taken_for_a_small_one() -> None:
    values = np.array([[[-5.0, 0, 1e-9]]], np.float32)
    (found,) = applied(made("log"), values, [1])
    np.testing.assert_allclose(found[0], np.log(STEPS.min(axis=0) * 1e-6), rtol=1e-5)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(1, 9), st.integers(0, 4))
def test_difference_equals_subtracting_in_each_row(lengths: list[int], lag: int, more: int) -> None:
    rows = make_sequences(lengths)
    found = applied(made("difference", lag=lag, columns=["f0", "f2"]), pad_with(rows, max(lengths) + more), lengths)
    for row, each in zip(rows, found, strict=True):
        if len(row) <= lag:
            np.testing.assert_array_equal(each, np.zeros((1, 3)))
        else:
            np.testing.assert_allclose(each[:, [0, 2]], (row[lag:] - row[:-lag])[:, [0, 2]], atol=1e-6)
            np.testing.assert_array_equal(each[:, 1], row[lag:, 1])
    assert made("difference", lag=lag).lost == lag


@pytest.mark.parametrize("lag", [1, 2, 3, 5, 8])
def test_differences_are_added_up_step_by_step(lag: int) -> None:
    window, _ = make_windows([9, 12])
    answers = np.random.default_rng(0).normal(size=(2, HORIZON, 2, 3)).astype(np.float32)
    found = Chain([made("difference", lag=lag)], TRAIN).invert(answers, window, [9, 12], []).numpy()
    for row, length in enumerate([9, 12]):
        values = [np.repeat(step[:2, np.newaxis], 3, axis=1) for step in window[row, :length]]
        for step in answers[row]:
            values.append(values[-lag] + step)
        np.testing.assert_allclose(found[row], np.stack(values[length:]), rtol=1e-5)


def imputed(values: np.ndarray, method: str, season: int, mean: float) -> np.ndarray:
    """Return one feature (T,) of one window without holes, by a loop over its steps."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full_like(values, mean)
    result = values.copy()
    for step in np.flatnonzero(np.isnan(values)):
        seasonal = [each for each in range(step - season, -1, -season) if each in known]
        if method == "seasonal" and seasonal:
            result[step] = values[seasonal[0]]
        elif method == "forward":
            result[step] = values[known[known < step][-1] if (known < step).any() else known[0]]
        else:
            result[step] = np.interp(step, known, values[known])
    return result


@given(
    st.lists(st.integers(1, 15), min_size=1, max_size=4),
    st.integers(0, 99),
    st.sampled_from(["forward", "linear", "seasonal"]),
    st.integers(2, 6),
    st.floats(0, 1),
    st.booleans(),
)
@settings(max_examples=100)
def test_imputing_equals_a_loop_over_the_steps(
    lengths: list[int], seed: int, method: str, season: int, share: float, indicator: bool
) -> None:
    window, _ = make_windows(lengths, seed, max(lengths) + 2)
    window[np.random.default_rng(seed).random(window.shape) < share] = np.nan
    values = {"method": method, "indicator": indicator, **({"season": season} if method == "seasonal" else {})}
    transform = made("impute", columns=["weekday", "y0", "past"], **values)
    found, after = Chain([transform], TRAIN).windows(window, lengths, [])[-1]
    np.testing.assert_array_equal(after, lengths)
    mean = np.concatenate(SERIES).astype(np.float64).mean(axis=0)
    for row, length in enumerate(lengths):
        before, now = window[row, :length], found.numpy()[row, :length]
        for column in (0, 2, 4):
            expected = imputed(before[:, column], method, season, mean[column])
            np.testing.assert_allclose(now[:, column], expected, rtol=1e-5)
        np.testing.assert_array_equal(now[:, [1, 3]], before[:, [1, 3]])
        if indicator:
            np.testing.assert_array_equal(now[:, 5:], np.isnan(before[:, [0, 2, 4]]))
    assert found.shape[2] == (8 if indicator else 5)


def test_indicators_come_last_under_names_of_their_own() -> None:
    chain = Chain([made("impute", indicator=True), made("impute", indicator=True), made("standardize")], TRAIN)
    names = chain.signatures[-1].inputs[0].names
    once = tuple(f"{name} (missing)" for name in NAMES[:3])
    assert names == (*NAMES, *once, *(f"{name} (missing)" for name in once))
    assert chain.signatures[-1].inputs[1] == FORECAST.inputs[1]
    window, ahead = make_windows([9])
    extended = Chain([made("impute", indicator=True)], TRAIN).extend(ahead, window, [9], []).numpy()
    np.testing.assert_array_equal(extended, np.concatenate([ahead, np.zeros((1, HORIZON, 3))], axis=2))


@pytest.mark.parametrize("method", ["forward", "linear"])
def test_what_is_missing_of_the_future_is_the_last_known_value(method: str) -> None:
    window, ahead = make_windows([9])
    future = [NAMES.index(name) for name in FORECAST.inputs[1].names]
    window[0, 8, future], ahead[0, :2, future], ahead[0, 3, future] = np.nan, np.nan, np.nan
    chain = Chain([made("impute", method=method)], TRAIN)
    filled, extended = chain.windows(window, [9], [])[-1][0].numpy(), chain.extend(ahead, window, [9], []).numpy()
    np.testing.assert_array_equal(filled[0, 8, future], window[0, 7, future])
    np.testing.assert_array_equal(extended[0, 0, future], window[0, 7, future])
    np.testing.assert_array_equal(extended[0, 1, future], window[0, 7, future])
    np.testing.assert_array_equal(extended[0, 3, future], ahead[0, 2, future])


def test_targets_ahead_are_never_filled_in() -> None:
    window, ahead = make_windows([9])
    ahead[0, 1, :2] = np.nan
    extended = Chain([made("impute")], TRAIN).extend(ahead, window, [9], []).numpy()
    np.testing.assert_array_equal(extended, ahead)


@pytest.mark.parametrize("name", ["log", "difference", "impute", "min_max"])
def test_indicators_are_left_alone_by_what_comes_after(name: str) -> None:
    over = {"over": "window"} if name == "min_max" else {}
    window, lengths = punched(make_windows([14, 9])[0]), [14, 9]
    first = Chain([made("impute", indicator=True)], TRAIN)
    both = Chain([*first.transforms, of_columns(name, **over)], TRAIN)
    (one, _), (other, after) = first.windows(window, lengths, [])[-1], both.windows(window, lengths, [])[-1]
    lost = lengths[0] - int(after[0])
    np.testing.assert_array_equal(one[0, lost:14, 5:8], other[0, : int(after[0]), 5:8])


# What a spec may say.


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "standardize", "steps": 5}, "does nothing while 'over' is 'training'"),
        ({"name": "standardize", "over": "series", "steps": 5}, "does nothing while 'over' is 'series'"),
        ({"name": "impute", "season": 5}, "does nothing while 'method' is 'forward'"),
        ({"name": "impute", "method": "seasonal"}, "method: seasonal needs 'season'"),
        ({"name": "log", "columns": []}, "expected 1 or more elements"),
        ({"name": "difference", "lag": 0}, "greater than or equal to 1"),
    ],
    ids=str,
)
def test_what_would_do_nothing_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TRANSFORMS.parse(spec)
