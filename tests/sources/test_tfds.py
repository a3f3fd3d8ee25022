"""TensorFlow Datasets: a builder of our own, prepared in a temporary folder; nothing is downloaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources.tfds import Features, Tfds

GROUPED = {"grouped": True}

LENGTHS = (2, 1, 3)


def example(number: int) -> dict[str, Any]:
    length = LENGTHS[number % 3]
    return {
        "series": np.full((length, 2), number, np.float32),
        "steps": {"pitch": np.arange(length, dtype=np.float32)},
        "frames": np.zeros((length, 2, 2), np.uint8),
        "word": "é" if number % 2 else "a",
        "number": float(number),
        "label": ("low", "high")[number % 2],
        "none": -1,
        "speaker": number // 2,
        "video": np.full((length, 4, 6, 3), 10 * number, np.uint8),
    }


class RnnlabMade(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = Path(__file__).parent

    def _info(self) -> Any:
        features = {
            "series": tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
            "steps": tfds.features.Sequence({"pitch": tfds.features.Scalar(dtype=np.float32)}),
            "frames": tfds.features.Tensor(shape=(None, 2, 2), dtype=np.uint8),
            "word": tfds.features.Text(),
            "number": tfds.features.Scalar(dtype=np.float32),
            "label": tfds.features.ClassLabel(names=["low", "high"]),
            "none": tfds.features.ClassLabel(names=["low", "high"]),
            "speaker": tfds.features.Scalar(dtype=np.int64),
            "video": tfds.features.Video(shape=(None, 4, 6, 3)),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples(6), "test": self._generate_examples(3)}

    def _generate_examples(self, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(count):
            yield number, example(number)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = tmp_path_factory.mktemp("data")
    tfds.disable_progress_bar()
    RnnlabMade(data_dir=str(root / "tfds")).download_and_prepare()
    return Places(spec=root, data=root)


def folder(places: Places) -> str:
    return str(places.data / "tfds" / "rnnlab_made" / "1.0.0")


def read(places: Places, features: dict[str, Any], **keys: Any) -> Any:
    keys.setdefault("folder", folder(places))
    return Tfds(features=Features(**features), **keys).open(places)


def message(places: Places, features: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(places, features, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


SERIES = {"sequence": "series", "label": "label"}


@pytest.mark.parametrize("by", ["folder", "dataset"])
def test_a_prepared_dataset_gives_its_splits(places: Places, by: str) -> None:
    keys = {"folder": folder(places)} if by == "folder" else {"folder": None, "dataset": "rnnlab_made:1.0.0"}
    splits = read(places, SERIES, group="speaker", validation=GROUPED, **keys)
    train = splits["train"]
    assert (len(train), len(splits["test"])) == (6, 3)
    assert train.signature == splits["test"].signature
    assert train.signature.target.names == ("low", "high")
    for index in range(len(train)):
        number = int(train.read(index)["sequence"][0, 0])
        assert train.lengths[index] == LENGTHS[number % 3]
        assert train.targets[index] == number % 2
        assert train.groups[index] == str(number // 2)


def test_two_openings_give_the_same_examples(places: Places) -> None:
    assert read(places, SERIES)["train"].fingerprint() == read(places, SERIES)["train"].fingerprint()


def test_several_features_stand_side_by_side_and_inner_axes_are_laid_flat(places: Places) -> None:
    train = read(places, {"sequence": ["series", "steps/pitch", "frames"], "value": "number"})["train"]
    assert train.signature.inputs[0].shape == (2 + 1 + 4,)
    values = train.read(0)["sequence"]
    np.testing.assert_array_equal(values[:, 2], np.arange(len(values)))
    np.testing.assert_array_equal(train.targets[:, 0], [train.read(index)["sequence"][0, 0] for index in range(6)])


def test_a_video_is_frames(places: Places) -> None:
    features = {"frames": "video", "label": "label"}
    splits = read(places, features)
    field = splits["train"].signature.inputs[0]
    assert (field.name, field.kind, field.shape) == ("frames", "frames", (4, 6, 3))
    for index, target in enumerate(splits["train"].targets):
        frames = splits["train"].read(index)["frames"]
        number = int(frames[0, 0, 0, 0]) // 10
        np.testing.assert_array_equal(frames, example(number)["video"])
        assert target == number % 2
    assert splits["test"].signature == splits["train"].signature
    assert Tfds.gives_frames({"features": features})
    assert not Tfds.gives_frames({"features": SERIES})


def test_videos_of_another_size_or_none_are_left_out(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.sources import tfds as source

    video = np.zeros((3, 4, 6, 3), np.uint8)
    rows = [{"video": each, "label": 0} for each in (video, video[:, :2], video[:0], video)]
    monkeypatch.setattr(source, "_rows", lambda *_: iter(rows))
    train = read(places, {"frames": "video", "label": "label"}, on_bad="skip", test_split=None)["train"]
    assert train.ids == ["train/0", "train/3"]
    reasons = ["expected frames of shape (4, 6, 3); received (2, 6, 3)", "expected at least one time step"]
    assert all(reason in each.reason for reason, each in zip(reasons, train.skipped, strict=True))


def test_a_label_of_text_is_a_class(places: Places) -> None:
    assert read(places, {"sequence": "series", "label": "word"})["train"].signature.target.names == ("a", "é")


def test_parts_of_a_split_can_be_named(places: Places) -> None:
    splits = read(places, SERIES, train_split="train[:50%]", test_split=None)
    assert set(splits) == {"train"}
    assert len(splits["train"]) == 3


def test_a_folder_to_predict_needs_no_label(places: Places) -> None:
    source = Tfds(folder=folder(places), features=Features(**SERIES))
    examples = source.read_input(Path(folder(places)), read(places, SERIES)["train"].signature)
    assert len(examples) == 9
    assert examples.targets is None


@pytest.mark.parametrize(
    ("features", "keys", "expected"),
    [
        ({"sequence": "serie", "label": "label"}, {}, "did you mean 'series'?"),
        ({"sequence": "steps/pich", "label": "label"}, {}, "did you mean 'pitch'?"),
        ({"sequence": "series", "label": "lable"}, {}, "did you mean 'label'?"),
        ({"sequence": "word", "label": "label"}, {}, "expected numbers with a time axis"),
        ({"sequence": "number", "label": "label"}, {}, "expected numbers with a time axis"),
        ({"sequence": "series", "label": "series"}, {}, "expected one class"),
        ({"sequence": "series", "label": "none"}, {}, "expected a class"),
        ({"sequence": "series", "value": "word"}, {}, "feature 'word'"),
        ({"sequence": "series", "value": "frames"}, {}, "feature 'frames'"),
        ({"frames": "vidoe", "label": "label"}, {}, "did you mean 'video'?"),
        ({"frames": "frames", "label": "label"}, {}, "expected frames, uint8 (time, height, width, channels)"),
        (SERIES, {"group": "speakr", "validation": GROUPED}, "did you mean 'speaker'?"),
        (SERIES, {"train_split": "trian"}, "did you mean 'train'?"),
        (SERIES, {"train_split": "train[x"}, "train[x"),
        (SERIES, {"train_split": "train[:0]"}, "no data"),
        (SERIES, {"test_split": "validation"}, "null if there is none"),
        (SERIES, {"folder": None, "dataset": "rnnlab_mad"}, "did you mean"),
        (SERIES, {"folder": None, "dataset": "rnnlab_made:2.0.0"}, "rnnlab_made:2.0.0"),
        (SERIES, {"folder": None, "dataset": "rnnlab_made/big"}, "rnnlab_made/big"),
        (SERIES, {"folder": "nowhere"}, "data.folder"),
        (SERIES, {"folder": "tfds"}, "dataset_info.json"),
    ],
)
def test_what_does_not_fit_is_one_error(
    places: Places, features: dict[str, Any], keys: dict[str, Any], expected: str
) -> None:
    assert expected in message(places, features, **keys)


def test_damaged_data_are_one_error(places: Places, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "1.0.0"
    shutil.copytree(folder(places), copy)
    for path in copy.glob("*train*tfrecord*"):
        path.write_bytes(path.read_bytes()[:100])
    assert "data.train_split" in message(places, SERIES, folder=str(copy))


def test_a_dataset_that_is_not_prepared_fails_at_once_and_says_how_to_get_it(places: Places) -> None:
    start = time.monotonic()
    text = message(places, SERIES, folder=None, dataset="mnist")
    assert time.monotonic() - start < 3
    assert "data.download: true" in text
    assert "tfds build mnist --data_dir" in text


def test_mocked_data_are_read_like_any_other(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    with tfds.testing.mock_data(num_examples=4):
        monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: True)
        splits = read(places, {"sequence": "image", "label": "label"}, folder=None, dataset="mnist")
    assert splits["train"].signature.inputs[0].shape == (28,)
    assert splits["test"].lengths.tolist() == [28] * 4


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"dataset": "a", "folder": "b"},
        {"folder": "b", "download": True},
        {"dataset": "../a"},
        {"dataset": "/a"},
        {"dataset": "a/../../b"},
        {"dataset": "huggingface:a"},
        {"dataset": "a", "validation_split": "validation"},
    ],
)
def test_keys_that_do_not_fit_are_mistakes_of_the_spec(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Tfds(features=Features(**SERIES), **keys)


def test_exactly_one_answer_is_asked_for() -> None:
    with pytest.raises(ValidationError, match="exactly one of label"):
        Features(sequence="x")
    with pytest.raises(ValidationError, match="exactly one of label"):
        Features(sequence="x", label="a", value="b")


def test_bad_examples_are_left_out_and_listed(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.sources import tfds as source

    series = np.ones((2, 3), np.float32)
    rows = [
        {"series": series, "label": 0},
        {"series": series * np.nan, "label": 0},
        {"series": series[:0], "label": 1},
        {"series": series[:, :2], "label": 1},
        {"series": series, "label": -1},
        {"series": series, "label": 1},
    ]
    monkeypatch.setattr(source, "_rows", lambda *_: iter(rows))
    train = read(places, SERIES, on_bad="skip", test_split=None)["train"]
    assert train.ids == ["train/0", "train/5"]
    assert train.targets.tolist() == [0, 1]
    reasons = ["a finite number", "at least one time step", "expected 3 features; received 2", "expected a class"]
    assert [each.id for each in train.skipped] == ["train/1", "train/2", "train/3", "train/4"]
    for each, reason in zip(train.skipped, reasons, strict=True):
        assert reason in each.reason
    assert "train[3]: sequence 'train/3'" in message(places, SERIES, test_split=None)  # the shape is seen first


def test_bad_numbers_and_uneven_features_are_left_out(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnlab.sources import tfds as source

    series, pitch = np.ones((2, 2), np.float32), np.ones(2, np.float32)
    rows = [
        {"series": series, "steps": {"pitch": pitch}, "number": 1.0},
        {"series": series, "steps": {"pitch": pitch[:1]}, "number": 1.0},
        {"series": series, "steps": {"pitch": pitch}, "number": np.nan},
        {"series": series, "steps": {"pitch": pitch}, "number": [1.0, 2.0]},
    ]
    monkeypatch.setattr(source, "_rows", lambda *_: iter(rows))
    features = {"sequence": ["series", "steps/pitch"], "value": "number"}
    train = read(places, features, on_bad="skip", test_split=None)["train"]
    assert train.ids == ["train/0"]
    assert [each.id for each in train.skipped] == ["train/1", "train/2", "train/3"]
