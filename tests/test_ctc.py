"""Connectionist temporal classification against the sum over all paths, which small cases have few enough of.

Axes: B batch, T time, V labels, L labels of a text.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import groupby, product

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.baselines.ngram import KneserNey
from rnnlab.decoding.ctc import (
    BLANK,
    LABEL_MARKS,
    UNKNOWN,
    Language,
    best_alignment,
    best_path,
    prefix_beam_search,
    steps_needed,
)
from rnnlab.decoding.search import NEVER
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.tasks import TASKS, _language
from rnnlab.tasks._language import fit_automaton
from rnnlab.vocabulary import END, MARKS, START

TOKENS = 3
LABELS = len(LABEL_MARKS) + TOKENS
LENGTHS = np.array([5, 1, 3, 4, 2, 5], np.int32)

Text = tuple[int, ...]


def make_scores(seed: int = 0, width: int = 5, sharpness: float = 2.0) -> np.ndarray:
    """Return logits (B, T, V)."""
    return np.random.default_rng(seed).normal(size=(len(LENGTHS), width, LABELS)).astype(np.float32) * sharpness


def said(scores: np.ndarray) -> np.ndarray:
    """Return log-probabilities (T, V) in float64."""
    exact = scores.astype(np.float64)
    return exact - np.logaddexp.reduce(exact, axis=-1, keepdims=True)


def text_of(path: tuple[int, ...]) -> Text:
    return tuple(label for label, _ in groupby(path) if label != BLANK)


@lru_cache
def all_paths(length: int, unknown: bool) -> tuple[np.ndarray, list[Text], np.ndarray]:
    """Return all paths (P, T), all texts, and which of them each path says, (P,)."""
    labels = [label for label in range(LABELS) if unknown or label != UNKNOWN]
    paths = list(product(labels, repeat=length))
    every = sorted({text_of(path) for path in paths})
    places = {text: place for place, text in enumerate(every)}
    return np.array(paths), every, np.array([places[text_of(path)] for path in paths])


def probabilities(scores: np.ndarray, unknown: bool = False) -> dict[Text, float]:
    """Return the log-probability of every text, by all paths that say it."""
    paths, every, places = all_paths(len(scores), unknown)
    shares = np.exp(said(scores)[np.arange(len(scores)), paths].sum(axis=1))
    return dict(zip(every, np.log(np.bincount(places, shares)).tolist(), strict=True))


def texts(labels: object) -> list[list[Text]]:
    return [[tuple(int(each) for each in text if each != BLANK) for text in row] for row in np.asarray(labels)]


def make_language(weight: float = 0.7, seed: int = 3) -> Language:
    """Return a random automaton of two states."""
    random = np.random.default_rng(seed)
    log_prob = np.log(random.dirichlet(np.ones(LABELS), 2)).astype(np.float32)
    return Language(random.integers(0, 2, (2, LABELS), np.int32), log_prob, log_prob[:, 0], weight)


def fluency(text: Text, language: Language) -> float:
    state, total = 0, 0.0
    for label in text:
        total += language.log_prob[state, label]
        state = language.next_state[state, label]
    return language.weight * (total + language.end[state])


# The loss.


def loss(scores: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    batch = {"targets": labels, "weights": np.ones(len(labels), np.float32)}
    outputs = {"scores": tf.constant(scores), "lengths": tf.constant(lengths)}
    found, weights = TASKS.parse("transcription").losses(outputs, batch, {})
    return np.asarray(found), np.asarray(weights)


def test_the_loss_is_that_of_all_paths_a_token() -> None:
    scores = make_scores()
    labels = np.array([[2, 2, 3], [4, -1, -1], [2, 2, -1], [3, 2, 1], [2, -1, -1], [2, 3, 4]], np.int32)
    found, weights = loss(scores, labels, LENGTHS)
    counts = (labels != NOTHING).sum(axis=1)
    np.testing.assert_array_equal(weights, counts)
    for row, length in enumerate(LENGTHS):
        text = tuple(labels[row, : counts[row]].tolist())
        expected = -probabilities(scores[row, :length], unknown=True)[text]
        assert found[row] * weights[row] == pytest.approx(expected, rel=1e-5), text


def test_padding_and_neighbours_do_not_change_the_loss() -> None:
    scores, labels = make_scores(), np.array([[2, -1], [3, -1], [4, 2], [2, 2], [3, 4], [3, -1]], np.int32)
    expected, _ = loss(scores, labels, LENGTHS)
    wider = np.concatenate([scores, 9 * make_scores(7)], axis=1)
    for row, length in enumerate(LENGTHS):
        wider[row, length:5] = 50
    order = [3, 0, 5, 4, 1, 2]
    more = np.pad(labels, [(0, 0), (0, 3)], constant_values=NOTHING)
    np.testing.assert_allclose(loss(wider[order], more[order], LENGTHS[order])[0], expected[order], rtol=1e-5)


def test_a_text_without_steps_enough_does_not_count_and_spoils_no_gradient() -> None:
    scores = tf.constant(make_scores())
    labels = np.array([[2, 3], [2, 3], [2, 2], [2, 2], [2, 2], [-1, -1]], np.int32)  # of 5, 1, 3, 4, 2 and 5 steps
    batch = {"targets": labels, "weights": np.ones(6, np.float32)}
    with tf.GradientTape() as tape:
        tape.watch(scores)
        outputs = {"scores": scores, "lengths": tf.constant([5, 1, 3, 4, 2, 0])}
        losses, weights = TASKS.parse("transcription").losses(outputs, batch, {})
        total = tf.reduce_sum(losses * weights)
    np.testing.assert_array_equal(weights, [2, 0, 2, 2, 0, 0])
    gradient = np.asarray(tape.gradient(total, scores))
    assert np.isfinite(losses).all()
    assert np.isfinite(gradient).all()
    assert [bool(np.abs(row).max() > 0) for row in gradient] == [True, False, True, True, False, False]


def test_the_fewest_steps_are_those_of_the_shortest_path_that_says_a_text() -> None:
    shortest: dict[Text, int] = {}
    for length in range(6):
        for path in product([BLANK, 2, 3], repeat=length):
            shortest.setdefault(text_of(path), length)
    rows = [text for text in shortest if len(text) <= 3]
    labels = np.array([[*text, *[NOTHING] * (3 - len(text))] for text in rows], np.int32)
    found = steps_needed(labels, np.array([len(text) for text in rows], np.int32))
    assert np.asarray(found).tolist() == [shortest[text] for text in rows]


# What is found.


@pytest.mark.parametrize("seed", range(3))
def test_the_best_path_is_the_one_of_the_most_probable_labels(seed: int) -> None:
    scores = make_scores(seed)
    labels, ranks = best_path(tf.constant(scores), tf.constant(LENGTHS))
    for row, length in enumerate(LENGTHS):
        logs = said(scores[row, :length])
        logs[:, UNKNOWN] = -np.inf
        assert texts(labels)[row] == [text_of(tuple(logs.argmax(axis=1).tolist()))]
        assert float(ranks[row, 0]) == pytest.approx(logs.max(axis=1).sum(), rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_wide_enough_finds_the_most_probable_texts(seed: int, weight: float) -> None:
    scores, language = make_scores(seed, sharpness=1.0), make_language(weight) if weight else None
    labels, ranks = prefix_beam_search(tf.constant(scores), tf.constant(LENGTHS), 500, 4, language)
    for row, length in enumerate(LENGTHS):
        exact = probabilities(scores[row, :length])
        if language is not None:
            exact = {text: score + fluency(text, language) for text, score in exact.items()}
        best = sorted(exact, key=lambda text: -exact[text])[:4]
        assert texts(labels)[row] == best
        np.testing.assert_allclose(ranks[row], [exact[text] for text in best], rtol=1e-4)


def test_a_narrow_beam_finds_more_probable_texts_than_the_best_path_and_a_wider_one_even_more() -> None:
    """On the whole: of a single example no beam that leaves something out promises it."""
    totals: dict[int, float] = defaultdict(float)
    for seed in range(6):
        scores = tf.constant(make_scores(seed, sharpness=1.0))
        for beam in (1, 4, 64):
            given = scores, tf.constant(LENGTHS)
            labels, ranks = best_path(*given) if beam == 1 else prefix_beam_search(*given, beam)
            for row, length in enumerate(LENGTHS):
                (found,), exact = texts(labels)[row], probabilities(scores[row, :length].numpy())
                totals[beam] += np.exp(exact[found])
                assert float(ranks[row, 0]) <= exact[found] + 1e-4, "of paths that were dropped nothing is known"
    assert totals[1] < totals[4] < totals[64]


def test_a_text_is_found_where_no_single_path_says_it_best() -> None:
    """The classic case: a blank is most probable at each step, and yet the label in all."""
    scores = np.log(np.array([[[0.6, 1e-9, 0.4], [0.6, 1e-9, 0.4]]], np.float32))
    lengths = tf.constant([2])
    assert texts(best_path(tf.constant(scores), lengths)[0]) == [[()]]
    assert texts(prefix_beam_search(tf.constant(scores), lengths, 2)[0]) == [[(2,)]]


@pytest.mark.parametrize("beam", [1, 3, 8])
def test_padding_and_neighbours_do_not_change_what_is_found(beam: int) -> None:
    def found(scores: np.ndarray, lengths: np.ndarray) -> tuple[list[list[Text]], np.ndarray]:
        given = tf.constant(scores), tf.constant(lengths)
        labels, ranks = best_path(*given) if beam == 1 else prefix_beam_search(*given, beam, 2, make_language())
        return texts(labels), np.asarray(ranks)

    scores = make_scores()
    expected, expected_ranks = found(scores, LENGTHS)
    wider = np.concatenate([scores, 9 * make_scores(7)], axis=1)
    order = [3, 0, 5, 4, 1, 2]
    other, ranks = found(wider[order], LENGTHS[order])
    assert other == [expected[row] for row in order]
    np.testing.assert_allclose(ranks, expected_ranks[order], rtol=1e-5)
    for row, length in enumerate(LENGTHS):
        alone, ranks = found(scores[row : row + 1, :length], LENGTHS[row : row + 1])
        assert alone == [expected[row]]
        np.testing.assert_allclose(ranks, expected_ranks[row : row + 1], rtol=1e-5)


def test_where_there_are_fewer_texts_than_answers_the_rest_is_nothing() -> None:
    labels, ranks = prefix_beam_search(tf.constant(make_scores()[:1, :1]), tf.constant([1]), 8, 8)
    assert len({text for text in texts(labels)[0] if text}) == TOKENS
    assert (np.asarray(ranks)[0] > NEVER / 2).tolist() == [True] * (TOKENS + 1) + [False] * 4


def test_the_best_alignment_is_the_most_probable_path_of_a_text() -> None:
    for seed, text in enumerate([(2,), (2, 2), (3, 2, 2), (2, 3, 4), ()]):
        logs = said(make_scores(seed)[0])
        paths = [path for path in product(range(LABELS), repeat=len(logs)) if text_of(path) == text]
        best = max(paths, key=lambda path: sum(logs[step, label] for step, label in enumerate(path)))
        found = best_alignment(logs, np.array(text, int))
        assert [text[place] if place >= 0 else BLANK for place in found] == list(best)
        assert [place for place, _ in groupby(found) if place >= 0] == list(range(len(text)))


def test_a_text_too_long_for_its_steps_has_no_alignment() -> None:
    with pytest.raises(ValueError, match="received 2 for 2 labels"):
        best_alignment(said(make_scores()[0, :2]), np.array([2, 2]))


# The language model.

SAID = [[4, 5, 4, 5], [4, 5], [5, 5, 6], [6]]
SIZE = len(MARKS) + TOKENS


@pytest.mark.parametrize("order", [1, 2, 4])
def test_an_automaton_says_of_any_text_what_the_n_gram_model_says(order: int) -> None:
    following, log_prob = fit_automaton(SAID, SIZE, order)
    model = KneserNey.fit([np.array([START, *text, END]) for text in SAID], SIZE, order)
    for text in [*SAID, [6, 6, 4], [4, 4, 4, 4, 4], []]:
        state, found = 0, []
        for token in [*text, END]:
            found.append(log_prob[state, token])
            state = following[state, token]
        expected = np.log(model.probabilities(np.array([START, *text, END]))[1:])
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_in_every_state_of_an_automaton_something_comes_next() -> None:
    _, log_prob = fit_automaton(SAID, SIZE, 3)
    np.testing.assert_allclose(np.exp(log_prob).sum(axis=1), 1, rtol=1e-5)


def test_an_automaton_too_large_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_language, "MOST", 10)
    with pytest.raises(DataError, match=r"task.language_order: .* beginnings of 3-grams .* ask for a smaller order"):
        fit_automaton(SAID, SIZE, 3)
