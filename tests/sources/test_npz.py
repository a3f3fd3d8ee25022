"""The .npz format: flat values and lengths, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.sources.npz import Npz

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


def message(path: Path, test: Path | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(path, test)
    return str(caught.value)


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


OBJECTS = np.array([np.zeros((1, 2)), np.zeros((2, 2))], dtype=object)
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no values": ({"values": None}, "'values'"),
    "no lengths": ({"lengths": None}, "'lengths'"),
    "objects": ({"values": OBJECTS}, "Python objects"),
    "object labels": ({"labels": np.array(["a", None, "b"], dtype=object)}, "Python objects"),
    "text values": ({"values": np.array(["a"] * 6)}, "'values'"),
    "three axes": ({"values": np.zeros((6, 2, 2))}, "'values'"),
    "no axis": ({"values": np.float32(3)}, "'values'"),
    "complex values": ({"values": VALUES + 1j}, "'values'"),
    "no feature": ({"values": np.zeros((6, 0))}, "at least one feature"),
    "no sequence": ({"values": np.zeros((0, 2)), "lengths": np.zeros(0, int)}, "at least one sequence"),
    "no sequence of one axis": ({"values": np.zeros(0), "lengths": np.zeros(0, int)}, "at least one sequence"),
    "lengths too long": ({"lengths": np.array([1, 2, 4])}, "sum of 6"),
    "a length of zero": ({"lengths": np.array([0, 3, 3])}, "lengths[0]"),
    "a negative length": ({"lengths": np.array([4, -1, 3])}, "lengths[1]"),
    "lengths of floats": ({"lengths": np.array([1.0, 2.0, 3.0])}, "whole numbers"),
    "lengths of two axes": ({"lengths": LENGTHS[None]}, "'lengths'"),
    "too few labels": ({"labels": np.array([1, 2])}, "3 rows"),
    "labels of three axes": ({"labels": np.zeros((3, 1, 1), int)}, "'labels'"),
    "labels of 0 to 2": ({"labels": np.array([[0, 2], [1, 1], [0, 0]])}, "0 and 1"),
    "a label beyond the classes": ({"labels": np.array([0, 1, 2]), "classes": np.array(["a", "b"])}, "labels[2]"),
    "an empty label": ({"labels": np.array(["a", "", "b"])}, "labels[1]"),
    "a missing number": ({"labels": np.array([1.0, np.nan, 2.0])}, "labels[1]"),
    "names of another number": ({"feature_names": np.array(["x"])}, "'feature_names'"),
    "ids of another number": ({"ids": np.array(["x"])}, "'ids'"),
    "a missing value": ({"values": np.where(VALUES == 7, np.nan, VALUES)}, "made.npz[2]"),
    "an infinite value": ({"values": np.where(VALUES == 7, np.inf, VALUES)}, "feature_1"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_arrays_are_one_error_with_the_file_and_the_array(tmp_path: Path, name: str) -> None:
    arrays, expected = MALFORMED[name]
    text = message(write(tmp_path, **arrays))
    assert "made.npz" in text
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize("damage", ["empty", "garbage", "npy", "truncated", "flipped", "member", "missing"])
def test_a_file_that_is_no_archive_is_one_error(tmp_path: Path, damage: str) -> None:
    import zipfile

    path = write(tmp_path)
    whole = path.read_bytes()
    contents = {"empty": b"", "garbage": b"\x80\x04garbage", "truncated": whole[: len(whole) // 2]}
    contents["flipped"] = whole.replace(VALUES.tobytes(), b"\xff" * VALUES.nbytes)
    path.write_bytes(contents.get(damage, whole))
    if damage == "npy":
        with path.open("wb") as file:
            np.save(file, VALUES)
    if damage == "member":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("values", b"not an array")
            archive.writestr("lengths.npy", b"not an array")
    if damage == "missing":
        path.unlink()
        with pytest.raises(DataError, match=r"data\.train"):
            read(path)
        return
    text = message(path)
    assert "made.npz" in text
    assert "\n" not in text


def test_the_test_file_has_to_fit_the_training_file(tmp_path: Path) -> None:
    train = write(tmp_path, labels=np.array(["a", "b", "a"]))
    unseen = message(train, write(tmp_path, "test.npz", labels=np.array(["a", "c", "a"])))
    assert "test.npz: labels[1]" in unseen
    assert "a, b" in unseen
    assert "as in the training data" in message(train, write(tmp_path, "test.npz", labels=np.array([0.5, 1, 2])))
    assert "expected 2 features" in message(train, write(tmp_path, "test.npz", values=np.arange(6)))
    assert "'labels'" in message(train, write(tmp_path, "test.npz"))
