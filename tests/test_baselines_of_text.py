"""The bag of words: what it answers is a matter of words alone, and never of the test texts' labels."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.baselines import BASELINES, Baseline
from rnnlab.examples import FlatExamples, Subset
from rnnlab.signature import Field, Signature

WORDS = (("red", "rose", "ruby"), ("blue", "sky", "sea"), ("green", "leaf", "moss"))
TARGETS = {
    "class": Field("label", "class", (), ("r", "b", "g")),
    "labels": Field("label", "labels", (3,), ("r", "b", "g")),
}


def _serves(baseline: type[Baseline]) -> bool:
    return "text" in baseline.inputs and "classification" in baseline.tasks


OF_TEXT = [name for name in BASELINES.names() if _serves(BASELINES.load(name))]


def examples(kind: str, count: int = 30, seed: int = 0) -> FlatExamples:
    random = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    texts = [" ".join(random.choice(WORDS[each], random.integers(1, 6))) for each in classes]
    targets = classes.astype(np.int64) if kind == "class" else np.eye(3, dtype=np.float32)[classes]
    signature = Signature((Field("text", "text", ()),), TARGETS[kind])
    encoded = [np.frombuffer(text.encode(), np.uint8) for text in texts]
    return FlatExamples.from_sequences(signature, [str(number) for number in range(count)], encoded, targets)


def answer(name: str, train: FlatExamples, test: FlatExamples | Subset) -> np.ndarray:
    (found,) = BASELINES.load(name)().answers(train, test, seed=0).values()
    assert found.shape == (len(test), 3)
    assert found.dtype == np.float32
    return np.asarray(found)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", OF_TEXT)
def test_answers_depend_neither_on_labels_nor_on_the_order_of_the_test_texts(name: str, kind: str) -> None:
    train, test = examples(kind), examples(kind, count=12, seed=1)
    found = answer(name, train, test)
    np.testing.assert_array_equal(answer(name, train, test.without_targets()), found)
    order = np.random.default_rng(2).permutation(12)
    np.testing.assert_allclose(answer(name, train, Subset(test, order)), found[order], atol=1e-6)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_bag_of_words_tells_easy_texts_apart(kind: str) -> None:
    train, test = examples(kind), examples(kind, count=12, seed=1)
    expected = np.arange(12) % 3
    assert (answer("bag_of_words", train, test).argmax(axis=1) == expected).all()


def test_a_class_that_training_never_showed_gets_nothing() -> None:
    train = examples("class")
    shown = Subset(train, np.flatnonzero(np.asarray(train.targets) != 2))
    found = BASELINES.load("bag_of_words")().answers(shown, examples("class", 6, 1), seed=0)["probabilities"]
    assert (found[:, 2] == 0).all()
