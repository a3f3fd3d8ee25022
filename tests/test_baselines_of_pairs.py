"""Baselines that answer texts with texts: what they say, of what they may know, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from rnnlab.baselines import BASELINES, NotApplicable, nearest_source
from rnnlab.examples import Examples, FlatExamples, Subset
from rnnlab.signature import Field, Signature

NAMES = [
    name
    for name in BASELINES.names()
    # What reads tokens gives likelihoods, and there are pictures, too: see test_vec2seq.
    if "sequence_to_sequence" in BASELINES.load(name).tasks and "text" in BASELINES.load(name).inputs
]
SIGNATURE = Signature((Field("text", "text", ()),), Field("target", "string", ()))
TRAIN = [
    ("Ein Hund läuft", "a dog runs"),
    ("Zwei Katzen", "two cats"),
    ("Hunde", "two dogs"),
    ("Ein Baum", "two cats"),
    ("東京", "Tōkyō"),
]


def examples(pairs: list[tuple[str, str]]) -> FlatExamples:
    texts = [np.frombuffer(source.encode(), np.uint8) for source, _ in pairs]
    targets = np.array([target.encode() for _, target in pairs], np.bytes_)
    return FlatExamples.from_sequences(SIGNATURE, [str(number) for number in range(len(pairs))], texts, targets)


def asked(*sources: str) -> FlatExamples:
    return examples([(source, "") for source in sources]).without_targets()


def answer(name: str, train: Examples, test: Examples) -> list[str]:
    (found,) = BASELINES.load(name)().answers(train, test, seed=0).values()
    assert (len(found), found.dtype.kind) == (len(test), "S")
    return [text.decode() for text in found.tolist()]


def test_a_source_is_copied_as_it_is() -> None:
    sources = ["Ein  Hund ", "東京", "x"]
    assert answer("copy_source", examples(TRAIN), asked(*sources)) == sources


def test_the_commonest_target_is_the_answer_to_everything_and_of_equals_the_first() -> None:
    assert answer("most_frequent_target", examples(TRAIN), asked("a", "b")) == ["two cats"] * 2
    assert answer("most_frequent_target", examples(TRAIN[:3]), asked("a")) == ["a dog runs"]


def test_the_nearest_source_knows_words_their_parts_and_what_is_like_nothing() -> None:
    sources = ["ein hund läuft", "Baum", "zwei kleine Katzen", "Hundeleben", "東京", "qqq"]
    expected = ["a dog runs", "two cats", "two cats", "two dogs", "Tōkyō", "two cats"]
    assert answer("nearest_source", examples(TRAIN), asked(*sources)) == expected


def test_the_nearest_source_is_that_of_all_cosines_however_many_are_compared_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    sources = ["".join(random.choice(list("abcd "), 12)) for _ in range(60)]
    train = examples([(source, f"{number}") for number, source in enumerate(sources[:40])])
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    seen = vectorizer.fit_transform(sources[:40]).toarray()
    nearest = (vectorizer.transform(sources[40:]).toarray() @ seen.T).argmax(axis=1)
    for pairs in (1, 90, 10**6):
        monkeypatch.setattr(nearest_source, "PAIRS_AT_ONCE", pairs)
        assert answer("nearest_source", train, asked(*sources[40:])) == [str(each) for each in nearest]


@pytest.mark.parametrize("name", NAMES)
def test_answers_depend_neither_on_targets_nor_on_the_order_of_what_is_asked(name: str) -> None:
    train, test = examples(TRAIN), examples([("Ein Hund", "one"), ("Katzen", "two"), ("Hunde", "three")])
    found = answer(name, train, test)
    assert answer(name, train, test.without_targets()) == found
    order = np.array([2, 0, 1])
    assert answer(name, train, Subset(test, order)) == [found[each] for each in order]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"copy_source"}))
def test_training_without_targets_is_refused(name: str) -> None:
    train = examples(TRAIN)
    for none in (replace(train, targets=None), Subset(train, np.arange(0))):
        with pytest.raises(NotApplicable, match="no training examples with targets"):
            answer(name, none, asked("a"))


def test_too_much_to_compare_is_refused_before_a_text_is_read() -> None:
    class Unreadable(Subset):
        def read(self, index: int) -> dict[str, np.ndarray]:
            raise RuntimeError("read")

    large = Unreadable(examples(TRAIN), np.arange(5))
    large.lengths = np.full(5, 10**7)
    with pytest.raises(NotApplicable, match="50,000,000 bytes of training texts, limit 20,000,000"):
        answer("nearest_source", large, large)
    many = Unreadable(examples(TRAIN), np.arange(30_000) % 5)
    many.lengths = np.ones(30_000, np.int64)
    with pytest.raises(NotApplicable, match="900,000,000 pairs of texts, limit 500,000,000"):
        answer("nearest_source", many, many)
