"""Metrics of texts are sacrebleu's over the whole corpus, however it was batched, and say how they were counted."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu

from rnnlab.metrics import METRICS, Metric
from tests.test_metrics import evaluate

WORDS = [
    "the",
    "a",
    "Dog",
    "cat",
    "runs,",
    "runs",
    ".",
    "end!",
    "(in)",
    "Straße",
    "été",
    "東京",
    "3.5",
    '"no"',
    "it's",
    "&amp;",
]
CASES: list[tuple[str, dict[str, Any]]] = [
    ("bleu", {}),
    ("bleu", {"lowercase": False}),
    ("bleu", {"tokenizer": "intl"}),
    ("bleu", {"tokenizer": "char"}),
    ("bleu", {"tokenizer": "zh"}),
    ("bleu", {"tokenizer": "none"}),
    ("chrf", {}),
    ("chrf", {"lowercase": True}),
]


def metric(name: str, **keys: Any) -> Metric:
    return METRICS.parse({"metric": name, **keys})


def random_texts(seed: int, count: int = 40) -> tuple[list[str], list[str]]:
    """Return answers and true texts, much alike; some answers are empty, or end in white space."""
    random = np.random.default_rng(seed)
    true = [" ".join(random.choice(WORDS, random.integers(1, 12))) for _ in range(count)]
    kept = [[word if random.random() < 0.8 else str(random.choice(WORDS)) for word in text.split()] for text in true]
    answers = [" ".join(words[: random.integers(0, len(words) + 2)]) for words in kept]
    return [f"{text} " if random.random() < 0.2 else text for text in answers], true


def arrays(answers: list[str], true: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    encoded = [np.array([text.encode() for text in texts], np.bytes_) for texts in (answers, true)]
    weights = np.ones(len(true), np.float32)
    return {"texts": encoded[0]}, {"texts": encoded[1], "targets": encoded[1], "weights": weights}


def expected(name: str, answers: list[str], true: list[str], keys: dict[str, Any]) -> float:
    if name == "chrf":
        if "lowercase" in keys:
            return float(sacrebleu.CHRF(**keys).corpus_score(answers, [true]).score)
        return float(sacrebleu.corpus_chrf(answers, [true], **keys).score)
    lowercase, tokenizer = keys.get("lowercase", True), keys.get("tokenizer", "13a")
    return float(sacrebleu.corpus_bleu(answers, [true], lowercase=lowercase, tokenize=tokenizer).score)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "keys"), CASES)
def test_a_score_is_that_of_the_corpus_however_it_is_batched(name: str, keys: dict[str, Any], seed: int) -> None:
    answers, true = random_texts(seed)
    score = expected(name, answers, true, keys)
    assert 10 < score < 100
    for batch_size in (1, 7, 40):
        found = evaluate(metric(name, **keys), *arrays(answers, true), batch_size)
        assert found == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize(("name", "keys"), CASES)
def test_answers_without_a_single_hit_score_what_sacrebleu_says(name: str, keys: dict[str, Any]) -> None:
    true = ["one two", "three"]
    for answers in (["", ""], ["zzz", "yyy"]):
        found = evaluate(metric(name, **keys), *arrays(answers, true))
        assert found == pytest.approx(expected(name, answers, true, keys))


@pytest.mark.parametrize(("name", "keys"), CASES)
def test_perfect_answers_have_the_whole_score(name: str, keys: dict[str, Any]) -> None:
    true = ["a dog runs in the garden .", "two cats sleep beside it ."]
    assert evaluate(metric(name, **keys), *arrays(true, true)) == pytest.approx(100)


@pytest.mark.parametrize(("name", "keys"), CASES)
def test_what_was_scored_before_does_not_change_a_score(name: str, keys: dict[str, Any]) -> None:
    used = metric(name, **keys)
    evaluate(used, *arrays(*random_texts(1)))
    case = arrays(*random_texts(2))
    assert evaluate(used, *case) == evaluate(metric(name, **keys), *case)


def test_a_definition_holds_the_signature_of_sacrebleu() -> None:
    bleu, chrf = sacrebleu.BLEU(lowercase=True), sacrebleu.CHRF()
    for each in (bleu, chrf):
        each.corpus_score(["a"], [["a"]])
    assert str(bleu.get_signature()) in metric("bleu").full_definition()
    assert str(chrf.get_signature()) in metric("chrf").full_definition()
    assert "case:mixed" in metric("bleu", lowercase=False).full_definition()
    assert "case:lc" in metric("chrf", lowercase=True).full_definition()
    assert "tok:intl" in metric("bleu", tokenizer="intl").full_definition()
    assert metric("exact_match").full_definition() == metric("exact_match").definition
    assert metric("exact_match", lowercase=True).full_definition().endswith("in lower case")


def test_an_exact_match_is_of_all_characters_but_white_space_at_the_ends() -> None:
    pairs = [("a b", "a b"), (" a b\n", "a b"), ("a b\u00a0", "\u3000a b"), ("\x0ba", "a"), ("", " ")]
    others = [("a  b", "a b"), ("A b", "a b"), ("a b.", "a b"), ("e\u0301", "\u00e9"), ("", "a")]
    for pair in pairs:
        assert evaluate(metric("exact_match"), *arrays([pair[0]], [pair[1]])) == 1, pair
    for pair in others:
        assert evaluate(metric("exact_match"), *arrays([pair[0]], [pair[1]])) == 0, pair
    answers, true = zip(*pairs, *others, strict=True)
    assert evaluate(metric("exact_match"), *arrays(list(answers), list(true)), 3) == 0.5


def test_bytes_that_are_no_text_are_scored_all_the_same() -> None:
    batch = arrays(["a b c d"], ["a b c d"])[1]
    for name in ("bleu", "chrf", "exact_match"):
        assert evaluate(metric(name), {"texts": np.array([b"a b \xff\xc3"])}, batch) < 100


def edits(true: Sequence[str], answered: Sequence[str]) -> int:
    """Return how many tokens have to be put in, left out or changed, by the recurrence of Wagner and Fischer (1974)."""
    row = list(range(len(answered) + 1))
    for number, one in enumerate(true, start=1):
        before, row = row, [number]
        for place, other in enumerate(answered, start=1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (one != other)))
    return row[-1]


RATES: dict[str, Callable[[str], Sequence[str]]] = {"character_error_rate": str.strip, "word_error_rate": str.split}


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("name", RATES)
def test_an_error_rate_is_the_edits_of_all_texts_over_the_length_of_the_true_ones(name: str, lowercase: bool) -> None:
    answers, true = random_texts(3)
    cut = RATES[name]
    pairs = [[cut(text.lower() if lowercase else text) for text in pair] for pair in zip(true, answers, strict=True)]
    wanted = sum(edits(*pair) for pair in pairs) / sum(len(one) for one, _ in pairs)
    for batches in (1, 3):
        assert evaluate(metric(name, lowercase=lowercase), *arrays(answers, true), batches) == pytest.approx(wanted)


@pytest.mark.parametrize("name", RATES)
def test_an_error_rate_bears_what_is_empty_and_what_is_no_text(name: str) -> None:
    assert evaluate(metric(name), *arrays(["", "", "x y"], ["a b", "", ""])) == pytest.approx(
        {"character_error_rate": 6 / 3, "word_error_rate": 4 / 2}[name]
    )
    assert np.isnan(evaluate(metric(name), *arrays([""], [""])))
    batch = arrays(["a b"], ["a b"])[1]
    assert evaluate(metric(name), {"texts": np.array([b"a \xff"])}, batch) > 0


def test_a_definition_of_an_error_rate_says_who_counted() -> None:
    for name in RATES:
        assert f"jiwer {importlib.metadata.version('jiwer')}" in metric(name).full_definition()
        assert "in lower case" in metric(name, lowercase=True).full_definition()


def test_who_counts_is_loaded_when_it_is_needed_only() -> None:
    code = (
        "import sys; from rnnlab.metrics import METRICS; names = METRICS.names();"
        "[METRICS.load(each) for each in names]; METRICS.parse('bleu'); METRICS.parse('word_error_rate');"
        "sys.exit(bool({'sacrebleu', 'jiwer'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
