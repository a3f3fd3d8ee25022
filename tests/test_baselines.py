"""Baselines answer in the task's form, whatever the data, and know nothing of the test examples' labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnlab.baselines import BASELINES, Baseline, NotApplicable
from rnnlab.examples import Examples, FlatExamples, Subset
from rnnlab.signature import Field, Signature

TARGETS = {
    "class": Field("class", "class", (), ("a", "b", "c")),
    "labels": Field("tags", "labels", (3,), ("a", "b", "c")),
    "numbers": Field("numbers", "numbers", (2,), ("x", "y")),
}
KINDS = {"classification": ("class", "labels"), "regression": ("numbers",)}
CASES = [
    pytest.param(name, kind, id=f"{name}-{kind}")
    for name in BASELINES.names()
    for task, kinds in KINDS.items()
    if task in BASELINES.load(name).tasks and "series" in BASELINES.load(name).inputs
    for kind in kinds
]


def examples(kind: str, count: int = 24, longest: int = 9, seed: int = 0, missing: bool = False) -> FlatExamples:
    """Return series of 3 features whose level tells the target; the last feature is constant."""
    random = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    sequences = [random.normal(size=(random.integers(1, longest + 1), 3)) + 5 * each for each in classes]
    for sequence in sequences:
        sequence[:, 2] = 7
        if missing:
            sequence[0, 0] = np.nan
    targets: dict[str, np.ndarray] = {
        "class": classes.astype(np.int64),
        "labels": np.stack([classes == 0, classes > 0, classes == 2], axis=1).astype(np.float32),
        "numbers": np.stack([classes, 1e3 - classes], axis=1).astype(np.float32),
    }
    signature = Signature((Field("sequence", "series", (3,), ("f", "g", "h")),), TARGETS[kind])
    return FlatExamples.from_sequences(signature, [str(i) for i in range(count)], sequences, targets[kind])


def answer(name: str, train: Examples, test: Examples) -> np.ndarray:
    baseline: Baseline = BASELINES.load(name)()
    answers = baseline.answers(train, test, seed=0)
    target = train.signature.target
    assert target is not None
    assert list(answers) == (["values"] if target.kind == "numbers" else ["probabilities"])
    result: np.ndarray = next(iter(answers.values()))
    assert result.shape == (len(test), len(target.names))
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    if target.kind == "class":
        np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-6)
    if target.kind != "numbers":
        assert result.min() >= 0
        assert result.max() <= 1
    return result


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_answers_do_not_depend_on_the_test_targets(name: str, kind: str) -> None:
    train, test = examples(kind), examples(kind, count=10, seed=1)
    np.testing.assert_array_equal(answer(name, train, test), answer(name, train, test.without_targets()))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_answers_do_not_depend_on_the_order_of_test_examples(name: str, kind: str) -> None:
    train, test = examples(kind), examples(kind, count=10, seed=1)
    order = np.random.default_rng(0).permutation(10)
    shuffled = answer(name, train, Subset(test, order))
    np.testing.assert_allclose(shuffled, answer(name, train, test)[order], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_sequences_of_one_step_are_answered(name: str, kind: str) -> None:
    answer(name, examples(kind, longest=1), examples(kind, longest=1, count=4, seed=1))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_training_never_showed_is_answered(name: str, kind: str) -> None:
    """A class, label or number that is constant in the training examples."""
    train = examples(kind)
    only = Subset(train, np.arange(0, 24, 3))
    two = Subset(train, np.arange(24)[np.arange(24) % 3 > 0])
    for part in (only, two):
        result = answer(name, part, examples(kind, count=6, seed=1))
        if kind == "class":
            absent = [each for each in range(3) if each not in np.asarray(part.targets)]
            np.testing.assert_array_equal(result[:, absent], 0)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_missing_values_are_handled_or_refused(name: str, kind: str) -> None:
    refusal = None
    try:
        answer(name, examples(kind, missing=True), examples(kind, count=6, seed=1, missing=True))
    except NotApplicable as reason:
        refusal = str(reason)
    assert refusal is None or "missing" in refusal


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_training_without_targets_is_refused(name: str, kind: str) -> None:
    train = examples(kind)
    with pytest.raises(NotApplicable):
        BASELINES.load(name)().answers(replace(train, targets=None), train, 0)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_reads_the_series_tells_easy_examples_apart(name: str, kind: str) -> None:
    train, test = examples(kind, longest=20), examples(kind, longest=20, count=30, seed=1)
    result = answer(name, train, test)
    if name in ("majority", "mean"):
        np.testing.assert_allclose(result, np.tile(expected_frequencies(train), (30, 1)), rtol=1e-6)
    elif kind == "class":
        assert (result.argmax(axis=1) == test.targets).mean() > 0.9
    else:
        assert np.abs(result - test.targets).mean() < 0.25


def expected_frequencies(train: Examples) -> np.ndarray:
    targets = np.asarray(train.targets, np.float64)
    if train.signature.target == TARGETS["class"]:
        return np.array([np.mean(targets == each) for each in range(3)])
    return np.asarray(targets.mean(axis=0))


def test_what_takes_too_long_is_refused_before_values_are_read() -> None:
    class Unreadable(Subset):
        def read(self, index: int) -> dict[str, Any]:
            raise RuntimeError("read")

    large = Unreadable(examples("class"), np.arange(24))
    large.lengths = np.full(24, 10_000)
    with pytest.raises(NotApplicable, match=r"would need 57\.6·10⁹ cell updates, limit 12\.5·10⁹"):
        BASELINES.load("nearest_neighbour_dtw")().answers(large, large, 0)


@pytest.mark.parametrize(
    ("name", "expected"), [("majority", 0.0838), ("logistic_regression", 0.9865), ("nearest_neighbour_dtw", 0.9486)]
)
def test_published_figures_on_japanese_vowels(name: str, expected: float) -> None:
    """Fitted on all 270 training examples; 0.949 is the archive's own figure for 1NN-DTW-D."""
    train, test = japanese_vowels("train"), japanese_vowels("test")
    probabilities = BASELINES.load(name)().answers(train, test, 0)["probabilities"]
    assert np.mean(probabilities.argmax(axis=1) == test.targets) == pytest.approx(expected, abs=0.003)


def japanese_vowels(split: str) -> FlatExamples:
    from aeon.datasets import load_classification

    sequences, names = load_classification("JapaneseVowels", split=split)
    classes = tuple(str(each) for each in range(1, 10))
    signature = Signature((Field("sequence", "series", (12,)),), Field("class", "class", (), classes))
    targets = np.array([classes.index(each) for each in names])
    return FlatExamples.from_sequences(
        signature, [str(i) for i in range(len(names))], [each.T for each in sequences], targets
    )
