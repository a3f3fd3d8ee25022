"""Clips of handwritten digits that move: real digits, moved along courses by a seeded generator, no files.

A digit moves over a black canvas without edges: what leaves on one side comes in on the other. Where it is, in any one
frame, is as likely to be one place as another, whatever the motion, and each motion has one that is the same backwards.
So no single frame, and no frames in another order, tell which motion it is.

Axes: N examples, T time, H height, W width, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rnnlab.entities import NOTHING
from rnnlab.examples import Examples, FlatExamples
from rnnlab.places import Places
from rnnlab.signature import Field as ExampleField
from rnnlab.signature import Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.sources._digits import NAMES, SIDE, OwnDigits, drawn, load_digits, made_of_digits, read_frames
from rnnlab.sources._targets import TEXT_TARGET
from rnnlab.strict import check_order

STRAIGHT: Mapping[str, tuple[int, int]] = MappingProxyType(  # rows down, columns to the right
    {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
)
DIAGONAL: Mapping[str, tuple[int, int]] = MappingProxyType({"rising": (-1, 1), "falling": (1, -1)})
ROUND: Mapping[str, int] = MappingProxyType({"clockwise": 1, "counterclockwise": -1})
MOTIONS = (*STRAIGHT, *DIAGONAL, *ROUND)
DIGITS = tuple(name.split()[1] for name in NAMES)
SPEEDS = (1.0, 1.5, 2.0)  # pixels a frame
RADII = (4.0, 5.0, 6.0)  # pixels
PHASES = 64  # places on a circle where a motion may begin
SHORTEST_PHASE = 3  # frames of one of several motions


@dataclass(frozen=True)
class Course:
    """How a digit moves.

    Attributes:
        motions: one after another.
        begins: the frame from which each holds; the first is 0.
        corners: (T, 2) the upper left pixel of the digit in each frame, (row, column), before it wraps around.
    """

    motions: tuple[str, ...]
    begins: tuple[int, ...]
    corners: NDArray[np.int64]


class MovingDigits(SequenceSource):
    """Clips of a handwritten digit that moves: left or right, up or down, rising or falling, around either way.

    What is asked for: `motion` or `digit`, a class; `both`, two labels of 18; `caption`, a text such as `a three moves
    left, then down`; `actions`, the motion at each frame, of several in turn. No digit of one split stands in another.
    The clips are the same on every machine.
    """

    asks: Literal["motion", "digit", "both", "caption", "actions"] = Field(
        "motion", description="what is asked for: the motion, the digit, both, a caption, or the motion at each frame"
    )
    train: int = Field(4000, ge=1, le=100_000, description="clips to train on")
    validation_examples: int = Field(
        800, ge=1, le=100_000, description="clips to validate on, for `validation.by: given`"
    )
    test: int = Field(1000, ge=1, le=100_000, description="clips to test on")
    shortest: int = Field(10, ge=1, le=200, description="the fewest frames of a clip")
    longest: int = Field(16, ge=1, le=200, description="the most frames of a clip")
    size: int = Field(24, ge=SIDE + 1, le=64, description="pixels of each side of a frame")
    seed: int = Field(0, ge=0, description="seed of the splits and the clips")
    validation: OwnDigits = Field(
        default_factory=lambda: Validation(by="given"),
        description="how validation clips are found; `given`: of digits of their own, `none`: not at all",
    )

    idle_unless = MappingProxyType({"validation_examples": ("validation", lambda how: how.by == "given")})

    @model_validator(mode="after")
    def _long_enough(self) -> MovingDigits:
        check_order(self, "shortest", "longest")
        needed = 2 * SHORTEST_PHASE
        if self.asks in ("caption", "actions") and self.shortest < needed:
            raise ValueError(f"shortest: expected {needed} or more, for two motions; received {self.shortest}")
        return self

    @classmethod
    def gives_frames(cls, keys: object) -> bool:
        return True

    def open(self, places: Places) -> dict[str, Examples]:
        counts = {"train": self.train, "validation": self.validation_examples, "test": self.test}
        return made_of_digits(counts, self._examples, self.seed, validated=self.validation.by == "given")

    def read_input(self, path: Path, signature: Signature) -> Examples:
        """Return the clips of an archive: `frames` (N, T, H, W) or (N, T, H, W, 1) of 0 to 255, and `lengths` (N,)."""
        return read_frames(path, signature, pictures=False)

    def _examples(self, own: NDArray[np.int64], count: int, bits: np.random.PCG64) -> FlatExamples:
        pictures, classes = load_digits()
        digits = [int(own[drawn(bits, len(own))]) for _ in range(count)]
        courses = [self._path(number, bits) for number in range(count)]
        clips = [draw(pictures[digit], course, self.size) for digit, course in zip(digits, courses, strict=True)]
        field = ExampleField("frames", "frames", (self.size, self.size, 1))
        target, targets = self._targets(courses, classes[digits])
        return FlatExamples.from_sequences(Signature((field,), target), [str(n) for n in range(count)], clips, targets)

    def _path(self, number: int, bits: np.random.PCG64) -> Course:
        """Return how the digit of a clip moves; where one motion is asked for, each comes as often."""
        frames = self.shortest + drawn(bits, self.longest - self.shortest + 1)
        if self.asks in ("caption", "actions"):
            return walk(*several(frames, self.asks == "caption", bits), frames, self.size, bits)
        return walk((MOTIONS[number % len(MOTIONS)],), (0,), frames, self.size, bits)

    def _targets(
        self, courses: Sequence[Course], classes: NDArray[np.int64]
    ) -> tuple[ExampleField, NDArray[np.generic]]:
        """Return what is asked for, and of each clip the answer."""
        motions = np.array([MOTIONS.index(course.motions[0]) for course in courses], np.int64)
        if self.asks == "motion":
            return ExampleField("motion", "class", (), MOTIONS), motions
        if self.asks == "digit":
            return ExampleField("digit", "class", (), DIGITS), classes
        if self.asks == "both":
            labels = np.zeros((len(courses), len(MOTIONS) + len(DIGITS)), np.float32)
            labels[np.arange(len(courses)), motions] = 1
            labels[np.arange(len(courses)), len(MOTIONS) + classes] = 1
            return ExampleField("motion_and_digit", "labels", (), (*MOTIONS, *DIGITS)), labels
        if self.asks == "caption":
            texts = [caption(course, int(digit)).encode() for course, digit in zip(courses, classes, strict=True)]
            return TEXT_TARGET, np.array(texts, np.bytes_)
        return ExampleField("action", "tags", (), tuple(STRAIGHT)), actions(courses, self.longest)


def several(frames: int, at_most_two: bool, bits: np.random.PCG64) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return straight motions, each at a right angle to the one before, and the frames from which they hold.

    Args:
        frames: of the clip.
        at_most_two: one or two, as often; else two or as many as there is room for.
        bits: chance.
    """
    most = min(frames // SHORTEST_PHASE, 4)
    count = 1 + drawn(bits, 2) if at_most_two else 2 + drawn(bits, most - 1)
    motions = [tuple(STRAIGHT)[drawn(bits, 4)]]
    while len(motions) < count:
        across = [name for name in STRAIGHT if (STRAIGHT[name][0] == 0) != (STRAIGHT[motions[-1]][0] == 0)]
        motions.append(across[drawn(bits, 2)])
    # What is left beside the shortest phases is cut at random places.
    spare = frames - count * SHORTEST_PHASE
    cuts = sorted(drawn(bits, spare + 1) for _ in range(count - 1))
    return tuple(motions), (0, *(cut + (number + 1) * SHORTEST_PHASE for number, cut in enumerate(cuts)))


def walk(motions: tuple[str, ...], begins: tuple[int, ...], frames: int, size: int, bits: np.random.PCG64) -> Course:
    """Return where a digit is in each frame, from a place and at a speed that chance chooses."""
    start = np.array([drawn(bits, 2 * size), drawn(bits, 2 * size)]) / 2  # half pixels, as speeds are
    speed, radius = SPEEDS[drawn(bits, len(SPEEDS))], RADII[drawn(bits, len(RADII))]
    angle = 2 * math.pi * drawn(bits, PHASES) / PHASES
    if motions[0] in ROUND:
        angles = angle + ROUND[motions[0]] * speed / radius * np.arange(frames)
        places = start + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)  # rows go down
    else:
        steps = np.zeros((frames, 2))
        for motion, begin, end in zip(motions, begins, (*begins[1:], frames), strict=True):
            steps[max(begin, 1) : end] = {**STRAIGHT, **DIAGONAL}[motion]
        places = start + speed * np.cumsum(steps, axis=0)
    # A sine's last digit is not the same on every machine: what is a whole number but for that counts as one.
    return Course(motions, begins, np.floor(places.round(6)).astype(np.int64))


def draw(picture: NDArray[np.uint8], course: Course, size: int) -> NDArray[np.uint8]:
    """Return the frames of a clip, (T, H, W, 1)."""
    clip = np.zeros((len(course.corners), size, size, 1), np.uint8)
    inside = np.arange(SIDE)
    for frame, (row, column) in zip(clip, course.corners, strict=True):
        frame[np.ix_((row + inside) % size, (column + inside) % size, [0])] = picture[..., np.newaxis]
    return clip


def caption(course: Course, digit: int) -> str:
    """Return a clip in words."""
    return f"{NAMES[digit]} moves {', then '.join(course.motions)}"


def actions(courses: Sequence[Course], longest: int) -> NDArray[np.int64]:
    """Return the motion by which each frame is reached, (N, T) of `STRAIGHT`; of the first, by which it is left."""
    tags = np.full((len(courses), longest), NOTHING, np.int64)
    for row, course in zip(tags, courses, strict=True):
        frames = len(course.corners)
        for motion, begin, end in zip(course.motions, course.begins, (*course.begins[1:], frames), strict=True):
            row[begin:end] = tuple(STRAIGHT).index(motion)
    return tags
