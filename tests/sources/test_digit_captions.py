"""Captions of digits: they say what is there, by another reading of the pictures; no digit is on both sides."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits as sklearn_digits

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.digit_captions import DigitCaptions

SMALL = {"train": 400, "validation_examples": 100, "test": 200}
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def opened(**keys: Any) -> dict[str, Examples]:
    return DigitCaptions.model_validate(keys).splits(Places(Path(), Path()))


@pytest.fixture(scope="module")
def splits() -> dict[str, Examples]:
    return opened(**SMALL)


def captions(examples: Examples) -> list[str]:
    return [text.decode() for text in np.asarray(examples.targets).tolist()]


def picture(examples: Examples, index: int) -> np.ndarray:
    (frame,) = examples.read(index)["frames"]
    return np.asarray(frame)[..., 0]


# A reader of its own: it knows scikit-learn's digits, and looks for them in a picture, pixel by pixel.

DIGITS = {
    np.round(image * 255 / 16).astype(np.uint8).tobytes(): number
    for number, image in enumerate(sklearn_digits().images)
}
CLASSES = sklearn_digits().target


def found_in(canvas: np.ndarray) -> list[tuple[int, int, int]]:
    """Return the digits that stand in a picture and together make all of it: (number, row, column)."""
    found, left = [], canvas.copy()
    for row in range(canvas.shape[0] - 7):
        for column in range(canvas.shape[1] - 7):
            number = DIGITS.get(np.ascontiguousarray(canvas[row : row + 8, column : column + 8]).tobytes())
            if number is not None:
                found.append((number, row, column))
                left[row : row + 8, column : column + 8] = 0
    assert not left.any(), "there is more in the picture than digits"
    return found


def described(found: list[tuple[int, int, int]]) -> str:
    """Return the caption of digits where they stand, after the documented grammar."""
    names = {number: f"{'an' if CLASSES[number] == 8 else 'a'} {WORDS[CLASSES[number]]}" for number, _, _ in found}
    rows, columns = ([place[axis] for place in found] for axis in (1, 2))
    axis, joint = (2, " left of ") if np.ptp(columns) > np.ptp(rows) else (1, " above ")
    return joint.join(names[number] for number, *_ in sorted(found, key=lambda place: place[axis]))


def test_every_caption_says_what_is_in_its_picture(splits: dict[str, Examples]) -> None:
    for examples in splits.values():
        for index, caption in enumerate(captions(examples)):
            assert described(found_in(picture(examples, index))) == caption


def test_digits_stand_in_a_line_and_never_overlap(splits: dict[str, Examples]) -> None:
    for index in range(len(splits["train"])):
        places = np.array([place[1:] for place in found_in(picture(splits["train"], index))])
        along, across = np.sort(np.ptp(places, axis=0))[::-1]
        assert across <= 4
        if len(places) > 1:
            line = np.sort(places[:, np.argmax(np.ptp(places, axis=0))])
            assert np.diff(line).min() >= 9
            assert along >= 9


def test_no_digit_of_one_split_stands_in_another(splits: dict[str, Examples]) -> None:
    seen = {
        name: {number for index in range(len(each)) for number, *_ in found_in(picture(each, index))}
        for name, each in splits.items()
    }
    names = list(seen)
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        assert not seen[one] & seen[other]
    assert len(seen["train"]) > 500


def test_every_number_of_digits_every_digit_and_both_forms_occur(splits: dict[str, Examples]) -> None:
    texts = captions(splits["train"])
    counts = [1 + text.count(" left of ") + text.count(" above ") for text in texts]
    assert set(counts) == {1, 2, 3}
    assert min(counts.count(each) for each in (1, 2, 3)) > len(texts) / 5
    assert all(f" {word}" in " ".join(texts) for word in WORDS)
    assert not any(" left of " in text and " above " in text for text in texts)
    assert sum(" left of " in text for text in texts) > 50 < sum(" above " in text for text in texts)


def test_the_pictures_are_the_same_on_every_machine_and_another_seed_makes_others(splits: dict[str, Examples]) -> None:
    digest = hashlib.sha256("\n".join(captions(splits["train"])).encode())
    pictures = (np.round(picture(splits["train"], index) / 255 * 16) for index in range(50))
    digest.update(b"".join(each.astype(np.uint8) for each in pictures))
    assert digest.hexdigest()[:16] == "a168b8ff7257677d"
    assert captions(opened(**SMALL, seed=1)["train"]) != captions(splits["train"])


def test_thousands_are_made_in_seconds() -> None:
    started = time.process_time()
    opened(train=10_000)
    assert time.process_time() - started < 10


def test_keys_say_how_many_digits_and_how_large_a_picture_is() -> None:
    one = opened(train=30, test=5, digits=1, size=8, validation={"by": "none"})
    assert set(one) == {"train", "test"}
    assert picture(one["train"], 0).shape == (8, 8)
    assert {len(text.split()) for text in captions(one["train"])} == {2}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"size": 25}, "size: expected 26 or more, for 3 digits; received 25"),
        ({"digits": 2, "size": 16}, "size: expected 17 or more, for 2 digits; received 16"),
        ({"digits": 4}, "less than or equal to 3"),
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
        DigitCaptions.model_validate(keys)


def test_pictures_to_predict_are_an_archive(splits: dict[str, Examples], tmp_path: Path) -> None:
    train, path = splits["train"], tmp_path / "pictures.npz"
    pictures = np.stack([picture(train, index) for index in range(4)])
    for frames in (pictures, pictures[..., np.newaxis], pictures.astype(np.float64)):
        np.savez(path, frames=frames)
        read = DigitCaptions().read_input(path, train.signature)
        assert read.signature.target is None
        assert [read.read(index)["frames"].tobytes() for index in range(4)] == [
            train.read(index)["frames"].tobytes() for index in range(4)
        ]


BAD = {
    "another name": ({"pictures": np.zeros((1, 28, 28))}, "frames: expected an array of this name"),
    "another size": ({"frames": np.zeros((1, 27, 28))}, r"expected pictures \(N, 28, 28, 1\); received shape"),
    "no picture": ({"frames": np.zeros((0, 28, 28))}, r"received shape \(0, 28, 28\)"),
    "shares": ({"frames": np.full((1, 28, 28), 0.5)}, "received float64 of 0.5 to 0.5; multiply by 255 and round"),
    "a mask": ({"frames": np.ones((1, 28, 28))}, "received float64 of 1 to 1; multiply by 255 and round"),
    "yes and no": ({"frames": np.ones((1, 28, 28), bool)}, "received bool; multiply by 255"),
    "no numbers": ({"frames": np.full((1, 28, 28), np.nan)}, "received float64 of nan to nan"),
    "text": ({"frames": np.full((1, 28, 28), "a")}, "expected pixels, whole numbers of 0 to 255; received <U1"),
    "pickles": ({"frames": np.array([{}], object)}, "can't be read: array 'frames' holds Python objects"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_archive_of_something_else_is_refused(name: str, splits: dict[str, Examples], tmp_path: Path) -> None:
    arrays, told = BAD[name]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=told):
        DigitCaptions().read_input(tmp_path / "bad.npz", splits["train"].signature)


def test_what_is_no_archive_is_refused(splits: dict[str, Examples], tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"can't be read: expected an \.npz archive"):
        DigitCaptions().read_input(tmp_path / "bad.npz", splits["train"].signature)
