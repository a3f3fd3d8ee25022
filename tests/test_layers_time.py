"""Masks, reversal and last steps equal plain NumPy on each row alone."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.layers.time import FinalStep, ZeroPadding, reverse_valid, step_at

from .made import make_sequences, pad_with

LENGTHS = np.array([4, 1, 6, 0, 3], np.int32)
WIDTH = 7


@pytest.fixture(params=[0.0, 1e3, np.nan, np.inf], ids=["zeros", "large", "nan", "infinity"])
def padded(request: pytest.FixtureRequest) -> np.ndarray:
    return pad_with(make_sequences(LENGTHS, features=4), WIDTH, request.param)


def test_padding_of_any_kind_becomes_zero(padded: np.ndarray) -> None:
    expected = pad_with(make_sequences(LENGTHS, features=4), WIDTH, 0.0)
    np.testing.assert_array_equal(ZeroPadding()(padded, LENGTHS), expected)


def test_zero_padding_works_on_frames_of_any_shape() -> None:
    frames = np.full((2, 3, 4, 5), np.nan, np.float32)
    frames[0, :2] = 1
    zeroed = np.asarray(ZeroPadding()(frames, np.array([2, 0])))
    assert zeroed[0, :2].all()
    assert not zeroed[0, 2:].any()
    assert not zeroed[1].any()


def test_reversal_turns_the_valid_steps_around_and_leaves_the_padding(padded: np.ndarray) -> None:
    expected = padded.copy()
    for row, length in zip(expected, LENGTHS, strict=True):
        row[:length] = row[:length][::-1].copy()
    np.testing.assert_array_equal(reverse_valid(padded, LENGTHS), expected)


def test_a_step_is_read_from_each_row_by_its_own_position(padded: np.ndarray) -> None:
    positions = np.array([3, 0, 5, 0, 1])
    np.testing.assert_array_equal(step_at(padded, positions), padded[np.arange(5), positions])


@pytest.mark.parametrize("backward_units", [0, 1, 4])
def test_the_final_step_is_the_last_valid_one_forward_and_the_first_one_backward(
    padded: np.ndarray, backward_units: int
) -> None:
    final = np.asarray(FinalStep(backward_units)(padded, LENGTHS))
    for row, length, found in zip(padded, LENGTHS, final, strict=True):
        if length:
            forward = 4 - backward_units
            np.testing.assert_array_equal(found, [*row[length - 1, :forward], *row[0, forward:]])
