"""Sampling draws what was asked for, by an independent count.

Axes: V vocabulary, K keys.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnnlab.decoding.sampling import Sampler

scores_of_tokens = st.lists(st.floats(-20, 20), min_size=1, max_size=12)


def softmax(scores: list[float], temperature: float = 1.0) -> np.ndarray:
    values = [math.exp((each - max(scores)) / temperature) for each in scores]
    return np.array(values) / sum(values)


@given(scores_of_tokens, st.floats(0.05, 5))
def test_temperature_divides_the_scores(scores: list[float], temperature: float) -> None:
    found = Sampler(temperature).probabilities(np.array(scores))
    np.testing.assert_allclose(found, softmax(scores, temperature), atol=1e-12)


@given(scores_of_tokens, st.integers(0, 100))
def test_temperature_zero_is_the_most_probable_token_whatever_the_seed(scores: list[float], seed: int) -> None:
    assert Sampler(0).token(np.array(scores), np.random.default_rng(seed)) == int(np.argmax(scores))


@given(scores_of_tokens, st.integers(1, 15), st.floats(0.05, 5))
def test_top_k_keeps_the_k_most_probable_in_proportion(scores: list[float], k: int, temperature: float) -> None:
    found = Sampler(temperature, top_k=k).probabilities(np.array(scores))
    everything = softmax(scores, temperature)
    kept = sorted(range(len(scores)), key=lambda token: -scores[token])[:k]
    expected = [everything[token] / everything[kept].sum() if token in kept else 0 for token in range(len(scores))]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(scores_of_tokens, st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_tokens_that_reach_p(scores: list[float], p: float) -> None:
    found = Sampler(top_p=p).probabilities(np.array(scores))
    everything = softmax(scores)
    order = sorted(range(len(scores)), key=lambda token: -scores[token])
    kept: list[int] = []
    for token in order:
        kept.append(token)
        if everything[kept].sum() >= p - 1e-12:
            break
    if abs(everything[kept].sum() - p) > 1e-9:  # else rounding decides whether one more is kept
        assert set(np.flatnonzero(found)) <= set(kept)
        np.testing.assert_allclose(found[kept], everything[kept] / everything[kept].sum(), atol=1e-12)
    assert found.sum() == pytest.approx(1)


def test_top_p_is_of_what_top_k_leaves() -> None:
    scores = np.log([0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(Sampler(top_k=2, top_p=0.5).probabilities(scores), [1, 0, 0, 0])
    np.testing.assert_allclose(Sampler(top_k=2, top_p=0.6).probabilities(scores), [4 / 7, 3 / 7, 0, 0])


@given(scores_of_tokens, st.floats(0, 3), st.integers(0, 50))
def test_what_must_never_come_never_does(scores: list[float], temperature: float, seed: int) -> None:
    scores = [100.0, *scores]
    sampler = Sampler(temperature)
    assert sampler.probabilities(np.array(scores), [0])[0] == 0
    assert sampler.token(np.array(scores), np.random.default_rng(seed), [0]) != 0


def test_draws_come_as_often_as_they_are_probable_and_the_same_seed_draws_the_same() -> None:
    scores = np.log([0.5, 0.3, 0.15, 0.05])
    draws = [[Sampler().token(scores, random) for _ in range(20_000)] for random in map(np.random.default_rng, (0, 0))]
    assert draws[0] == draws[1]
    np.testing.assert_allclose(np.bincount(draws[0]) / 20_000, [0.5, 0.3, 0.15, 0.05], atol=0.01)


def test_keys_sound_as_often_as_they_are_probable() -> None:
    probabilities = np.array([0.9, 0.5, 0.1, 1e-9])
    scores, random = np.log(probabilities / (1 - probabilities)), np.random.default_rng(0)
    frames = np.stack([Sampler().frame(scores, random) for _ in range(20_000)])
    np.testing.assert_allclose(frames.mean(axis=0), probabilities, atol=0.01)
    np.testing.assert_array_equal(Sampler(0).frame(np.array([0.1, -0.1, 3]), random), [True, False, True])
    frames = np.stack([Sampler(top_k=2).frame(scores, random) for _ in range(200)])
    assert frames[:, :2].any(axis=0).all()
    assert not frames[:, 2:].any()


@given(
    scores=arrays(np.float64, 88, elements=st.floats(-30, 30)), temperature=st.sampled_from([0.01, 0.3, 0.9, 1.5, 20.0])
)
def test_the_temperature_says_which_keys_sound_and_not_how_many(scores, temperature) -> None:
    expected = Sampler().sounding(scores)
    np.testing.assert_allclose(expected, 1 / (1 + np.exp(-scores)), rtol=1e-6, atol=1e-9)
    found = Sampler(temperature).sounding(scores)
    assert found.sum() == pytest.approx(expected.sum(), rel=1e-3, abs=1e-3)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(found[order]) >= -1e-12).all()


def test_a_low_temperature_takes_the_most_probable_keys_though_none_is_certain() -> None:
    scores = np.array([-0.4, -0.5, -3.0, -0.6, -5.0])  # 1.2 keys are expected
    assert Sampler(0.01).sounding(scores)[0] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_array_equal(Sampler(0).frame(scores, np.random.default_rng(0)), [1, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"temperature": -1}, "temperature: expected 0 or more"),
        ({"temperature": math.nan}, "temperature: expected 0 or more"),
        ({"top_k": 0}, "top-k: expected 1 or more"),
        ({"top_p": 0.0}, "top-p: expected more than 0"),
        ({"top_p": 1.1}, "top-p: expected more than 0, and 1 at most"),
    ],
)
def test_what_can_not_be_drawn_by_is_refused(keys: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampler(**keys)
