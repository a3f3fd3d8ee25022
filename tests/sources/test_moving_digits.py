"""Moving digits: what stands in a clip is what it is asked about, and no single frame tells how it moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources._digits import NAMES, load_digits
from rnnlab.sources.moving_digits import DIAGONAL, DIGITS, MOTIONS, STRAIGHT, MovingDigits

PICTURES, CLASSES = load_digits()
KNOWN = {picture.tobytes(): int(digit) for picture, digit in zip(PICTURES, CLASSES, strict=True)}


def opened(**keys: Any) -> dict[str, Examples]:
    small = {"train": 240, "validation_examples": 40, "test": 40}
    return MovingDigits.model_validate({**small, **keys}).splits(Places(Path(), Path()))


def clip(examples: Examples, index: int) -> np.ndarray:
    return np.asarray(examples.read(index)["frames"])[..., 0]


def found_in(frame: np.ndarray) -> tuple[int, int, int]:
    """Return the digit of a frame, and where it is: (digit, row, column), looked for pixel by pixel."""
    size = len(frame)
    doubled = np.tile(frame, (2, 2))
    for row in range(size):
        for column in range(size):
            digit = KNOWN.get(np.ascontiguousarray(doubled[row : row + 8, column : column + 8]).tobytes())
            if digit is not None:
                return digit, row, column
    raise AssertionError("there is no digit in this frame")


def picture_of(frame: np.ndarray) -> bytes:
    _, row, column = found_in(frame)
    return np.roll(frame, (-row, -column), (0, 1))[:8, :8].tobytes()


def steps_of(frames: np.ndarray) -> np.ndarray:
    """Return by how many pixels the digit moves from frame to frame, (T - 1, 2), the shorter way round."""
    places, size = np.array([found_in(frame)[1:] for frame in frames]), frames.shape[1]
    return (np.diff(places, axis=0) + size // 2) % size - size // 2


def test_a_digit_moves_as_its_class_says() -> None:
    train = opened()["train"]
    assert train.signature.known_target.names == MOTIONS
    for index in range(32):
        motion = MOTIONS[int(np.asarray(train.targets)[index])]
        steps = steps_of(clip(train, index))
        if motion in {**STRAIGHT, **DIAGONAL}:
            way = np.array({**STRAIGHT, **DIAGONAL}[motion])
            np.testing.assert_array_equal(np.sign(steps), np.broadcast_to(way, steps.shape))
            assert np.abs(steps).max() <= 2
        else:  # one step after the other, it turns to the same side
            one, other = steps[:-2], steps[2:]
            turn = (one[:, 1] * other[:, 0] - one[:, 0] * other[:, 1]).sum()  # rows go down
            assert np.sign(turn) == (1 if motion == "clockwise" else -1)


def test_the_digit_is_the_same_in_every_frame_and_the_one_that_is_asked_for() -> None:
    train = opened(asks="digit")["train"]
    assert train.signature.known_target.names == DIGITS
    for index in range(16):
        assert {found_in(frame)[0] for frame in clip(train, index)} == {int(np.asarray(train.targets)[index])}


def test_both_are_two_labels() -> None:
    train = opened(asks="both")["train"]
    labels = np.asarray(train.targets)
    assert train.signature.known_target.names == (*MOTIONS, *DIGITS)
    np.testing.assert_array_equal(labels[:, : len(MOTIONS)].argmax(axis=1), np.asarray(opened()["train"].targets))
    np.testing.assert_array_equal(labels[:, len(MOTIONS) :].argmax(axis=1), opened(asks="digit")["train"].targets)
    assert (labels.sum(axis=1) == 2).all()


def test_a_caption_says_what_is_to_be_seen() -> None:
    train = opened(asks="caption")["train"]
    for index in range(24):
        frames, text = clip(train, index), np.asarray(train.targets)[index].decode()
        name, _, ways = text.partition(" moves ")
        assert name == NAMES[found_in(frames[0])[0]]
        steps = np.sign(steps_of(frames))
        seen = [tuple(step) for number, step in enumerate(steps) if not number or (step != steps[number - 1]).any()]
        assert seen == [STRAIGHT[way] for way in ways.split(", then ")]


def test_each_frame_is_tagged_with_the_motion_that_leads_to_it() -> None:
    train = opened(asks="actions")["train"]
    names = train.signature.known_target.names
    for index in range(24):
        steps, tags = np.sign(steps_of(clip(train, index))), np.asarray(train.targets)[index]
        length = train.lengths[index]
        assert (tags[length:] == NOTHING).all()
        np.testing.assert_array_equal(steps, [STRAIGHT[names[tag]] for tag in tags[1:length]])
        assert tags[0] == tags[1]


def test_motions_come_equally_often_and_digits_of_one_split_in_no_other() -> None:
    splits = opened()
    assert np.ptp(np.bincount(np.asarray(splits["train"].targets).astype(int))) == 0
    pictures = {name: {picture_of(clip(each, n)[0]) for n in range(40)} for name, each in splits.items()}
    assert not pictures["train"] & pictures["test"]
    assert not pictures["train"] & pictures["validation"]


def test_where_a_digit_is_in_one_frame_says_nothing_of_its_motion() -> None:
    train = opened(train=4000)["train"]
    frames = np.stack([clip(train, index)[4] for index in range(len(train))]).astype(float)  # (N, H, W)
    motions, size = np.asarray(train.targets), frames.shape[1]
    turns = np.exp(2j * np.pi * np.arange(size) / size)
    for axis in (1, 2):
        # Where the digit is, as a point on a circle: of places that are all alike, the mean is its centre.
        places = frames.sum(axis=3 - axis) @ turns
        for motion in range(len(MOTIONS)):
            own = (places / np.abs(places))[motions == motion]
            assert np.abs(own.mean()) < 4 / np.sqrt(len(own)), MOTIONS[motion]


def test_clips_are_the_same_on_every_machine_and_others_with_another_seed() -> None:
    assert opened()["train"].fingerprint().startswith(KNOWN_CLIPS)
    assert not opened(seed=1)["train"].fingerprint().startswith(KNOWN_CLIPS)


KNOWN_CLIPS = "a9bee255"


def test_a_split_stays_when_another_is_made_larger() -> None:
    few, many = opened(), opened(train=300)
    assert few["test"].fingerprint() == many["test"].fingerprint()
    assert few["validation"].fingerprint() == many["validation"].fingerprint()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"shortest": 9, "longest": 8}, "expected 9 or more, as `shortest` says; received 8"),
        ({"asks": "actions", "shortest": 5}, "expected 6 or more, for two motions; received 5"),
        ({"size": 8}, "greater than or equal to 9"),
        ({"asks": "colour"}, "motion"),
        ({"validation": {"by": "none"}, "validation_examples": 5}, "does nothing while 'validation' is"),
        (
            {"validation": {"by": "fraction"}},
            "by: expected given or none; received fraction, which would leave the same",
        ),
        ({"validation": {"by": "folds"}}, "by: expected given or none; received folds, which would leave the same"),
    ],
)
def test_what_cannot_be_made_is_a_mistake_of_the_spec(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MovingDigits.model_validate(keys)


def test_clips_to_predict_are_an_archive(tmp_path: Path) -> None:
    train = opened(shortest=6, longest=6)["train"]
    frames = np.stack([clip(train, index) for index in range(3)])
    for given in (frames, frames[..., np.newaxis], frames.astype(float)):
        np.savez(tmp_path / "clips.npz", frames=given, lengths=[6, 2, 1])
        read = MovingDigits().read_input(tmp_path / "clips.npz", train.signature)
        assert read.lengths.tolist() == [6, 2, 1]
        np.testing.assert_array_equal(clip(read, 1), frames[1, :2])
    np.savez(tmp_path / "clips.npz", frames=frames, lengths=[7, 2, 1])
    with pytest.raises(DataError, match="lengths: expected 3 whole numbers of 1 to 6"):
        MovingDigits().read_input(tmp_path / "clips.npz", train.signature)
    np.savez(tmp_path / "clips.npz", frames=frames[0])
    with pytest.raises(DataError, match=r"expected clips \(N, T, 24, 24, 1\); received shape"):
        MovingDigits().read_input(tmp_path / "clips.npz", train.signature)
