"""Pictures of handwritten digits, described in words: real digits laid out by a seeded generator, no files.

Scikit-learn carries 1,797 digits of 8 × 8 pixels, by 13 people (E. Alpaydin and C. Kaynak, "Optical Recognition of
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

from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._digits import NAMES, SIDE, OwnDigits, drawn, load_digits, made_of_digits, read_frames
from rnnlab.sources._targets import TEXT_TARGET

SLACK = 2  # pixels by which a digit may stand beside the line of its row or column, either way
JOINTS = MappingProxyType({"row": " left of ", "column": " above "})
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
    validation: OwnDigits = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation pictures are found; `given`: of digits of their own, `none`: not at all",
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
        counts = {"train": self.train, "validation": self.validation_examples, "test": self.test}
        return made_of_digits(counts, self._examples, self.seed, validated=self.validation.by == "given")

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the pictures of an archive: its array `frames`, (N, H, W) or (N, H, W, 1), pixels of 0 to 255."""
        return read_frames(path, signature, pictures=True)

    def _examples(self, own: NDArray[np.int64], count: int, bits: np.random.PCG64) -> FlatExamples:
        pictures, classes = load_digits()
        layouts = [lay_out(own, self.digits, self.size, bits) for _ in range(count)]
        values = np.stack([draw(layout, pictures, self.size) for layout in layouts])
        targets = np.array([caption(layout, classes).encode() for layout in layouts], np.bytes_)
        signature = Signature((ExampleField("frames", "frames", (self.size, self.size, 1)),), TEXT_TARGET)
        ids, ones = [str(number) for number in range(count)], np.ones(count, np.int64)
        return FlatExamples.from_lengths(signature, ids, values, ones, targets)


def room(count: int) -> int:
    """Return how many pixels so many digits need side by side, one between two."""
    return count * (SIDE + 1) - 1


def lay_out(own: NDArray[np.int64], most: int, size: int, bits: np.random.PCG64) -> Layout:
    """Return a picture's layout: how many digits, in which form, which ones, and where."""
    count, form = 1 + drawn(bits, most), ("row", "column")[drawn(bits, 2)]
    digits = tuple(int(own[drawn(bits, len(own))]) for _ in range(count))
    # Along the line, what is left of its length is cut at random places into what stands before each digit.
    spare = size - room(count)
    cuts = sorted(drawn(bits, spare + 1) for _ in range(count))
    along = [cut + number * (SIDE + 1) for number, cut in enumerate(cuts)]
    line = drawn(bits, size - SIDE + 1)
    across = [min(max(line + drawn(bits, 2 * SLACK + 1) - SLACK, 0), size - SIDE) for _ in range(count)]
    corners = zip(across, along, strict=True) if form == "row" else zip(along, across, strict=True)
    return Layout(digits, tuple(corners), form)


def caption(layout: Layout, classes: NDArray[np.int64]) -> str:
    """Return a layout in words."""
    return JOINTS[layout.form].join(NAMES[classes[digit]] for digit in layout.digits)


def draw(layout: Layout, pictures: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the picture of a layout, (H, W, 1)."""
    canvas = np.zeros((size, size, 1), np.uint8)
    for digit, (row, column) in zip(layout.digits, layout.corners, strict=True):
        canvas[row : row + SIDE, column : column + SIDE, 0] = pictures[digit]
    return canvas
