"""Numbers in handwriting as strokes of a pen: real digits, traced and set side by side by a seeded generator, no files.

The digits are those that scikit-learn carries, pictures of 8 × 8 pixels by 13 people. Nobody recorded a pen: its
strokes are traced from the pictures. So their shapes are people's, but the order and the direction in which they are
drawn are ours, and so is how digits stand beside each other.

Axes: N examples, T points.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._digits import SIDE, OwnDigits, between, drawn, load_digits, made_of_digits
from rnnlab.sources._strokes import STROKES
from rnnlab.sources._targets import TEXT_TARGET
from rnnlab.sources._tracing import Stroke, trace
from rnnlab.sources.quickdraw import Quickdraw
from rnnlab.strict import check_order

SPACING = 0.8  # pixels of a picture from point to point
# What is drawn evenly from [least, most]. Of a number:
HEIGHT = (60, 160)  # units of the paper, of a digit of common height
SLANT = (-0.2, 0.5)  # to the right for each unit up
SLOPE = (-0.08, 0.08)  # of the line that it is written on
GAP = (0.05, 0.4)  # between digits, of their height
# Of each of its digits:
SIZE = (0.85, 1.15)  # times
WIDTH = (0.85, 1.15)  # times, beside that
LEAN = (-0.1, 0.1)  # slant of its own
RISE = (-0.08, 0.08)  # above the line, of the height
MORE_GAP = (-0.1, 0.1)  # less than 0 in all: one begins above or below the end of another


class StrokeDigits(SequenceSource):
    """Numbers such as `40713` in handwriting, as points in strokes: which digits they are is asked for.

    The strokes are traced from pictures of real digits; the order of drawing is ours. No digit of one split stands in a
    number of another, but the same 13 people write in all of them. The numbers are the same on every machine.
    """

    train: int = Field(8000, ge=1, le=100_000, description="numbers to train on")
    validation_examples: int = Field(
        500, ge=1, le=100_000, description="numbers to validate on, for `validation.by: given`"
    )
    test: int = Field(1000, ge=1, le=100_000, description="numbers to test on")
    shortest: int = Field(1, ge=1, le=50, description="the fewest digits of a number")
    longest: int = Field(7, ge=1, le=50, description="the most digits of a number; each count as often")
    seed: int = Field(0, ge=0, description="seed of the splits and the numbers")
    validation: OwnDigits = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation numbers are found; `given`: of digits of their own, `none`: not at all",
    )

    idle_unless = MappingProxyType({"validation_examples": ("validation", lambda how: how.by == "given")})

    @model_validator(mode="after")
    def _in_order(self) -> StrokeDigits:
        check_order(self, "shortest", "longest")
        return self

    @classmethod
    def gives_strokes(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        counts = {"train": self.train, "validation": self.validation_examples, "test": self.test}
        return made_of_digits(counts, self._examples, self.seed, validated=self.validation.by == "given")

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the drawings of a file, in the forms that the source `quickdraw` reads."""
        return Quickdraw(train=str(path), on_bad=self.on_bad).read_input(path, signature)

    def _examples(self, own: NDArray[np.int64], count: int, bits: np.random.PCG64) -> FlatExamples:
        classes, traced, drawings, texts = load_digits()[1], traced_digits(), [], []
        for _ in range(count):
            length = self.shortest + drawn(bits, self.longest - self.shortest + 1)
            digits = [int(own[drawn(bits, len(own))]) for _ in range(length)]
            drawings.append(write([traced[digit] for digit in digits], bits))
            texts.append("".join(str(classes[digit]) for digit in digits).encode())
        signature, ids = Signature((STROKES,), TEXT_TARGET), [str(number) for number in range(count)]
        return FlatExamples.from_sequences(signature, ids, drawings, np.array(texts, np.bytes_))


@functools.cache
def traced_digits() -> list[NDArray[np.float64]]:
    """Return each of scikit-learn's digits as points in strokes (T, 3): x and y in pixels, and 1 at a stroke's last."""
    return [_points(strokes) for strokes in trace(load_digits()[0], SPACING)]


def _points(strokes: Sequence[Stroke]) -> NDArray[np.float64]:
    points = np.pad(np.concatenate(strokes), [(0, 0), (0, 1)])
    points[np.cumsum([len(stroke) for stroke in strokes]) - 1, 2] = 1
    return points


def write(digits: Sequence[NDArray[np.float64]], bits: np.random.PCG64) -> NDArray[np.float32]:
    """Return digits side by side on a line, as points (T, 3) in whole units of the paper."""
    height, slant, slope, gap = (between(ends, bits) for ends in (HEIGHT, SLANT, SLOPE, GAP))
    written, pen = [], 0.0  # where a digit begins, in heights
    for digit in digits:
        high, lean, rise, more = (between(ends, bits) for ends in (SIZE, LEAN, RISE, MORE_GAP))
        wide = high * between(WIDTH, bits)
        x, y = digit[:, 0] / SIDE * wide, (digit[:, 1] / SIDE - 1) * high  # y = 0 is the line
        x -= lean * y
        x += pen - x.min()
        y -= rise + slope * x
        written.append(np.stack([x - slant * y, y, digit[:, 2]], axis=1))
        pen = x.max() + gap + more
    points = np.concatenate(written)
    points[:, :2] = np.rint(points[:, :2] * height)  # no machine's last digit shows
    return points.astype(np.float32)
