"""Targets that are whole texts go through what examples go through: parts, fingerprints, faults, JSON."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rnnlab.baselines import BASELINES
from rnnlab.errors import DataError
from rnnlab.evaluation import _batch, score
from rnnlab.examples import FlatExamples, Skipped, Subset
from rnnlab.metrics import METRICS
from rnnlab.signature import Field, Signature
from rnnlab.sources._checks import BadSequences
from rnnlab.sources._targets import LONGEST_TEXT, text_target

TARGET = Field("target", "string", ())
TEXTS = ["one", "zwei Wörter", "三"]


def examples(targets: list[str]) -> FlatExamples:
    sources = [np.frombuffer(each.encode(), np.uint8) for each in ("a", "bb", "c")]
    bad = BadSequences("error", ["0", "1", "2"])
    target, encoded = text_target(targets, str, bad)
    return FlatExamples.from_sequences(
        Signature((Field("text", "text", ()),), target), ["0", "1", "2"], sources, encoded
    )


def decoded(targets: np.ndarray | None) -> list[str]:
    assert targets is not None
    return [text.decode() for text in targets.tolist()]


def test_targets_are_texts_in_utf_8_and_a_part_of_examples_has_its_own() -> None:
    whole = examples(TEXTS)
    assert whole.signature.known_target == TARGET
    assert TARGET.dtype == "S"
    assert decoded(whole.targets) == TEXTS
    assert decoded(Subset(whole, np.array([2, 0])).targets) == ["三", "one"]
    assert decoded(whole.without({0: Skipped("0", "here", "bad")}).targets) == TEXTS[1:]


def test_a_fingerprint_is_of_every_target() -> None:
    prints = [examples(texts).fingerprint() for texts in (TEXTS, TEXTS, ["One", *TEXTS[1:]], TEXTS[::-1])]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
    assert Subset(examples(TEXTS), np.arange(3)).fingerprint() == prints[0]
    assert examples(TEXTS).without_targets().fingerprint() not in prints


def test_a_signature_with_texts_for_targets_survives_json() -> None:
    signature = examples(TEXTS).signature
    assert Signature.from_json(signature.to_json()) == signature


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" ", "place 1: sequence 'b': expected a text to answer with; received nothing"),
        ("a\0", "place 1: sequence 'b': expected text; received the character NUL"),
        ("x" * (LONGEST_TEXT + 1), "place 1: sequence 'b': expected a text of at most 10,000 bytes"),
    ],
)
def test_a_text_that_can_be_no_target_is_told_or_left_out_and_makes_no_other_wider(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        text_target(["a", text], "place {}".format, BadSequences("error", ["a", "b"]))
    bad = BadSequences("skip", ["a", "b"])
    _, targets = text_target(["a", text], "place {}".format, bad)
    assert (list(bad.found), targets.itemsize) == ([1], 1)


def test_texts_where_training_had_classes_are_refused() -> None:
    like = replace(TARGET, kind="class", names=("a", "b"))
    with pytest.raises(
        DataError, match="expected a target of kind 'class', as in the training data; received 'string'"
    ):
        text_target(["a"], str, BadSequences("error", ["a"]), like)


def test_a_split_is_scored_against_its_texts() -> None:
    task = SimpleNamespace(per_series=lambda learnt: {})
    predictor: Any = SimpleNamespace(
        series_numbers=lambda names, count: np.zeros(count, np.int64), experiment=SimpleNamespace(task=task), learnt={}
    )
    test, metrics = examples(TEXTS), {name: METRICS.parse(name) for name in ("exact_match", "bleu", "chrf")}
    batch = _batch(predictor, test)
    answers = BASELINES.load("most_frequent_target")().answers(test, test, seed=0)
    assert score(answers, batch, metrics)["exact_match"] == pytest.approx(1 / 3)
    assert score({"texts": test.known_targets}, batch, metrics)["chrf"] == pytest.approx(100)
