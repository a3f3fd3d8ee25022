"""Scikit-learn's handwritten digits, which frames are made of: who has which, chance that stays the same, archives.

1,797 digits of 8 × 8 pixels, by 13 people (E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits",
1998). Nobody says which are whose: the same people write in every split, and no score is one of new writers.

Axes: N examples, T time, H height, W width, C channels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from rnnlab.archives import ArchiveError, read_archive
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.pixels import as_pixels
from rnnlab.signature import Signature
from rnnlab.sources import Validation
from rnnlab.sources._checks import shown_path

SIDE = 8  # pixels of a digit
BRIGHTEST = 16  # of the digits as they come
TEST_SHARE, VALIDATION_SHARE = 0.15, 0.1  # of the digits
STEPS = 1 << 20  # in which what is drawn from a range may lie
NAMES = ("a zero", "a one", "a two", "a three", "a four", "a five", "a six", "a seven", "an eight", "a nine")
SPLITS = ("train", "validation", "test")


def _of_own_digits(how: Validation) -> Validation:
    """Refuse to cut the training split: a digit stands in many examples, and would in some of either side."""
    if how.by not in ("given", "none"):
        raise ValueError(
            f"by: expected given or none; received {how.by}, which would leave the same digits on both sides; `given` "
            "validates on examples of digits of their own"
        )
    return how


OwnDigits = Annotated[Validation, AfterValidator(_of_own_digits)]


@functools.cache
def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the digits that scikit-learn carries, (1797, 8, 8) of 0 to 255, and which each is, (1797,)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures, classes = np.round(found.images * (255 / BRIGHTEST)).astype(np.uint8), found.target.astype(np.int64)
    for kept in (pictures, classes):
        kept.flags.writeable = False  # every caller has the same
    return pictures, classes


def made_of_digits(
    counts: Mapping[str, int],
    make: Callable[[NDArray[np.int64], int, np.random.PCG64], Examples],
    seed: int,
    *,
    validated: bool,
) -> dict[str, Examples]:
    """Return splits, each made of digits of its own, by a chance of its own.

    Args:
        counts: how many examples `train`, `validation` and `test` have.
        make: returns so many examples of some of the digits, which it is given by their numbers, and of a chance.
        seed: of which digits each split has, and of the chances.
        validated: whether there is a split `validation`.
    """
    shared = share_digits(load_digits()[0], np.random.PCG64(seed), validated=validated)
    return {name: make(own, counts[name], chance(seed, name)) for name, own in shared.items()}


def share_digits(
    pictures: NDArray[np.uint8], bits: np.random.PCG64, *, validated: bool
) -> dict[str, NDArray[np.int64]]:
    """Return which digits each split has; what is the same, pixel by pixel, is on one side."""
    seen: dict[bytes, int] = {}
    same = np.array([seen.setdefault(picture.tobytes(), len(seen)) for picture in pictures], np.int64)
    rank = np.argsort(np.argsort(bits.random_raw(len(seen)), kind="stable"), kind="stable")[same] / len(seen)
    shares = {"test": TEST_SHARE, **({"validation": VALIDATION_SHARE} if validated else {})}
    found, begin = {}, 0.0
    for name, share in shares.items():
        found[name] = np.flatnonzero((rank >= begin) & (rank < begin + share))
        begin += share
    return {"train": np.flatnonzero(rank >= begin), **found}


def chance(seed: int, split: str) -> np.random.PCG64:
    """Return the chance of a split: its own, so that one split stays when another is made larger.

    The raw bits of PCG64 are promised to be the same for ever; what a Generator makes of them is not.
    """
    return np.random.PCG64([seed, SPLITS.index(split)])


def drawn(bits: np.random.PCG64, count: int) -> int:
    """Return one of 0 to count - 1; of so few, the remainder of 64 bits favours none."""
    return int(bits.random_raw()) % count


def between(ends: tuple[float, float] | list[float], bits: np.random.PCG64) -> float:
    """Return a number of a range, drawn evenly."""
    return ends[0] + (ends[1] - ends[0]) * drawn(bits, STEPS + 1) / STEPS


def read_frames(path: Path, signature: Signature, *, pictures: bool) -> FlatExamples:
    """Return what an archive's array `frames` holds, pixels of 0 to 255, with one channel or without that axis.

    Args:
        path: the archive; of clips that are not equally long it has `lengths` (N,), too.
        signature: of the training data.
        pictures: whether these are (N, H, W, C); else they are clips (N, T, H, W, C).

    Raises:
        DataError: it holds something else.
    """
    field, where = signature.inputs[0], f"{shown_path(path)}: frames"
    try:
        arrays = read_archive(path, ["frames", "lengths"])
    except (OSError, ArchiveError) as error:
        raise DataError(f"{shown_path(path)}: can't be read: {error}") from None
    if "frames" not in arrays:
        raise DataError(f"{where}: expected an array of this name (numpy.savez(path, frames=…)); it is missing")
    frames, before = arrays["frames"], ("N",) if pictures else ("N", "T")
    shapes = (field.shape, field.shape[:2])
    if frames.ndim <= len(before) or not frames.size or frames.shape[len(before) :] not in shapes:
        expected = ", ".join(map(str, (*before, *field.shape)))
        raise DataError(
            f"{where}: expected {'pictures' if pictures else 'clips'} ({expected}); received shape {frames.shape}"
        )
    values = as_pixels(frames, where).reshape(len(frames), -1, *field.shape)
    count, longest = values.shape[:2]
    lengths = arrays.get("lengths", np.full(count, longest))
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > longest:
        raise DataError(
            f"{shown_path(path)}: lengths: expected {count} whole numbers of 1 to {longest}, the frames of each clip"
        )
    starts = np.arange(count, dtype=np.int64) * longest
    ids = [str(number) for number in range(count)]
    flat = values.reshape(-1, *field.shape)
    return FlatExamples(Signature((field,)), ids, flat, starts, lengths.astype(np.int64))
