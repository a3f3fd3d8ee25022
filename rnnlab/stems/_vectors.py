"""Vectors of tokens in text files, as word2vec, GloVe and fastText write them.

Axes: U units.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError


def read_vectors(path: Path, wanted: Collection[str], units: int) -> dict[str, NDArray[np.float32]]:
    """Return the vectors (U,) of those of the wanted tokens that a file has; of one that is there twice, the first.

    A token may hold spaces. A first line of two numbers, which word2vec and fastText write, is passed over.

    Raises:
        DataError: the file can't be read, or a vector has another size or holds something else than finite numbers.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", errors="replace", newline="\n") as lines:
            return _vectors(lines, path.name, wanted, units)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"stem.pretrained: {path}: can't be read: {error}") from None


def _vectors(lines: Iterable[str], name: str, wanted: Collection[str], units: int) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for line, text in enumerate(lines, start=1):
        cells = text.rstrip().split(" ")
        header = line == 1 and units > 1 and len(cells) == 2 and all(cell.isdecimal() for cell in cells)
        if header or not text.strip():
            continue
        size = _size(cells) if line <= 2 else len(cells) - 1
        if (size != units) if line <= 2 else (size < units):
            raise DataError(f"{name}:{line}: expected a token and {units} numbers (stem.units); received {size}")
        token = " ".join(cells[:-units])
        if token in wanted and token not in found:
            try:
                vector = np.array(cells[-units:], np.float32)
            except ValueError:
                raise DataError(f"{name}:{line}: expected {units} numbers behind the token {token!r}") from None
            if not np.isfinite(vector).all():
                raise DataError(f"{name}:{line}: expected finite numbers behind the token {token!r}")
            found[token] = vector
    return found


def _size(cells: list[str]) -> int:
    """Return how many numbers a line ends with, the first cell being no number."""
    size = 0
    for cell in reversed(cells[1:]):
        try:
            float(cell)
        except ValueError:
            break
        size += 1
    return size
