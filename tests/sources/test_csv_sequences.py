"""Sequences in tables: long tables and manifests, in CSV, TSV and Parquet."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources import Validation
from rnnlab.sources.csv_sequences import CsvSequences

GROUPED = {"grouped": True}

GOOD = """sequence_id,time,x,y,label,speaker
001,0,1,10,up,ann
001,1,2,20,up,ann
b c,0,3,30,down,bob
é,0,4,40,up,ann
"""


def write(folder: Path, text: str | bytes, name: str = "made.csv") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def splits(path: Path, **keys: Any) -> dict[str, Examples]:
    if "values" not in keys:
        keys.setdefault("label", "label")
    return CsvSequences(train=str(path), **keys).open(Places())


def read(path: Path, **keys: Any) -> Any:
    return splits(path, **keys)["train"]


def message(path: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        splits(path, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_of_one_id_are_one_sequence(tmp_path: Path) -> None:
    examples = read(write(tmp_path, GOOD), time="time", group="speaker", validation=GROUPED)
    assert list(examples.ids) == ["001", "b c", "é"]
    assert examples.lengths.tolist() == [2, 1, 1]
    np.testing.assert_array_equal(examples.read(0)["sequence"], [[1, 10], [2, 20]])
    assert examples.read(0)["sequence"].dtype == np.float32
    assert examples.signature.inputs[0].names == ("x", "y")
    assert examples.signature.target.names == ("down", "up")
    assert examples.targets.tolist() == [1, 0, 1]
    assert examples.groups.tolist() == ["ann", "bob", "ann"]
    assert [each.rpartition(":")[2] for each in examples.locations] == ["2", "4", "5"]


def test_rows_in_any_order_are_sorted_by_time(tmp_path: Path) -> None:
    plain = read(write(tmp_path, GOOD), time="time")
    header, *rows = GOOD.splitlines()
    mixed = read(write(tmp_path, "\n".join([header, rows[1], rows[2], rows[0], rows[3]]), "mixed.csv"), time="time")
    assert mixed.fingerprint() == plain.fingerprint()


def test_times_may_be_dates(tmp_path: Path) -> None:
    text = "sequence_id,time,x,label\na,2024-01-10,2,l\na,2024-01-09,1,l\na,2024-01-10T12:00:00Z,3,l\n"
    assert read(write(tmp_path, text), time="time").read(0)["sequence"].tolist() == [[1], [2], [3]]


def test_times_that_are_numbers_sort_as_numbers(tmp_path: Path) -> None:
    text = "sequence_id,time,x,label\na,10,2,l\na,9,1,l\n"
    assert read(write(tmp_path, text), time="time").read(0)["sequence"].tolist() == [[1], [2]]


@pytest.mark.parametrize(
    "name", ["made.tsv", "made.csv.gz", "made.tsv.gz", "made.parquet", "MADE.CSV", "label=3/made.parquet"]
)
def test_every_format_gives_the_same_examples(tmp_path: Path, name: str) -> None:
    plain = read(write(tmp_path, GOOD, "plain.csv"), time="time")
    text = GOOD.replace(",", "\t") if ".tsv" in name else GOOD
    path = write(tmp_path, gzip.compress(text.encode()) if name.endswith(".gz") else text, name)
    if name.endswith(".parquet"):
        pandas.read_csv(tmp_path / "plain.csv", dtype={"sequence_id": str}).sample(frac=1, random_state=1).sort_values(
            "sequence_id"
        ).to_parquet(path)
    assert read(path, time="time").fingerprint() == plain.fingerprint()


@pytest.mark.parametrize(
    "variant",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.rstrip("\n").encode(),
        GOOD.replace("\n", "\n\n").encode(),
        GOOD.replace("up", '"up"').encode(),
        GOOD.replace(",2,20", ", 2 ,20.0").encode(),
    ],
)
def test_how_a_table_is_written_changes_nothing(tmp_path: Path, variant: bytes) -> None:
    assert (
        read(write(tmp_path, variant), time="time").fingerprint()
        == read(write(tmp_path, GOOD), time="time").fingerprint()
    )


def test_text_columns_are_left_out_and_other_features_taken_in_the_order_of_the_key(tmp_path: Path) -> None:
    text = "sequence_id,note,x,empty,y,label\na,hello,1,,2,l\n"
    assert read(write(tmp_path, text)).signature.inputs[0].names == ("x", "y")
    examples = read(write(tmp_path, text), features=["y", "x"])
    assert examples.read(0)["sequence"].tolist() == [[2, 1]]


def test_a_column_without_a_name_is_no_feature(tmp_path: Path) -> None:
    examples = read(write(tmp_path, ",sequence_id,x,label,\n0,a,5,l,9\n1,a,6,l,9\n"))
    assert examples.read(0)["sequence"].tolist() == [[5], [6]]


def test_class_names_are_the_text_as_it_is_written(tmp_path: Path) -> None:
    text = "sequence_id,x,label\n1,0,10\n2,0,2\n3,0,02\n"
    assert read(write(tmp_path, text)).signature.target.names == ("02", "2", "10")
    assert read(write(tmp_path, text.replace(",10\n", ",NA\n"))).signature.target.names == ("02", "2", "NA")


def test_several_labels_are_zeros_and_ones(tmp_path: Path) -> None:
    text = "sequence_id,x,label\n1,0,b|a\n2,0,\n3,0,a\n"
    examples = read(write(tmp_path, text), label_separator="|")
    assert examples.signature.target.names == ("a", "b")
    assert examples.signature.target.kind == "labels"
    assert examples.targets.tolist() == [[1, 1], [0, 0], [1, 0]]


def test_numbers_are_targets_in_the_order_of_the_key(tmp_path: Path) -> None:
    text = "sequence_id,x,p,q\n1,0,1.5,2\n1,1,1.5,2\n2,0,-1,3\n"
    examples = read(write(tmp_path, text), values=["q", "p"])
    assert examples.targets.tolist() == [[2, 1.5], [3, -1]]
    assert examples.signature.inputs[0].names == ("x",)
    assert examples.signature.target.names == ("q", "p")


def test_inputs_need_no_labels_and_take_the_features_of_training(tmp_path: Path) -> None:
    train = read(write(tmp_path, GOOD), time="time")
    source = CsvSequences(train="x.csv", label="label", time="time", group="speaker", validation=GROUPED)
    path = write(tmp_path, "time,y,extra,x,sequence_id\n0,10,5,1,n\n1,20,5,2,n\n", "new.csv")
    examples = source.read_input(path, train.signature)
    assert examples.read(0)["sequence"].tolist() == [[1, 10], [2, 20]]
    assert examples.signature.target is None
    assert examples.signature.inputs == train.signature.inputs


def test_a_test_fraction_is_cut_by_sequence_and_always_the_same(tmp_path: Path) -> None:
    rows = "".join(f"s{number},{number},{'ab'[number % 2]}\n" for number in range(40))
    path = write(tmp_path, "sequence_id,x,label\n" + rows)
    first, second = splits(path, test_fraction=0.25), splits(path, test_fraction=0.25, validation=Validation(seed=3))
    assert len(first["test"]) == 10
    assert sorted([*first["train"].ids, *first["test"].ids]) == sorted(f"s{number}" for number in range(40))
    assert first["test"].ids == second["test"].ids
    assert np.bincount(np.asarray(first["test"].targets)).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, "exactly one of label"),
        ({"label": "l", "values": ["v"]}, "exactly one of label"),
        ({"values": ["v"], "label_separator": "|"}, "label_separator needs label"),
        ({"label": "l", "layout": "manifest", "sequence_id": "id"}, "sequence_id is for layout: long"),
        ({"label": "l", "features": ["x", "l"]}, "already named"),
        ({"label": "l", "test": "t.csv", "test_fraction": 0.1}, "not both"),
        ({"label": "l", "features": []}, "features"),
    ],
)
def test_keys_that_do_not_fit_together_are_mistakes_of_the_spec(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        CsvSequences(train="x.csv", **keys)


def test_the_resolved_spec_gives_the_same_source() -> None:
    source = CsvSequences(train="x.csv", label="l", layout="manifest")
    assert CsvSequences.model_validate(source.model_dump()) == source


def test_an_unknown_suffix_and_a_folder_are_errors(tmp_path: Path) -> None:
    assert "made.xlsx" in message(write(tmp_path, GOOD, "made.xlsx"))
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    assert "folder.csv" in message(tmp_path / "folder.csv")
    assert "folder.parquet" in message(tmp_path / "folder.parquet")


MANIFEST = "file,label,speaker\none.csv,up,ann\nsub/two.parquet,down,bob\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    write(tmp_path, "t,x,y\n1,2,3\n0,4,5\n", "one.csv")
    pandas.DataFrame({"y": [7.0], "x": [6.0], "t": [0]}).to_parquet(tmp_path / "sub" / "two.parquet")
    return write(tmp_path, MANIFEST, "manifest.csv")


def test_a_manifest_names_one_file_per_sequence(manifest: Path) -> None:
    examples = read(manifest, layout="manifest", time="t", group="speaker", validation=GROUPED)
    assert list(examples.ids) == ["one.csv", "sub/two.parquet"]
    assert examples.read(0)["sequence"].tolist() == [[4, 5], [2, 3]]
    assert examples.read(1)["sequence"].tolist() == [[6, 7]]
    assert examples.targets.tolist() == [1, 0]
    assert examples.groups.tolist() == ["ann", "bob"]


def test_a_manifest_to_predict_needs_no_labels(manifest: Path) -> None:
    source = CsvSequences(train="x.csv", layout="manifest", label="label", time="t")
    train = read(manifest, layout="manifest", time="t")
    path = write(manifest.parent, "file\nsub/two.parquet\n", "new.csv")
    assert source.read_input(path, train.signature).read(0)["sequence"].tolist() == [[6, 7]]
