"""Numbers in handwriting: traced digits are still the digits that they were, and stand beside each other as asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.neighbors import KNeighborsClassifier

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources._digits import SIDE, load_digits, share_digits
from rnnlab.sources._strokes import STROKES
from rnnlab.sources.stroke_digits import StrokeDigits, traced_digits, write

PICTURES, CLASSES = load_digits()
CENTRES = np.stack(np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5), axis=-1).reshape(-1, 1, 2)  # x, y


def opened(**keys: Any) -> dict[str, Examples]:
    small = {"train": 60, "validation_examples": 20, "test": 20}
    return StrokeDigits.model_validate({**small, **keys}).splits(Places(Path(), Path()))


def points(examples: Examples, index: int) -> np.ndarray:
    return np.asarray(examples.read(index)["strokes"])


def texts(examples: Examples) -> list[str]:
    return [text.decode() for text in np.asarray(examples.targets)]


def drawn_back(digit: np.ndarray) -> np.ndarray:
    """Return the picture (64,) that a pen with a soft tip makes of points (T, 3), 0 to 1."""
    places, lifted = digit[:, :2], digit[:, 2] > 0.5
    one, other = places, np.where(lifted[:, None], places, np.roll(places, -1, axis=0))
    way = other - one  # (T, 2)
    part = ((CENTRES - one) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-9)
    away = np.linalg.norm(CENTRES - one - np.clip(part, 0, 1)[..., None] * way, axis=-1).min(axis=1)
    return np.clip(1.3 - away, 0, 1)


TESTS = share_digits(PICTURES, np.random.PCG64(0), validated=False)["test"]


@pytest.fixture(scope="module")
def pictures_drawn_back() -> np.ndarray:
    """Return the pictures (N, 64) of the digits `TESTS`."""
    return np.stack([drawn_back(traced_digits()[digit]) for digit in TESTS])


def test_strokes_drawn_back_are_the_picture_that_they_were_traced_from(pictures_drawn_back: np.ndarray) -> None:
    originals = PICTURES[TESTS].reshape(len(TESTS), -1)
    correlations = [np.corrcoef(one, other)[0, 1] for one, other in zip(pictures_drawn_back, originals, strict=True)]
    assert np.median(correlations) > 0.9
    assert np.quantile(correlations, 0.05) > 0.8


def test_a_classifier_that_never_saw_a_stroke_reads_what_is_drawn_back(pictures_drawn_back: np.ndarray) -> None:
    """It learnt the pictures of other digits as they came."""
    others = np.setdiff1d(np.arange(len(PICTURES)), TESTS)
    nearest = KNeighborsClassifier(3).fit(PICTURES[others].reshape(len(others), -1) / 255, CLASSES[others])
    assert nearest.score(pictures_drawn_back, CLASSES[TESTS]) > 0.92


def test_every_length_asked_for_comes_as_often() -> None:
    lengths = [len(text) for text in texts(opened(train=700, shortest=2, longest=5)["train"])]
    counts = np.bincount(lengths, minlength=6)
    assert set(lengths) == {2, 3, 4, 5}
    assert (np.abs(counts[2:] - 175) < 60).all()


def test_a_number_is_the_strokes_of_its_digits_from_left_to_right() -> None:
    """Each digit has as many points and lifts as it was traced with, and begins to the right of the one before."""
    digits = [traced_digits()[number] for number in (0, 40, 17, 5)]
    written = write(digits, np.random.PCG64(3))
    parts = np.split(written, np.cumsum([len(digit) for digit in digits])[:-1])
    for part, digit in zip(parts, digits, strict=True):
        np.testing.assert_array_equal(part[:, 2], digit[:, 2])
    lefts = [part[:, 0].min() for part in parts]
    assert lefts == sorted(lefts)


def test_points_are_those_of_drawings_in_whole_units() -> None:
    train = opened()["train"]
    assert train.signature.inputs == (STROKES,)
    for index in range(20):
        read = points(train, index)
        np.testing.assert_array_equal(read, np.rint(read))
        assert read[-1, 2] == 1
        assert set(read[:, 2]) == {0, 1}


def test_the_last_digits_of_a_machines_arithmetic_do_not_show() -> None:
    digits = traced_digits()[:5]
    almost = [digit * [1 + 1e-12, 1 - 1e-12, 1] for digit in digits]
    for seed in range(20):
        np.testing.assert_array_equal(*(write(each, np.random.PCG64(seed)) for each in (digits, almost)))


def test_one_string_is_written_in_many_ways() -> None:
    train = opened(train=200, shortest=1, longest=1)["train"]
    ones = [points(train, index) for index, text in enumerate(texts(train)) if text == "1"]
    assert len({each.tobytes() for each in ones}) == len(ones) > 5


def test_no_digit_of_one_split_stands_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every traced digit is marked with its number, which is read again where digits are laid out."""
    from rnnlab.sources import stroke_digits

    marked = [np.array([[0, 0, 0], [number + 1, 1, 1]], float) for number in range(len(PICTURES))]
    seen: list[set[int]] = []

    def noted(digits: list[np.ndarray], bits: np.random.PCG64) -> np.ndarray:
        seen[-1] |= {int(digit[1, 0]) - 1 for digit in digits}
        return write(digits, bits)

    def examples(self: StrokeDigits, *arguments: Any) -> Any:
        seen.append(set())
        return original(self, *arguments)

    original = StrokeDigits._examples
    monkeypatch.setattr(stroke_digits, "traced_digits", lambda: marked)
    monkeypatch.setattr(stroke_digits, "write", noted)
    monkeypatch.setattr(StrokeDigits, "_examples", examples)
    opened(train=300, validation_examples=100, test=100)
    assert len(seen) == 3
    for number, one in enumerate(seen):
        for other in seen[:number]:
            assert one
            assert not {PICTURES[each].tobytes() for each in one} & {PICTURES[each].tobytes() for each in other}


def test_each_split_stays_when_another_is_made_larger() -> None:
    small, large = opened(), opened(train=90)
    for name in ("validation", "test"):
        assert small[name].fingerprint() == large[name].fingerprint()
    np.testing.assert_array_equal(points(small["train"], 59), points(large["train"], 59))


def test_numbers_are_others_with_another_seed() -> None:
    assert opened()["train"].fingerprint() == opened()["train"].fingerprint()
    assert opened()["train"].fingerprint() != opened(seed=1)["train"].fingerprint()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"shortest": 4, "longest": 3}, "expected 4 or more, as `shortest` says; received 3"),
        ({"longest": 0}, "greater than or equal to 1"),
        ({"lenght": 3}, "lenght"),
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
        StrokeDigits.model_validate(keys)


def test_drawings_to_predict_come_as_those_of_quickdraw(tmp_path: Path) -> None:
    train = opened()["train"]
    strokes = np.split(points(train, 0), np.flatnonzero(points(train, 0)[:-1, 2]) + 1)
    drawing = [[stroke[:, 0].tolist(), stroke[:, 1].tolist()] for stroke in strokes]
    (tmp_path / "new.ndjson").write_text(json.dumps({"drawing": drawing}) + "\n")
    read = StrokeDigits().read_input(tmp_path / "new.ndjson", train.signature)
    np.testing.assert_array_equal(points(read, 0), points(train, 0))
    (tmp_path / "new.ndjson").write_text('{"drawing": []}\n')
    with pytest.raises(DataError, match=r"new.ndjson:1: .* expected a list of one or more strokes"):
        StrokeDigits().read_input(tmp_path / "new.ndjson", train.signature)
