"""Validation: how validation examples are found; the same examples never stand on both sides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field, Signature
from rnnlab.sources import SequenceSource, Validation

WAYS: list[dict[str, Any]] = [
    {"by": "fraction"},
    {"by": "fraction", "stratify": False},
    {"by": "fraction", "grouped": True},
    {"by": "fraction", "grouped": True, "stratify": False},
    {"by": "folds", "folds": 3},
    {"by": "folds", "folds": 3, "stratify": False},
    {"by": "folds", "folds": 3, "grouped": True},
    {"by": "folds", "folds": 3, "grouped": True, "stratify": False},
]


def examples(classes: Sequence[int], groups: Sequence[str] | None = None, kind: str = "class") -> FlatExamples:
    names = tuple(str(number) for number in range(max(classes) + 1))
    target = Field("label", "class", (), names) if kind == "class" else Field("value", "numbers", (1,), ("value",))
    targets = np.array(classes) if kind == "class" else np.array(classes, np.float32)[:, None]
    sequences = [np.full((1, 1), number, np.float32) for number in range(len(classes))]
    signature = Signature((Field("sequence", "series", (1,), ("x",)),), target)
    ids = [str(number) for number in range(len(classes))]
    return FlatExamples.from_sequences(signature, ids, sequences, targets, None if groups is None else np.array(groups))


def balanced() -> FlatExamples:
    """Return 60 examples of 3 classes in 15 groups of 4."""
    return examples([number % 3 for number in range(60)], [f"g{number // 4}" for number in range(60)])


def sides(validation: Validation, made: FlatExamples) -> tuple[np.ndarray, np.ndarray]:
    cut = validation.split(made)
    return cut["train"], cut["validation"]


@pytest.mark.parametrize("way", WAYS)
def test_every_example_is_on_exactly_one_side(way: dict[str, Any]) -> None:
    training, validation = sides(Validation(**way), balanced())
    assert sorted([*training, *validation]) == list(range(60))
    assert len(training) > len(validation) > 0
    assert training.tolist() == sorted(training)
    assert validation.tolist() == sorted(validation)


@pytest.mark.parametrize("way", [way for way in WAYS if way.get("grouped")])
def test_a_group_is_never_on_both_sides(way: dict[str, Any]) -> None:
    made = balanced()
    assert made.groups is not None
    for seed in range(5):
        training, validation = sides(Validation(**way, seed=seed), made)
        assert not set(made.groups[training]) & set(made.groups[validation])


@pytest.mark.parametrize("way", [way for way in WAYS if way["by"] == "folds"])
def test_folds_validate_every_example_once(way: dict[str, Any]) -> None:
    parts = [sides(Validation(**way, fold=fold), balanced())[1] for fold in range(3)]
    assert sorted(np.concatenate(parts)) == list(range(60))


@pytest.mark.parametrize("way", [way for way in WAYS if way["by"] == "folds"])
def test_a_fold_tests_the_next_one_validates_and_the_others_train(way: dict[str, Any]) -> None:
    made, plain = balanced(), [sides(Validation(**way, fold=fold), balanced())[1].tolist() for fold in range(3)]
    for fold in range(3):
        cut = Validation(**way, fold=fold, test_fold=True).split(made)
        assert cut["test"].tolist() == plain[fold]
        assert cut["validation"].tolist() == plain[(fold + 1) % 3]
        assert cut["train"].tolist() == plain[(fold + 2) % 3]


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_with_as_many_folds_as_groups_each_group_is_left_out_in_order(stratify: bool, seed: int) -> None:
    """Whatever the groups' sizes and classes, and numbers in the order of their values."""
    names = ["10", "2", "2", "1", "10", "10", "1", "30", "30", "30", "30", "30", "30"]
    made = examples([number % 2 for number in range(13)], names)
    assert made.groups is not None
    keys: dict[str, Any] = {"by": "folds", "folds": 4, "grouped": True, "stratify": stratify, "seed": seed}
    for fold, name in enumerate(("1", "2", "10", "30")):
        training, validation = sides(Validation(**keys, fold=fold), made)
        assert set(made.groups[validation]) == {name}
        assert len(training) + len(validation) == 13
        cut = Validation(**keys, fold=fold, test_fold=True).split(made)
        assert set(made.groups[cut["test"]]) == {name}
        assert set(made.groups[cut["validation"]]) == {("1", "2", "10", "30")[(fold + 1) % 4]}
        assert sorted(np.concatenate(list(cut.values()))) == list(range(13))


