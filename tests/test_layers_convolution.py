"""Convolution and pooling along time equal NumPy on each unpadded row alone, and the lengths equal those counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.layers.convolution import StridedLengths, TimeConvolution, TimePooling

from .made import make_sequences, pad_with

sizes = st.integers(1, 6)
strides = st.integers(1, 4)
paddings = st.sampled_from(["same", "valid", "causal"])
lengths_of_rows = st.lists(st.integers(1, 11), min_size=1, max_size=4)


def counted(length: int, size: int, stride: int, padding: str) -> int:
    """Return how many windows there are, by counting where they start."""
    starts = range(0, length, stride)
    if padding == "valid":
        starts = [start for start in starts if start + size <= length]
    return max(len(starts), 1) if length else 0


def convolved(row: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, padding: str) -> np.ndarray:
    """Return (T', filters): the definition of a convolution, on one unpadded row (T, F)."""
    size = len(kernel)
    before = {"same": (size - 1) // 2, "causal": size - 1, "valid": 0}[padding]
    outputs = []
    for number in range(counted(len(row), size, stride, padding)):
        positions = [number * stride - before + offset for offset in range(size)]
        window = [row[each] if 0 <= each < len(row) else np.zeros(row.shape[1]) for each in positions]
        outputs.append(np.tensordot(np.array(window), kernel, axes=2) + bias)
    return np.array(outputs)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=9), sizes, strides, paddings)
def test_lengths_are_those_counted(lengths: list[int], size: int, stride: int, padding: str) -> None:
    expected = [counted(length, size, stride, padding) for length in lengths]
    found = StridedLengths(size, stride, padding)(np.array(lengths, np.int32))
    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, expected)


@given(lengths_of_rows, sizes, strides, paddings, st.integers(0, 5))
def test_a_convolution_gives_each_row_what_it_gives_it_alone(
    lengths: list[int], size: int, stride: int, padding: str, more: int
) -> None:
    rows = make_sequences(lengths, features=2)
    layer = TimeConvolution(3, size, stride, padding)
    layer.build((None, None, 2), (None,))
    kernel, bias = (np.random.default_rng(1).normal(size=weight.shape) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    outputs = np.asarray(layer(pad_with(rows, max(lengths) + more, np.nan), np.array(lengths)))
    for row, found in zip(rows, outputs, strict=True):
        expected = convolved(row, kernel, bias, stride, padding)
        assert len(found) >= len(expected)
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-5)


def test_without_a_bias_there_is_none() -> None:
    layer = TimeConvolution(3, 2, 1, "same", use_bias=False)
    outputs = layer(np.zeros((1, 4, 2), np.float32), np.array([4]))
    assert len(layer.weights) == 1
    assert not np.asarray(outputs).any()


@pytest.mark.parametrize("kind", ["max", "mean"])
@given(lengths=lengths_of_rows, size=sizes, more=st.integers(0, 5))
def test_pooling_gives_each_row_what_it_gives_it_alone(kind: str, lengths: list[int], size: int, more: int) -> None:
    rows = [row - 5 for row in make_sequences(lengths, features=2)]
    pooled = np.asarray(TimePooling(size, kind)(pad_with(rows, max(lengths) + more, np.nan), np.array(lengths)))
    reduce = np.max if kind == "max" else np.mean
    for row, found in zip(rows, pooled, strict=True):
        expected = [reduce(row[start : start + size], axis=0) for start in range(0, len(row), size)]
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-6)
        assert np.isfinite(found).all()
