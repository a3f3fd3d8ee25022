"""Batches hold what the plan names: the examples' own values, zeros behind them, and fillers that weigh nothing.

Axes: B batch, T time, F features.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.batches import BatchLoader
from rnnlab.examples import FlatExamples
from rnnlab.plan import FILLER, Batching, plan_epoch, plan_evaluation

from .made import make_examples

EXAMPLES = make_examples("labels", lengths=(9, 1, 7, 2, 12, 5, 8, 3, 4, 4, 6))
PLAN = plan_epoch(EXAMPLES.lengths, Batching((4, 8, 12), 4, multiple=3), seed=1, epoch=2)


def loaded(examples: FlatExamples, plan: Any) -> list[dict[str, np.ndarray]]:
    return [{name: value.numpy() for name, value in batch.items()} for batch in BatchLoader(examples).load(plan)]


def assert_same(one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]]) -> None:
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert left.keys() == right.keys()
        for name, value in left.items():
            np.testing.assert_array_equal(value, right[name])


@pytest.fixture
def mapped(tmp_path: Path) -> FlatExamples:
    """The examples with their values in a file."""
    EXAMPLES.values.tofile(tmp_path / "values")
    values = np.memmap(tmp_path / "values", np.float32, "r").reshape(EXAMPLES.values.shape)
    return replace(EXAMPLES, values=values)


def test_rows_are_the_examples_with_zeros_behind() -> None:
    for batch, planned in zip(loaded(EXAMPLES, PLAN), PLAN, strict=True):
        assert batch["sequence"].shape == (len(planned.indices), planned.width, 3)
        for row, index in zip(batch["sequence"], planned.indices, strict=True):
            values = EXAMPLES.read(index)["sequence"] if index != FILLER else np.zeros((0, 3))
            np.testing.assert_array_equal(row[: len(values)], values)
            assert not row[len(values) :].any()


def test_lengths_targets_and_indices_are_those_of_the_rows() -> None:
    for batch, planned in zip(loaded(EXAMPLES, PLAN), PLAN, strict=True):
        rows = planned.indices != FILLER
        index = planned.indices[rows]
        np.testing.assert_array_equal(batch["indices"][rows], index)
        np.testing.assert_array_equal(batch["lengths"][rows], EXAMPLES.lengths[index])
        np.testing.assert_array_equal(batch["targets"][rows], EXAMPLES.targets[index])
        assert (batch["weights"][rows] == 1).all()


def test_fillers_have_length_and_weight_zero() -> None:
    batches = loaded(EXAMPLES, PLAN)
    fillers = [planned.indices == FILLER for planned in PLAN]
    assert sum(each.sum() for each in fillers) > 0
    for batch, filler in zip(batches, fillers, strict=True):
        assert not batch["lengths"][filler].any()
        assert not batch["weights"][filler].any()
        assert not batch["sequence"][filler].any()


def test_types_are_those_that_the_network_takes() -> None:
    batch = loaded(EXAMPLES, PLAN)[0]
    types = {name: str(value.dtype) for name, value in batch.items()}
    expected = {"sequence": "float32", "lengths": "int32", "weights": "float32", "indices": "int64"}
    assert types == {**expected, "targets": "float32"}


def test_a_memory_map_gives_what_memory_gives(mapped: FlatExamples) -> None:
    assert BatchLoader(mapped).mapped
    assert not BatchLoader(EXAMPLES).mapped
    assert_same(loaded(mapped, PLAN), loaded(EXAMPLES, PLAN))


def test_a_memory_map_has_the_shape_that_a_network_needs(mapped: FlatExamples) -> None:
    for examples in (mapped, EXAMPLES):
        given = BatchLoader(examples).gather.get_concrete_function().structured_outputs
        assert given["sequence"].shape.as_list() == [None, None, 3]


@pytest.mark.parametrize("skipped", range(len(PLAN) + 1))
def test_skipping_loads_the_rest_of_the_same(skipped: int) -> None:
    assert_same(loaded(EXAMPLES, PLAN[skipped:]), loaded(EXAMPLES, PLAN)[skipped:])


def test_examples_without_targets_give_batches_without() -> None:
    plan = plan_evaluation(EXAMPLES.lengths, Batching((12,), 4))
    assert "targets" not in loaded(EXAMPLES.without_targets(), plan)[0]


def test_examples_that_lie_in_another_order_are_found(mapped: FlatExamples) -> None:
    order = np.random.default_rng(0).permutation(len(EXAMPLES))
    for examples in (EXAMPLES, mapped):
        moved = replace(
            examples, starts=examples.starts[order], lengths=examples.lengths[order], targets=EXAMPLES.targets[order]
        )
        plan = plan_evaluation(moved.lengths, Batching((), 1))
        for batch in loaded(moved, plan):
            (row,) = batch["indices"]
            values = EXAMPLES.read(order[row])["sequence"]
            np.testing.assert_array_equal(batch["sequence"][0, : len(values)], values)
