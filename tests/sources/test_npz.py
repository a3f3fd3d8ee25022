"""The .npz format: flat values and lengths, no pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources import Validation
from rnnlab.sources.npz import Arrays, Npz

VALUES = np.arange(12, dtype=np.float64).reshape(6, 2)
LENGTHS = np.array([1, 2, 3])


def write(folder: Path, name: str = "made.npz", **arrays: Any) -> Path:
    path = folder / name
    np.savez(
        path,
        **{key: each for key, each in {"values": VALUES, "lengths": LENGTHS, **arrays}.items() if each is not None},
    )
    return path


def read(path: Path, test: Path | None = None) -> Any:
    splits = Npz(train=str(path), test=str(test) if test else None).open(Places())
    return splits["test" if test else "train"]


def test_sequences_are_cut_from_flat_values(tmp_path: Path) -> None:
    examples = read(write(tmp_path))
    np.testing.assert_array_equal(examples.read(1)["sequence"], VALUES[1:3])
    assert examples.lengths.tolist() == [1, 2, 3]
    assert examples.read(0)["sequence"].dtype == np.float32
    assert examples.signature.target is None


def test_one_axis_of_values_is_one_feature(tmp_path: Path) -> None:
    assert read(write(tmp_path, values=np.arange(6))).read(2)["sequence"].tolist() == [[3], [4], [5]]


@pytest.mark.parametrize(
    ("arrays", "kind", "names", "targets"),
    [
        ({"labels": np.array([10, 2, 10])}, "class", ("2", "10"), [1, 0, 1]),
        ({"labels": np.array(["b", "é", "b"])}, "class", ("b", "é"), [0, 1, 0]),
        ({"labels": np.array([b"b", b"a", b"b"])}, "class", ("a", "b"), [1, 0, 1]),
        ({"labels": np.array([1, 0, 1]), "classes": np.array(["z", "a"])}, "class", ("z", "a"), [1, 0, 1]),
        ({"labels": np.array([[1, 0], [0, 0], [1, 1]])}, "labels", ("0", "1"), [[1, 0], [0, 0], [1, 1]]),
        (
            {"labels": np.eye(3, dtype=bool), "classes": np.array(["c", "a", "b"])},
            "labels",
            ("c", "a", "b"),
            np.eye(3).tolist(),
        ),
        ({"labels": np.array([0.5, 1.5, 2.5])}, "numbers", ("value",), [[0.5], [1.5], [2.5]]),
        ({"labels": np.ones((3, 2))}, "numbers", ("value_0", "value_1"), np.ones((3, 2)).tolist()),
    ],
)
def test_the_type_of_the_labels_says_what_is_asked(
    tmp_path: Path, arrays: dict[str, Any], kind: str, names: tuple[str, ...], targets: list[Any]
) -> None:
    examples = read(write(tmp_path, **arrays))
    assert (examples.signature.target.kind, examples.signature.target.names) == (kind, names)
    assert examples.targets.tolist() == targets
    again = read(write(tmp_path, **arrays), write(tmp_path, "test.npz", **arrays))
    assert again.targets.tolist() == targets


def test_ids_groups_and_feature_names_are_kept(tmp_path: Path) -> None:
    names = np.array(["x", "y"])
    examples = read(write(tmp_path, ids=np.array([7, 8, 9]), groups=np.array(["p", "q", "p"]), feature_names=names))
    assert examples.ids == ["7", "8", "9"]
    assert examples.groups.tolist() == ["p", "q", "p"]
    assert examples.signature.inputs[0].names == ("x", "y")


def test_inputs_are_read_without_labels(tmp_path: Path) -> None:
    train = read(write(tmp_path, labels=np.array(["a", "b", "a"])))
    path = write(tmp_path, "new.npz", labels=np.array(["c", "c", "c"]))
    examples = Npz(train="x").read_input(path, train.signature)
    assert examples.targets is None
    assert examples.signature.inputs == train.signature.inputs


def test_a_missing_file_is_named_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.train"):
        read(tmp_path / "none.npz")


FRAMES = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)


def test_bytes_of_three_or_four_axes_are_frames(tmp_path: Path) -> None:
    labels = np.array(["a", "b", "a"])
    for values, channels in ((FRAMES, 1), (np.stack([FRAMES] * 3, -1), 3)):
        examples = read(write(tmp_path, values=values, labels=labels, groups=labels))
        field = examples.signature.inputs[0]
        assert (field.name, field.kind, field.shape) == ("frames", "frames", (2, 3, channels))
        frames = examples.read(1)["frames"]
        assert frames.dtype == np.uint8
        np.testing.assert_array_equal(frames, values.reshape(6, 2, 3, channels)[1:3])
        assert examples.groups.tolist() == labels.tolist()
    assert Npz(train="x").read_input(tmp_path / "made.npz", examples.signature).lengths.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"values": FRAMES.astype(np.int64)}, "or frames, uint8 (all frames, height, width, channels)"),
        ({"values": FRAMES[:, :1]}, "expected frames of shape (2, 3, 1) (height, width, channels), as in the training"),
        ({}, "array 'values': expected frames, as in the training data; received series"),
        ({"values": FRAMES, "lengths": np.array([0, 3, 3])}, "expected at least one time step"),
    ],
)
def test_frames_that_do_not_fit_are_told(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    train = write(tmp_path, values=FRAMES)
    with pytest.raises(DataError) as error:
        read(train, write(tmp_path, "test.npz", **arrays))
    assert says in str(error.value)


NAMED = {
    "values": "frames",
    "lengths": "steps",
    "labels": "y",
    "classes": "actions",
    "groups": "subject",
    "ids": "name",
}


def write_named(folder: Path, *missing: str) -> Path:
    arrays = {"frames": FRAMES, "steps": LENGTHS, "y": np.array([1, 0, 1]), "actions": np.array(["wave", "bend"])}
    arrays |= {"subject": np.array(["p", "q", "p"]), "name": np.array(["p1", "q1", "p2"])}
    np.savez(folder / "named.npz", **{name: each for name, each in arrays.items() if name not in missing})
    return folder / "named.npz"


def named(path: Path, **names: str) -> Npz:
    return Npz(train=str(path), arrays=Arrays(**{**NAMED, **names}), validation=Validation(grouped=True))


def test_arrays_may_have_other_names(tmp_path: Path) -> None:
    examples = named(write_named(tmp_path)).open(Places())["train"]
    assert examples.signature.known_target.names == ("wave", "bend")
    assert examples.known_targets.tolist() == [1, 0, 1]
    assert examples.groups is not None
    assert (examples.ids, examples.groups.tolist()) == (["p1", "q1", "p2"], ["p", "q", "p"])
    assert examples.lengths.tolist() == [1, 2, 3]
    path = tmp_path / "features.npz"
    np.savez(path, values=VALUES, lengths=LENGTHS, columns=np.array(["x", "y"]))
    source = Npz(train=str(path), arrays=Arrays(feature_names="columns"))
    assert source.open(Places())["train"].signature.inputs[0].names == ("x", "y")


@pytest.mark.parametrize("key", NAMED)
def test_an_array_that_is_named_must_be_there(tmp_path: Path, key: str) -> None:
    path = write_named(tmp_path)
    with pytest.raises(DataError, match=f"did you mean '{NAMED[key]}'") as error:
        named(path, **{key: f"{NAMED[key]}s"}).open(Places())
    assert f"'{NAMED[key]}s'" in str(error.value)


def test_what_is_predicted_needs_no_answers_by_whatever_name(tmp_path: Path) -> None:
    signature = named(write_named(tmp_path)).open(Places())["train"].signature
    examples = named(Path("x")).read_input(write_named(tmp_path, "y", "actions", "subject"), signature)
    assert (examples.ids, examples.targets, examples.groups) == (["p1", "q1", "p2"], None, None)


def test_faults_are_told_by_the_names_of_the_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", frames=FRAMES, steps=np.array([1, 2]), y=np.array([1, 0]))
    with pytest.raises(DataError, match="array 'steps': expected a sum of 6, the rows of 'frames'"):
        Npz(train=str(tmp_path / "a.npz"), arrays=Arrays(values="frames", lengths="steps", labels="y")).open(Places())


def test_groups_that_nothing_keeps_together_are_a_mistake() -> None:
    with pytest.raises(ValidationError, match=r"arrays\.groups does nothing unless validation\.grouped is true"):
        Npz(train="x", arrays=Arrays(groups="subject"))


@pytest.mark.shared
def test_nine_people_of_weizmann_are_left_out_in_turn() -> None:
    path = Path(os.environ.get("RNNLAB_DATA_DIR", "nowhere")) / "weizmann" / "weizmann_masks_36x45.npz"
    if not path.is_file():
        pytest.skip("RNNLAB_DATA_DIR has no weizmann")
    names = {"values": "frames", "labels": "y", "groups": "subject", "ids": "name"}
    tested = []
    for fold in range(9):
        way = Validation(by="folds", folds=9, fold=fold, grouped=True, test_fold=True)
        splits = Npz(train=str(path), arrays=Arrays(**names), validation=way).splits(Places())
        people = {name: set(np.asarray(each.groups).tolist()) for name, each in splits.items()}
        assert [len(people[name]) for name in ("train", "validation", "test")] == [7, 1, 1]
        assert len(people["train"] | people["validation"] | people["test"]) == 9
        assert sum(map(len, splits.values())) == 93
        assert splits["train"].signature.inputs[0].shape == (36, 45, 1)
        assert len(splits["train"].signature.known_target.names) == 10
        tested += people["test"]
    assert tested == ["daria", "denis", "eli", "ido", "ira", "lena", "lyova", "moshe", "shahar"]
