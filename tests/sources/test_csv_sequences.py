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


LONG = "sequence_id,time,x,y,label,speaker\na12,0,1,2,up,p\na12,1,3,4,up,p\nb,0,5,6,down,q\n"
MALFORMED: dict[str, tuple[str, str, str]] = {
    "a word": ("3,4", "abc,4", "made.csv:3: column 'x': expected a number; received 'abc' (sequence_id 'a12')"),
    "a decimal comma": ("3,4", '"3,5",4', "made.csv:3: column 'x': expected a number; received '3,5'"),
    "an empty cell": ("3,4", "3,", "made.csv:3: sequence 'a12', time step 1"),
    "a blank cell": ("3,4", "3, ", "made.csv:3: column 'y'"),
    "not a number": ("3,4", "nan,4", "feature 'x'"),
    "infinity": ("3,4", "inf,4", "made.csv:3: sequence 'a12'"),
    "a number beyond float32": ("3,4", "1e39,4", "made.csv:3: sequence 'a12'"),
    "too many fields": (
        "3,4,up,p",
        "3,4,up,p,extra",
        "made.csv:3: expected 6 fields, one for each column name; received 7",
    ),
    "too few fields": ("5,6,down,q", "5", "made.csv:4"),
    "an open quote": ("3,4", '"3,4', "made.csv:3: expected a closing quote"),
    "another label": ("3,4,up", "3,4,down", "made.csv:3: column 'label'"),
    "another group": ("3,4,up,p", "3,4,up,q", "made.csv:3: column 'speaker'"),
    "no label": ("5,6,down", "5,6,", "made.csv:4: column 'label'"),
    "no group": ("down,q", "down,", "made.csv:4: column 'speaker'"),
    "no id": ("b,0,5", ",0,5", "made.csv:4: column 'sequence_id'"),
    "the same time": ("a12,1", "a12,0", "made.csv:3: column 'time'"),
    "no time": ("a12,1", "a12,", "made.csv:3: column 'time'"),
    "a time that is none": ("a12,1", "a12,noon", "made.csv:3: column 'time'"),
    "two columns of one name": ("time,x,y", "time,x,x", "made.csv:1: expected different column names"),
    "a missing column": ("sequence_id", "sequenceid", "did you mean 'sequenceid'?"),
    "a missing label column": (
        "label",
        "lable",
        "made.csv:1: expected a column 'label' (data.label); it is missing; did you mean",
    ),
    "a missing time column": ("time", "when", "'time' (data.time)"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_table_is_one_error_with_its_line(tmp_path: Path, name: str) -> None:
    old, new, expected = MALFORMED[name]
    text = message(write(tmp_path, LONG.replace(old, new, 1)), time="time", group="speaker", validation=GROUPED)
    assert expected in text
    assert "made.csv:" in text


@pytest.mark.parametrize("features", [None, ["x", "y"]])
def test_the_line_is_right_after_empty_lines_and_quoted_line_breaks(tmp_path: Path, features: list[str] | None) -> None:
    text = 'sequence_id,note,x,y,label\n\na,"one\ntwo",1,2,up\n   \nb,"three",4,bad,up\n'
    assert "made.csv:6: column 'y'" in message(write(tmp_path, text), features=features)


def test_scattered_rows_without_a_time_column_are_an_error(tmp_path: Path) -> None:
    text = message(write(tmp_path, "sequence_id,x,label\na,1,l\nb,2,l\na,3,l\n"))
    assert "made.csv:4" in text
    assert "sequence 'a'" in text


def test_a_difference_names_both_lines(tmp_path: Path) -> None:
    text = message(write(tmp_path, "sequence_id,x,label\na,1,l\na,2,l\na,3,m\n"))
    assert "made.csv:4" in text
    assert "made.csv:2" in text


NO_TABLE = {
    "empty": b"",
    "blank": b"\n\n",
    "header only": b"sequence_id,x,label\n",
    "latin-1": "sequence_id,x,label\né,1,l\n".encode("latin-1"),
    "utf-16": GOOD.encode("utf-16"),
    "old line ends": GOOD.replace("\n", "\r").encode(),
    "an image": b"\x89PNG\r\n\x1a\n\x00\x00",
    "random bytes": bytes(np.random.default_rng(0).integers(1, 256, 5000, dtype=np.uint8)),
    "one long line": b"x" * 300_000,
    "semicolons": GOOD.replace(",", ";").encode(),
    "no feature": b"sequence_id,label,note\na,l,n\n",
}


@pytest.mark.parametrize("name", NO_TABLE)
@pytest.mark.parametrize("file", ["made.csv", "made.tsv", "made.parquet", "made.csv.gz"])
def test_what_is_no_table_is_one_error_with_its_name(tmp_path: Path, name: str, file: str) -> None:
    content = NO_TABLE[name]
    assert file in message(write(tmp_path, gzip.compress(content) if file.endswith(".gz") else content, file))


def test_wrong_bytes_are_named_with_their_line(tmp_path: Path) -> None:
    assert "made.csv:3: expected text in UTF-8" in message(
        write(tmp_path, GOOD.encode().replace(b"001,1", b"\xff01,1"))
    )


@pytest.mark.parametrize(
    "content", [b"", GOOD.encode(), gzip.compress(GOOD.encode(), mtime=0)[:-12], b"\x1f\x8b\x08garbage"]
)
def test_what_is_no_gzip_file_is_one_error(tmp_path: Path, content: bytes) -> None:
    assert "made.csv.gz" in message(write(tmp_path, content, "made.csv.gz"))


def test_an_unknown_suffix_and_a_folder_are_errors(tmp_path: Path) -> None:
    assert "made.xlsx" in message(write(tmp_path, GOOD, "made.xlsx"))
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    assert "folder.csv" in message(tmp_path / "folder.csv")
    assert "folder.parquet" in message(tmp_path / "folder.parquet")


def test_parquet_errors_name_the_row_and_the_column(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"sequence_id": [1, 1, 2], "x": [1.0, None, 2.0], "label": ["a", "a", "b"]})
    frame.to_parquet(tmp_path / "made.parquet")
    text = message(tmp_path / "made.parquet")
    assert "made.parquet: row 1: sequence '1', time step 1" in text
    frame.assign(x=["1", "2", "3"]).to_parquet(tmp_path / "made.parquet")
    assert "column 'x': expected numbers" in message(tmp_path / "made.parquet", features=["x"])
    frame.assign(x=1.0, label=pandas.Series(["a", "a", None])).to_parquet(tmp_path / "made.parquet")
    assert "row 2: column 'label'" in message(tmp_path / "made.parquet")


def test_the_test_file_has_to_fit_the_training_file(tmp_path: Path) -> None:
    train = write(tmp_path, GOOD, "train.csv")
    unseen = write(tmp_path, GOOD.replace("40,up", "40,left"), "test.csv")
    text = message(train, time="time", test=str(unseen))
    assert "test.csv:5" in text
    assert "expected a class of the training data (down, up); received 'left'" in text
    assert "'y'" in message(train, time="time", test=str(write(tmp_path, GOOD.replace(",y,", ",z,"), "test.csv")))


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


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("manifest.csv", MANIFEST.replace("one.csv", "none.csv"), "manifest.csv:2: column 'file'"),
        ("manifest.csv", MANIFEST.replace("one.csv", ""), "manifest.csv:2: column 'file'"),
        ("manifest.csv", MANIFEST.replace("file,", "path,"), "manifest.csv:1: expected a column 'file'"),
        ("manifest.csv", MANIFEST.replace(",up,", ",,"), "manifest.csv:2: column 'label'"),
        ("one.csv", "t,x,y\n0,1,2\n1,,3\n", "one.csv:3"),
        ("one.csv", "t,x,y\n0,1,2\n0,3,3\n", "one.csv:3: column 't'"),
        ("one.csv", "t,x,y\n0,1,2\n1,abc,3\n", "one.csv:3: column 'x': expected a number; received 'abc'"),
        ("one.csv", "t,x,y\n", "one.csv: expected rows"),
        ("one.csv", "t,x,z\n0,1,2\n", "two.parquet: expected a column 'z'"),
    ],
)
def test_a_malformed_manifest_is_one_error_with_its_place(
    manifest: Path, name: str, content: str, expected: str
) -> None:
    write(manifest.parent, content, name)
    assert expected in message(manifest, layout="manifest", time="t")
