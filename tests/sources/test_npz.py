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
