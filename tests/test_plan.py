"""The plan holds every example once, whatever the lengths, and is a function of its arguments alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.plan import FILLER, Batch, Batching, choose_widths, padding_share, plan_epoch, plan_evaluation

lengths_of_examples = st.lists(st.integers(1, 40), min_size=1, max_size=60).map(lambda each: np.array(each, np.int64))
seeds = st.integers(0, 2**31 - 1)
epochs = st.integers(0, 1000)


@st.composite
def batchings(draw: st.DrawFn) -> Batching:
    widths = tuple(sorted(draw(st.sets(st.integers(1, 45), max_size=5))))
    steps = draw(st.none() | st.integers(1, 200))
    return Batching(widths, draw(st.integers(1, 9)), steps, draw(st.integers(1, 4)))


def plans(lengths: np.ndarray, batching: Batching, seed: int = 0, epoch: int = 0) -> list[list[Batch]]:
    return [plan_epoch(lengths, batching, seed, epoch), plan_evaluation(lengths, batching)]


def members(batch: Batch) -> np.ndarray:
    return batch.indices[batch.indices != FILLER]


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        left.width == right.width and np.array_equal(left.indices, right.indices)
        for left, right in zip(one, other, strict=True)
    )


@given(lengths_of_examples, batchings(), seeds, epochs)
def test_every_example_comes_exactly_once(lengths: np.ndarray, batching: Batching, seed: int, epoch: int) -> None:
    for plan in plans(lengths, batching, seed, epoch):
        found = np.concatenate([members(batch) for batch in plan])
        np.testing.assert_array_equal(np.sort(found), np.arange(len(lengths)))


@given(lengths_of_examples, batchings(), seeds)
def test_every_row_fits_its_batch_and_the_batch_is_of_a_planned_width(
    lengths: np.ndarray, batching: Batching, seed: int
) -> None:
    for plan in plans(lengths, batching, seed):
        for batch in plan:
            assert lengths[members(batch)].max() <= batch.width
            assert batch.width in (*batching.widths, lengths.max())


@given(lengths_of_examples, batchings(), seeds, epochs)
def test_the_plan_is_a_function_of_its_arguments(
    lengths: np.ndarray, batching: Batching, seed: int, epoch: int
) -> None:
    np.random.seed(0)  # noqa: NPY002 - what the global generator holds must not matter
    first = plans(lengths.copy(), batching, seed, epoch)
    np.random.seed(1)  # noqa: NPY002
    for one, other in zip(first, plans(lengths, batching, seed, epoch), strict=True):
        assert same(one, other)


@given(lengths_of_examples, batchings(), seeds, epochs)
def test_the_number_of_batches_depends_on_neither_seed_nor_epoch(
    lengths: np.ndarray, batching: Batching, seed: int, epoch: int
) -> None:
    counts = {len(plan) for plan in plans(lengths, batching, seed, epoch)}
    assert len(plan_epoch(lengths, batching, 0, 0)) in counts
    assert len(counts) == 1
    if batching.batch_steps is None:
        assert counts == {-(-len(lengths) // batching.batch_size)}


@given(lengths_of_examples, batchings(), seeds)
def test_at_most_one_batch_is_not_full(lengths: np.ndarray, batching: Batching, seed: int) -> None:
    for plan in plans(lengths, batching, seed):
        rows = [(len(members(batch)), batching.rows(batch.width)) for batch in plan]
        assert all(found <= full for found, full in rows)
        assert sum(found < full for found, full in rows) <= 1


@given(lengths_of_examples, batchings(), seeds)
def test_fillers_only_fill_up_to_a_multiple_of_the_replicas(lengths: np.ndarray, batching: Batching, seed: int) -> None:
    for plan in plans(lengths, batching, seed):
        for batch in plan:
            fillers = len(batch.indices) - len(members(batch))
            assert len(batch.indices) % batching.multiple == 0
            assert 0 <= fillers < batching.multiple
            assert (batch.indices[len(members(batch)) :] == FILLER).all()


@given(lengths_of_examples, batchings(), st.integers(1, 200), seeds)
def test_batches_by_steps_hold_at_most_so_many(lengths: np.ndarray, batching: Batching, steps: int, seed: int) -> None:
    by_steps = Batching(batching.widths, 1, steps, batching.multiple)
    for plan in plans(lengths, by_steps, seed):
        for batch in plan:
            assert len(members(batch)) * batch.width <= steps or len(members(batch)) == 1


@given(lengths_of_examples, batchings(), seeds, epochs, st.integers(1, 70))
def test_a_part_of_the_examples_is_drawn_anew_for_each_epoch(
    lengths: np.ndarray, batching: Batching, seed: int, epoch: int, examples: int
) -> None:
    batches = plan_epoch(lengths, batching, seed, epoch, examples)
    drawn = np.concatenate([members(batch) for batch in batches])
    assert len(drawn) == len(np.unique(drawn)) == min(examples, len(lengths))
    assert same(batches, plan_epoch(lengths, batching, seed, epoch, examples))
    if examples >= len(lengths):
        assert same(batches, plan_epoch(lengths, batching, seed, epoch))


def test_over_many_epochs_each_example_is_drawn_equally_often() -> None:
    lengths, counts = np.full(50, 5), np.zeros(50)
    for epoch in range(400):
        for batch in plan_epoch(lengths, Batching((5,), 4), 0, epoch, 10):
            counts[members(batch)] += 1
    # Each of 400 draws takes an example with probability 1 in 5: 80 times, give or take 8.
    assert counts.sum() == 4000
    assert counts.min() > 80 - 5 * 8
    assert counts.max() < 80 + 5 * 8


def test_epochs_and_seeds_shuffle_differently() -> None:
    lengths = np.arange(1, 101)
    batching = Batching((25, 50, 75, 100), 8)
    first = plan_epoch(lengths, batching, 0, 0)
    assert not same(first, plan_epoch(lengths, batching, 0, 1))
    assert not same(first, plan_epoch(lengths, batching, 1, 0))


def test_short_and_long_batches_come_in_mixed_order() -> None:
    widths = [batch.width for batch in plan_epoch(np.arange(1, 101), Batching((25, 50, 75, 100), 5), 0, 0)]
    assert widths != sorted(widths)
    assert widths != sorted(widths, reverse=True)


def test_evaluation_goes_from_short_to_long() -> None:
    widths = [batch.width for batch in plan_evaluation(np.arange(100, 0, -1), Batching((25, 50, 75, 100), 8))]
    assert widths == sorted(widths)


def test_an_example_meets_different_neighbours_in_different_epochs() -> None:
    lengths = np.full(40, 5)
    met = set()
    for epoch in range(10):
        batch = next(each for each in plan_epoch(lengths, Batching((5,), 4), 0, epoch) if 0 in each.indices)
        met |= {*batch.indices.tolist()}
    assert len(met) > 15


@pytest.mark.parametrize("steps", [None, 10])
def test_no_examples_give_no_batches(steps: int | None) -> None:
    for widths in ((), (5, 9)):
        assert plans(np.zeros(0, np.int64), Batching(widths, 4, steps)) == [[], []]


def padded_steps(lengths: np.ndarray, widths: tuple[int, ...]) -> int:
    return sum(min(width for width in widths if width >= length) for length in lengths)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30).map(np.array), st.integers(1, 5))
def test_chosen_widths_waste_as_little_as_the_best_of_all_choices(lengths: np.ndarray, shapes: int) -> None:
    widths = choose_widths(lengths, shapes)
    assert len(widths) <= shapes
    assert list(widths) == sorted(set(widths))
    assert widths[-1] == lengths.max()
    distinct = sorted({*lengths.tolist()})
    best = min(
        padded_steps(lengths, (*rest, distinct[-1]))
        for size in range(min(shapes, len(distinct)))
        for rest in itertools.combinations(distinct[:-1], size)
    )
    assert padded_steps(lengths, widths) == best


def test_more_distinct_lengths_than_candidates_still_give_good_widths() -> None:
    lengths = np.random.default_rng(0).lognormal(5, 0.7, 3000).astype(np.int64) + 1
    exact, rough = choose_widths(lengths, 6, candidates=10_000), choose_widths(lengths, 6, candidates=64)
    assert len(np.unique(lengths)) > 64
    assert rough[-1] == lengths.max()
    assert padded_steps(lengths, rough) <= 1.05 * padded_steps(lengths, exact)


@given(lengths_of_examples, batchings(), seeds)
def test_the_padding_share_counts_what_is_not_valid(lengths: np.ndarray, batching: Batching, seed: int) -> None:
    for plan in plans(lengths, batching, seed):
        places = np.concatenate(
            [
                np.arange(batch.width) < (0 if index == FILLER else lengths[index])
                for batch in plan
                for index in batch.indices
            ]
        )
        assert padding_share(lengths, plan) == pytest.approx((~places).mean())


def test_no_batches_have_no_padding() -> None:
    assert padding_share(np.zeros(0, np.int64), []) == 0
