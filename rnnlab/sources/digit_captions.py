"""Pictures of handwritten digits, described in words: real digits laid out by a seeded generator, no files.

Scikit-learn carries 1,797 digits of 8 × 8 pixels, by 43 people (E. Alpaydin and C. Kaynak, "Optical Recognition of
Handwritten Digits", 1998). Up to three of them stand side by side, or above one another, somewhere on a black canvas.
The caption follows from that:

    caption: one digit, a row from left to right, or a column from top to bottom
    digit:   a zero | a one | … | an eight | a nine
    row:     digit left of digit | digit left of digit left of digit
    column:  digit above digit | digit above digit above digit

Axes: N examples, T time, H height, W width, C channels, D digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.archives import ArchiveError, read_archive
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._checks import shown_path
from rnnlab.sources._targets import TEXT_TARGET

SIDE = 8  # pixels of a digit
BRIGHTEST = 16.0  # of the digits as they come
SLACK = 2  # pixels by which a digit may stand beside the line of its row or column, either way
NAMES = ("a zero", "a one", "a two", "a three", "a four", "a five", "a six", "a seven", "an eight", "a nine")
JOINTS = MappingProxyType({"row": " left of ", "column": " above "})
TEST_SHARE, VALIDATION_SHARE = 0.15, 0.1  # of the digits
MOST_PIXELS = 64


@dataclass(frozen=True)
class Layout:
    """Where the digits of a picture stand.

    Attributes:
        digits: which of the 1,797, from left to right or from top to bottom.
        corners: the upper left pixel of each, (row, column).
        form: `row` or `column`; of a single digit either.
    """

    digits: tuple[int, ...]
    corners: tuple[tuple[int, int], ...]
    form: str


class DigitCaptions(SequenceSource):
    """Pictures of one to three handwritten digits, to be described in words, such as `a five left of a two`.

    No digit of one split stands in a picture of another. The pictures are the same on every machine.
    """

    train: int = Field(8000, ge=1, le=100_000, description="pictures to train on")
    validation_examples: int = Field(
        1000, ge=1, le=100_000, description="pictures to validate on, for `validation.by: given`"
    )
    test: int = Field(2000, ge=1, le=100_000, description="pictures to test on")
    digits: int = Field(3, ge=1, le=3, description="the most digits of a picture; each number of them as often")
    size: int = Field(28, ge=SIDE, le=MOST_PIXELS, description="pixels of each side of a picture")
    seed: int = Field(0, ge=0, description="seed of the splits and the pictures")
    validation: Validation = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation pictures are found; `given`: of digits of their own",
    )

    idle_unless = MappingProxyType({"validation_examples": ("validation", lambda how: how.by == "given")})

    @model_validator(mode="after")
    def _room_for_all(self) -> DigitCaptions:
        needed = room(self.digits)
        if self.size < needed:
            raise ValueError(f"size: expected {needed} or more, for {self.digits} digits; received {self.size}")
        return self

    @classmethod
    def gives_frames(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        pictures, classes = load_digits()
        # The raw bits of PCG64 are promised to be the same for ever; what a Generator makes of them is not.
        bits = np.random.PCG64(self.seed)
        counts = {"train": self.train, "test": self.test}
        if self.validation.by == "given":
            counts["validation"] = self.validation_examples
        return {
            name: _examples(
                [lay_out(own, self.digits, self.size, bits) for _ in range(counts[name])], pictures, classes, self.size
            )
            for name, own in share_digits(pictures, bits, validated="validation" in counts).items()
        }

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the pictures of an archive: its array `frames`, (N, H, W) or (N, H, W, 1), of 0 to 1."""
        shape = signature.inputs[0].shape
        where = f"{shown_path(path)}: frames"
        try:
            frames = read_archive(path, ["frames"]).get("frames")
        except (OSError, ArchiveError) as error:
            raise DataError(f"{shown_path(path)}: can't be read: {error}") from None
        if frames is None:
            raise DataError(f"{where}: expected an array of this name (numpy.savez(path, frames=…)); it is missing")
        expected = f"pictures ({', '.join(map(str, ('N', *shape)))}) of 0 to 1"
        if frames.dtype.kind not in "fiub" or not len(frames) or frames.shape[1:] not in (shape, shape[:2]):
            raise DataError(f"{where}: expected {expected}; received {frames.dtype} of shape {frames.shape}")
        values = frames.reshape(len(frames), *shape).astype(np.float32)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise DataError(f"{where}: expected {expected}; received {values.min():g} to {values.max():g}")
        ids = [str(number) for number in range(len(values))]
        return FlatExamples.from_lengths(Signature((signature.inputs[0],)), ids, values, np.ones(len(ids), np.int64))


def load_digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the digits that scikit-learn carries, (1797, 8, 8) of 0 to 1, and which each is, (1797,)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images / BRIGHTEST).astype(np.float32), found.target.astype(np.int64)


def share_digits(
    pictures: NDArray[np.float32], bits: np.random.PCG64, *, validated: bool
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


def room(count: int) -> int:
    """Return how many pixels so many digits need side by side, one between two."""
    return count * (SIDE + 1) - 1


def lay_out(own: NDArray[np.int64], most: int, size: int, bits: np.random.PCG64) -> Layout:
    """Return a picture's layout: how many digits, in which form, which ones, and where."""
    count, form = 1 + _drawn(bits, most), ("row", "column")[_drawn(bits, 2)]
    digits = tuple(int(own[_drawn(bits, len(own))]) for _ in range(count))
    # Along the line, what is left of its length is cut at random places into what stands before each digit.
    spare = size - room(count)
    cuts = sorted(_drawn(bits, spare + 1) for _ in range(count))
    along = [cut + number * (SIDE + 1) for number, cut in enumerate(cuts)]
    line = _drawn(bits, size - SIDE + 1)
    across = [min(max(line + _drawn(bits, 2 * SLACK + 1) - SLACK, 0), size - SIDE) for _ in range(count)]
    corners = zip(across, along, strict=True) if form == "row" else zip(along, across, strict=True)
    return Layout(digits, tuple(corners), form)


def _drawn(bits: np.random.PCG64, count: int) -> int:
    """Return one of 0 to count - 1; of so few, the remainder of 64 bits favours none."""
    return int(bits.random_raw()) % count


def caption(layout: Layout, classes: NDArray[np.int64]) -> str:
    """Return a layout in words."""
    return JOINTS[layout.form].join(NAMES[classes[digit]] for digit in layout.digits)


def draw(layout: Layout, pictures: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the picture of a layout, (H, W, 1)."""
    canvas = np.zeros((size, size, 1), np.float32)
    for digit, (row, column) in zip(layout.digits, layout.corners, strict=True):
        canvas[row : row + SIDE, column : column + SIDE, 0] = pictures[digit]
    return canvas


def _examples(
    layouts: list[Layout], pictures: NDArray[np.float32], classes: NDArray[np.int64], size: int
) -> FlatExamples:
    values = np.stack([draw(layout, pictures, size) for layout in layouts])
    targets = np.array([caption(layout, classes).encode() for layout in layouts], np.bytes_)
    signature = Signature((ExampleField("frames", "frames", (size, size, 1)),), TEXT_TARGET)
    ids, ones = [str(number) for number in range(len(layouts))], np.ones(len(layouts), np.int64)
    return FlatExamples.from_lengths(signature, ids, values, ones, targets)
