"""The .ts format: what is read, and what is said when it can't be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import Validation
from rnnlab.sources.ts_file import TsFile, read_ts

HEADER = """# a comment
@problemName Made
@timeStamps false
@univariate false
@equalLength false
@classLabel true up down
@data
"""
FIRST = HEADER.count("\n") + 1  # the line of the first case


def write(folder: Path, *cases: str, header: str = HEADER, name: str = "made.ts") -> Path:
    path = folder / name
    path.write_text(header + "".join(f"{case}\n" for case in cases), encoding="utf-8")
    return path


def message(path: Path, like: Signature | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_ts(path, like)
    return str(caught.value)


def test_a_series_is_time_by_features_of_its_own_length(tmp_path: Path) -> None:
    examples = read_ts(write(tmp_path, "1,2,3:4,5,6:up", "7:8:down"))
    assert examples.lengths.tolist() == [3, 1]
    np.testing.assert_array_equal(examples.read(0)["sequence"], [[1, 4], [2, 5], [3, 6]])
    assert examples.read(1)["sequence"].dtype == np.float32
    assert examples.signature.inputs[0].shape == (2,)


def test_classes_are_sorted_and_targets_index_them(tmp_path: Path) -> None:
    examples = read_ts(write(tmp_path, "1:2:up", "3:4:down", "5:6:UP"))
    assert examples.signature.target is not None
    assert examples.signature.target.names == ("down", "up")
    assert examples.targets is not None
    assert examples.targets.tolist() == [1, 0, 1]


def test_classes_that_are_numbers_sort_as_numbers(tmp_path: Path) -> None:
    header = HEADER.replace("up down", "2 10 1")
    target = read_ts(write(tmp_path, "1:10", "1:2", "1:1", header=header)).signature.target
    assert target is not None
    assert target.names == ("1", "2", "10")


def test_a_class_name_may_contain_nan(tmp_path: Path) -> None:
    header = HEADER.replace("up down", "banana apple")
    target = read_ts(write(tmp_path, "1:banana", "2:apple", header=header)).signature.target
    assert target is not None
    assert target.names == ("apple", "banana")


def test_a_location_is_the_line_of_the_case(tmp_path: Path) -> None:
    examples = read_ts(write(tmp_path, "1:2:up", "3:4:down"))
    assert examples.locations is not None
    assert [each.rpartition("made.ts")[2] for each in examples.locations] == [f":{FIRST}", f":{FIRST + 1}"]
    assert list(examples.ids) == ["0", "1"]


def test_numbers_are_targets_where_the_header_says_so(tmp_path: Path) -> None:
    header = HEADER.replace("@classLabel true up down", "@targetLabel true")
    examples = read_ts(write(tmp_path, "1,2:0.5", "3:-1.5", header=header))
    assert examples.signature.target is not None
    assert examples.signature.target.kind == "numbers"
    assert examples.targets is not None
    assert examples.targets.tolist() == [[0.5], [-1.5]]


def test_missing_values_at_the_end_in_all_features_shorten_the_series(tmp_path: Path) -> None:
    examples = read_ts(write(tmp_path, "1,2,NaN,?:3,4,?,NaN:up", "1,2,3,4:5,6,7,8:down"))
    assert examples.lengths.tolist() == [2, 4]


def test_the_test_file_is_read_with_the_classes_of_training(tmp_path: Path) -> None:
    train = read_ts(write(tmp_path, "1:up", "2:down"))
    test = read_ts(write(tmp_path, "1:up", name="test.ts"), like=train.signature)
    assert test.signature == train.signature
    assert test.targets is not None
    assert test.targets.tolist() == [1]


def test_inputs_are_read_without_labels_and_with_labels_that_nobody_knows(tmp_path: Path) -> None:
    train = read_ts(write(tmp_path, "1:2:up", "3:4:down"))
    header = HEADER.replace("true up down", "false")
    for path in (write(tmp_path, "1:2", header=header, name="a.ts"), write(tmp_path, "1:2:left", name="b.ts")):
        examples = TsFile(train="x.ts").read_input(path, train.signature)
        assert examples.targets is None
        assert examples.signature.target is None
        assert examples.lengths.tolist() == [1]


def test_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = write(tmp_path, "1,2:3,4:up", "5:6:down")
    odd = tmp_path / "odd.ts"
    odd.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    assert read_ts(odd).fingerprint() == read_ts(plain).fingerprint()


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    (tmp_path / "folder.ts").mkdir()
    for path in (tmp_path / "none.ts", tmp_path / "folder.ts", tmp_path / "made"):
        assert path.name in message(path)


def test_the_source_opens_the_splits_that_are_named(tmp_path: Path) -> None:
    train = write(tmp_path, "1:up", "2:down")
    source = TsFile(train=train.name, test=train.name, validation_file=train.name, validation=Validation(by="given"))
    splits = source.splits(Places(spec=tmp_path, data=tmp_path))
    assert set(splits) == {"train", "test", "validation"}


def test_a_validation_file_that_is_not_used_is_a_mistake_of_the_spec() -> None:
    with pytest.raises(ValueError, match="validation_file is not used"):
        TsFile(train="a.ts", validation_file="b.ts")
    with pytest.raises(ValueError, match="needs the key validation_file"):
        TsFile(train="a.ts", validation=Validation(by="given"))
