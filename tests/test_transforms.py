"""What every transform promises, read off the registry, and each against an independent reference.

Axes: N examples, T time, F features.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from rnnlab.errors import DataError
from rnnlab.examples import FlatExamples, Subset
from rnnlab.preparation import Pipeline, from_arrays, to_arrays
from rnnlab.training import prepare
from rnnlab.transforms import TRANSFORMS, Transform, masked_moments

from .made import LENGTHS, make_examples, make_experiment, make_sequences, make_signature, pad_with
from .variants import Configuration, configurations, keys

FIELD = frozenset({"field"})
RAW = {"scale": 4.0, "offset": 7.0}
EXAMPLES = make_examples("class", **RAW)
ROWS = [EXAMPLES.read(index)["sequence"] for index in range(len(EXAMPLES))]
STEPS = EXAMPLES.values


def all_transforms() -> list[Transform]:
    return [
        TRANSFORMS.parse({"name": name, **configuration})
        for name in TRANSFORMS.names()
        for configuration in configurations(TRANSFORMS.load(name), FIELD)
    ]


def made(name: str, **values: Any) -> Transform:
    return TRANSFORMS.parse({"name": name, **values})


every = pytest.mark.parametrize("transform", all_transforms(), ids=lambda each: str(TRANSFORMS.dump(each)))


def applied(transform: Transform, values: Any, lengths: Any, fitted: FlatExamples = EXAMPLES) -> list[np.ndarray]:
    """Return the valid steps of each row."""
    pipeline = Pipeline.fit([transform], fitted)
    fields, after = pipeline.apply({"sequence": values}, lengths)
    return [row[:length] for row, length in zip(np.asarray(fields["sequence"]), np.asarray(after), strict=True)]


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
    pipeline = Pipeline.fit([transform], EXAMPLES)
    expected = pipeline.prepare(EXAMPLES)
    monkeypatch.setattr("rnnlab.preparation.CHUNK_STEPS", 10)
    found = pipeline.prepare(EXAMPLES)
    for index in range(len(EXAMPLES)):
        np.testing.assert_array_equal(found.read(index)["sequence"], expected.read(index)["sequence"])


def every_key() -> list[Any]:
    return [
        pytest.param(name, before, after, id=f"{name}-{key}-{after[key]}")
        for name in TRANSFORMS.names()
        for key, before, after in keys(TRANSFORMS.load(name), FIELD)
    ]


@pytest.mark.parametrize(("name", "before", "after"), every_key())
def test_every_key_changes_what_comes_out(name: str, before: Configuration, after: Configuration) -> None:
    """Invariant 5."""
    one, other = (applied(made(name, **each), pad_with(ROWS, 12), LENGTHS) for each in (before, after))
    assert not all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


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