def test_stratified_cuts_keep_the_share_of_each_class() -> None:
    made = examples([0] * 80 + [1] * 20)
    for way in (Validation(fraction=0.25), Validation(by="folds", folds=4)):
        _, validation = sides(way, made)
        assert made.targets is not None
        assert np.bincount(made.targets[validation]).tolist() == [20, 5]


def test_the_same_seed_cuts_the_same_and_another_one_differently() -> None:
    cut = [sides(Validation(seed=seed), balanced())[1].tolist() for seed in (0, 0, 1)]
    assert cut[0] == cut[1] != cut[2]


def test_targets_that_are_numbers_are_not_stratified() -> None:
    training, validation = sides(Validation(), examples(list(range(20)), kind="numbers"))
    assert len(validation) == 4
    assert len(training) == 16


@pytest.mark.parametrize(
    ("way", "made", "expected"),
    [
        ({"grouped": True}, examples([0, 1] * 5), "gives no groups"),
        ({"grouped": True, "by": "folds"}, examples([0, 1] * 5, ["a", "b"] * 5), "2 group(s), too few for 5 parts"),
        ({"grouped": True}, examples([0, 1] * 5, ["a"] * 10), "1 group(s), too few for 2 parts"),
        ({}, examples([0, 0, 1, 1]), "can't be cut as asked"),
        ({"fraction": 0.99}, examples([0] * 9 + [1] * 9), "can't be cut as asked"),
        ({}, examples([0]), "too few"),
        ({}, examples([0, 0, 0, 0, 1]), "a class with 1 training example(s)"),
        ({"by": "folds", "folds": 3}, examples([0] * 9 + [1] * 2), "stratify: false"),
    ],
)
def test_too_little_data_is_an_error_with_a_remedy(way: dict[str, Any], made: Examples, expected: str) -> None:
    with pytest.raises(DataError, match=re.escape(expected)):
        Validation(**way).split(made)


@pytest.mark.parametrize(
    "way",
    [
        {"by": "folds", "folds": 3, "fold": 3},
        {"fraction": 0.0},
        {"fraction": 1.0},
        {"by": "half"},
        {"folds": 1},
        {"test_fold": True},
        {"by": "folds", "folds": 2, "test_fold": True},
    ],
)
def test_ways_that_do_not_exist_are_mistakes_of_the_spec(way: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Validation(**way)


class _Made(SequenceSource):
    """A source with the splits `train` and `test`, and with `own` also `validation`."""

    own: bool = False

    def open(self, places: Places) -> dict[str, Examples]:
        splits: dict[str, Examples] = {"train": balanced(), "test": examples([0, 1])}
        return {**splits, "validation": examples([0, 1, 2])} if self.own else splits

    def read_input(self, path: Path, signature: Signature) -> Examples:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("by", "own", "sizes"),
    [
        ("fraction", False, {"train": 48, "validation": 12, "test": 2}),
        ("given", True, {"train": 60, "validation": 3, "test": 2}),
        ("none", True, {"train": 60, "test": 2}),
        ("none", False, {"train": 60, "test": 2}),
    ],
)
def test_a_source_gives_the_splits_that_are_asked_for(by: Any, own: bool, sizes: dict[str, int]) -> None:
    splits = _Made(own=own, validation=Validation(by=by)).splits(Places())
    assert {name: len(each) for name, each in splits.items()} == sizes


def test_a_given_validation_split_has_to_exist() -> None:
    with pytest.raises(DataError, match="no validation split of its own"):
        _Made(validation=Validation(by="given")).splits(Places())


def test_a_fold_tests_only_where_no_other_test_split_is(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Validation(by="folds", folds=3, test_fold=True, grouped=True)
    with pytest.raises(DataError, match="a fold can't test, as this source has a test split of its own"):
        _Made(validation=way).splits(Places())
    monkeypatch.setattr(_Made, "open", lambda self, places: {"train": balanced()})
    splits = _Made(validation=way).splits(Places())
    assert {name: len(each) for name, each in splits.items()} == {"train": 20, "validation": 20, "test": 20}
