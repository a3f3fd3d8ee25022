"""Drawings come out the same whichever form of file they stand in, and what is wrong with one is told in one line."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources import _sketch_lines
from rnnlab.sources.quickdraw import Quickdraw

Strokes = list[list[list[float]]]
WORDS = ("cat", "dog", "eel")


def make_drawing(seed: int) -> Strokes:
    """Return one to three strokes of one to six points, two at least."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 7, random.integers(1, 4))
    counts[0] += 1
    return [random.integers(0, 256, (2, count)).tolist() for count in counts]


def points_of(drawing: Strokes) -> np.ndarray:
    """Return (T, 3): x, y, and 1 at the end of each stroke."""
    rows = [
        (x, y, float(number == len(stroke[0]) - 1))
        for stroke in drawing
        for number, (x, y) in enumerate(zip(*stroke[:2], strict=True))
    ]
    return np.array(rows, np.float32)


DRAWINGS = [make_drawing(seed) for seed in range(30)]


def row(number: int, **other: Any) -> dict[str, Any]:
    return {"key_id": str(number + 100), "word": WORDS[number % 3], "drawing": DRAWINGS[number], **other}


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    text = "".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def record(points: np.ndarray, index: int | None, **other: Any) -> bytes:
    """Return a record as the QuickDraw tutorial writes it: steps from the first point on, which has no row."""
    steps = points.copy()
    steps[1:, :2] -= points[:-1, :2]
    steps = steps[1:]
    given: dict[str, Any] = {"ink": steps.ravel(), "shape": steps.shape, "class_index": index, **other}
    features = {name: feature(name, values) for name, values in given.items() if values is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def feature(name: str, values: Any) -> Any:
    if isinstance(values, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values]))
    if name == "ink":
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=np.atleast_1d(values)))


def write_records(path: Path, records: Sequence[bytes], names: Sequence[str] | None = WORDS) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in records:
            writer.write(each)
    if names is not None:
        (path.parent / f"{path.name.partition('-0')[0]}.classes").write_text("\n".join(names) + "\n")
    return path


def all_records() -> list[bytes]:
    return [record(points_of(each), number % 3) for number, each in enumerate(DRAWINGS)]


def steps_of(drawing: Strokes) -> np.ndarray:
    """Return steps as sketch-rnn's archives have them: whole numbers, the first from (0, 0) to the first point."""
    points = points_of(drawing)
    return np.diff(points, axis=0, prepend=np.zeros((1, 3), np.float32)).astype(np.int16) * [1, 1, 0] + np.int16(
        points * [0, 0, 1]
    )


def write_archives(folder: Path) -> Path:
    folder.mkdir()
    for number, word in enumerate(WORDS):
        own = [steps_of(each) for each in DRAWINGS[number::3]]
        parts = {"train": own[:6], "valid": own[6:8], "test": own[8:]}
        flat = {name: np.concatenate(each).astype(np.int16) for name, each in parts.items()}
        np.savez(
            folder / f"sketchrnn_{word}.full.npz",
            **flat,
            **{f"{name}_lengths": [len(every) for every in each] for name, each in parts.items()},
        )
    return folder


def opened(path: Path, **keys: Any) -> dict[str, Examples]:
    source = Quickdraw.model_validate({"train": path.name, "validation": {"by": "none"}, **keys})
    return source.splits(Places(path.parent, path.parent))


def whole(path: Path, **keys: Any) -> Examples:
    return opened(path, test_fraction=0.0, **keys)["train"]


def drawings(examples: Examples) -> list[np.ndarray]:
    return [np.asarray(examples.read(index)["strokes"]) for index in range(len(examples))]


def words(examples: Examples) -> list[str]:
    names = examples.signature.known_target.names
    return [names[int(index)] for index in examples.known_targets]


def assert_drawings(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], *, moved: bool = False) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        other = other - other[0] * [1, 1, 0] if moved else other
        np.testing.assert_allclose(one, other, atol=1e-3)


# Every form, read back


@pytest.mark.parametrize("name", ["made.ndjson", "made.ndjson.gz", "made.jsonl"])
def test_lines_are_read_back(tmp_path: Path, name: str) -> None:
    found = whole(write_lines(tmp_path / name, [row(number) for number in range(30)]))
    assert_drawings(drawings(found), [points_of(each) for each in DRAWINGS])
    assert words(found) == [WORDS[number % 3] for number in range(30)]
    assert list(found.ids) == [str(number + 100) for number in range(30)]
    assert found.lengths.tolist() == [len(points_of(each)) for each in DRAWINGS]
    assert found.signature.inputs[0].kind == "strokes"


def test_drawings_without_a_key_are_told_apart_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    for name in ("one", "other"):
        keyless = [{"word": "cat", "drawing": DRAWINGS[0], "key_id": None}] * 3
        write_lines(tmp_path / "lines" / f"{name}.ndjson", keyless)
    assert sorted(whole(tmp_path / "lines").ids)[2:4] == ["one.ndjson:3", "other.ndjson:1"]


def test_a_fold_and_a_fraction_do_not_both_test() -> None:
    keys = {"train": "cat.ndjson", "validation": {"by": "folds", "folds": 3, "test_fold": True}}
    with pytest.raises(ValidationError, match="add `test_fraction: 0`"):
        Quickdraw.model_validate(keys)
    Quickdraw.model_validate({**keys, "test_fraction": 0})


def test_times_of_raw_lines_are_passed_over_and_fractions_kept(tmp_path: Path) -> None:
    drawing = [[[0.5, 1.25], [2.0, 3.0], [0.0, 17.0]], [[4.0], [5.5], [30.0]]]
    found = whole(write_lines(tmp_path / "raw.ndjson", [{"word": "cat", "drawing": drawing}] * 2))
    np.testing.assert_array_equal(drawings(found)[0], [[0.5, 2, 0], [1.25, 3, 1], [4, 5.5, 1]])
    assert list(found.ids) == ["raw.ndjson:1", "raw.ndjson:2"]


def test_a_folder_of_lines_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write_lines(folder / "b.ndjson", [row(number) for number in range(15, 30)])
    write_lines(folder / "a.ndjson.gz", [row(number) for number in range(15)])
    (folder / "LICENSE").write_text("no drawing")
    assert_drawings(drawings(whole(folder)), [points_of(each) for each in DRAWINGS])


def test_archives_of_sketch_rnn_have_their_own_splits_and_their_name_is_the_word(tmp_path: Path) -> None:
    folder = write_archives(tmp_path / "npz")
    keys = {"validation_file": "npz", "test": "npz", "validation": {"by": "given"}}
    found = opened(folder, **keys)
    assert {name: Counter(words(each)) for name, each in found.items()} == {
        "train": dict.fromkeys(WORDS, 6),
        "validation": dict.fromkeys(WORDS, 2),
        "test": dict.fromkeys(WORDS, 2),
    }
    expected = [points_of(each) for number in range(3) for each in DRAWINGS[number::3][:6]]
    assert_drawings(drawings(found["train"]), expected)
    assert found["test"].ids[0] == "sketchrnn_cat.full/test/0"


def test_an_archive_to_predict_gives_its_test_drawings(tmp_path: Path) -> None:
    folder = write_archives(tmp_path / "npz")
    source = Quickdraw(train="npz")
    found = source.read_input(folder / "sketchrnn_dog.full.npz", whole(folder).signature)
    assert_drawings(drawings(found), [points_of(each) for each in DRAWINGS[1::3][8:]])


def test_records_are_read_back_but_for_where_they_begin(tmp_path: Path) -> None:
    """The tutorial's rows are steps, and the first point has none; all drawings begin at (0, 0)."""
    path = write_records(tmp_path / "made.tfrecord", all_records())
    found = whole(path)
    assert_drawings(drawings(found), [_begun(points_of(each)) for each in DRAWINGS], moved=True)
    assert words(found) == [WORDS[number % 3] for number in range(30)]
    assert found.ids[17] == "made.tfrecord:17"
    assert list(found.ids[3:5]) == ["made.tfrecord:3", "made.tfrecord:4"]


def _begun(points: np.ndarray) -> np.ndarray:
    """Return points as the tutorial has them: whether the pen is lifted behind the first one is not written."""
    points[0, 2] = 0
    return points


def test_records_are_read_in_any_order(tmp_path: Path) -> None:
    found = whole(write_records(tmp_path / "made.tfrecord", all_records()))
    for index in (29, 0, 13, 12):
        expected = _begun(points_of(DRAWINGS[index]))
        assert_drawings([np.asarray(found.read(index)["strokes"])], [expected], moved=True)


def test_one_file_of_a_set_stands_for_all_of_them(tmp_path: Path) -> None:
    for shard in range(3):
        name = f"training.tfrecord-{shard:05d}-of-00003"
        write_records(tmp_path / name, all_records()[shard * 10 : shard * 10 + 10])
    found = whole(tmp_path / "training.tfrecord-00001-of-00003")
    assert words(found) == [WORDS[number % 3] for number in range(30)]
    (tmp_path / "training.tfrecord-00002-of-00003").unlink()
    with pytest.raises(DataError, match=r"training\.tfrecord-00002-of-00003 is missing"):
        whole(tmp_path / "training.tfrecord-00001-of-00003")


def test_records_without_names_of_classes_beside_them_have_numbers(tmp_path: Path) -> None:
    found = whole(write_records(tmp_path / "made.tfrecord", all_records(), None))
    assert found.signature.known_target.names == ("0", "1", "2")


def test_the_forms_agree_on_what_training_sees(tmp_path: Path) -> None:
    """Whichever form a drawing comes in, the transform makes the same of it."""
    from rnnlab.preparation import Pipeline
    from rnnlab.transforms.strokes import Strokes

    chosen = [number for number, each in enumerate(DRAWINGS) if len(each[0][0]) > 1]
    lines = whole(write_lines(tmp_path / "made.ndjson", [row(number) for number in chosen]))
    records = whole(write_records(tmp_path / "made.tfrecord", [all_records()[number] for number in chosen]))
    one, other = (Pipeline.fit([Strokes()], each).prepare(each) for each in (lines, records))
    for index in range(len(chosen)):
        np.testing.assert_allclose(one.read(index)["strokes"], other.read(index)["strokes"], atol=1e-5)


# What is chosen


def test_classes_and_most_per_class_choose(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    found = whole(path, classes=["eel", "cat"], most_per_class=4)
    assert words(found) == ["cat", "eel"] * 4
    assert found.signature.known_target.names == ("cat", "eel")
    records = write_records(tmp_path / "made.tfrecord", all_records())
    assert words(whole(records, classes=["eel", "cat"], most_per_class=4)) == ["cat", "eel"] * 4


def test_a_class_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    with pytest.raises(DataError, match=r"no drawing has the word 'catt'; did you mean 'cat'\?"):
        whole(path, classes=["catt", "dog"])
    with pytest.raises(DataError, match="no drawing has the word 'catt'"):
        whole(write_records(tmp_path / "made.tfrecord", all_records()), classes=["catt", "dog"])


def test_a_drawing_stands_on_its_side_whatever_else_is_read(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    some = write_lines(tmp_path / "some.ndjson", [row(number) for number in reversed(range(0, 30, 3))])
    every, few = opened(path, test_fraction=0.4), opened(some, test_fraction=0.4)
    assert set(few["test"].ids) == set(every["test"].ids) & {str(each + 100) for each in range(0, 30, 3)}
    assert set(every["train"].ids) | set(every["test"].ids) == {str(each + 100) for each in range(30)}
    assert not set(every["train"].ids) & set(every["test"].ids)


def test_the_cut_is_the_same_on_every_machine_and_another_seed_cuts_elsewhere(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    assert list(opened(path)["test"].ids) == TESTED
    assert list(opened(path, seed=1)["test"].ids) != TESTED
    assert len(opened(path, test_fraction=0.6)["test"]) > len(TESTED)


TESTED = ["101", "107", "115", "119", "125"]


def test_a_file_of_its_own_tests_and_nothing_is_cut(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    write_lines(tmp_path / "test.ndjson", [row(number) for number in range(3)])
    found = opened(path, test="test.ndjson")
    assert {name: len(each) for name, each in found.items()} == {"train": 30, "test": 3}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"test": "a", "seed": 3}, "seed\n  does nothing while 'test' is 'a'"),
        ({"test": "a", "test_fraction": 0.3}, "does nothing while 'test' is 'a'"),
        ({"classes": ["a", "a"]}, "received 'a' twice"),
        ({"classes": []}, "expected 1 or more elements"),
        ({"most_per_class": 0}, "greater than or equal to 1"),
    ],
)
def test_mistakes_of_a_spec_are_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Quickdraw.model_validate({"train": "made.ndjson", **keys})


def test_a_cut_that_leaves_a_side_empty_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(2)])
    with pytest.raises(DataError, match="the test split would have no drawing"):
        opened(path, test_fraction=0.0001)
    with pytest.raises(DataError, match="the training split would have no drawing"):
        opened(path, test_fraction=0.9999)


# What is wrong with a drawing: an error, or left out

BAD_LINES: dict[str, tuple[Any, str]] = {
    "bad JSON": ('{"word": "cat", \n', "expected a JSON object: Expecting property name"),
    "no UTF-8": ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1") + "\n", "expected a JSON object"),
    "no object": ("[1]\n", r"expected a JSON object; received \[1\]"),
    "a hundred thousand brackets": ("[" * 100_000 + "\n", "expected a JSON object"),
    "no word": (row(1, word=""), "'word': expected a word; received ''"),
    "a word that is none": (row(1, word=7), "'word': expected a word; received 7"),
    "no drawing": ({"word": "cat", "key_id": "101"}, "expected a list of one or more strokes; received nothing"),
    "an empty drawing": (row(1, drawing=[]), r"expected a list of one or more strokes; received \[\]"),
    "one point": (row(1, drawing=[[[1], [2]]]), "expected a drawing of two points or more; received one"),
    "more x than y": (
        row(1, drawing=[[[1, 2], [3, 4]], [[1, 2, 3], [4, 5]]]),
        r"stroke 1 \(counted from 0\): expected as many y as x, 3; received 2",
    ),
    "an empty stroke": (row(1, drawing=[[[1, 2], [3, 4]], [[], []]]), "stroke 1 .*: expected one or more points"),
    "a stroke of one list": (row(1, drawing=[[[1, 2]]]), r"stroke 0 .*: expected \[\[x, …\], \[y, …\]\]"),
    "a stroke that is none": (row(1, drawing=["x"]), r"stroke 0 .*received 'x'"),
    "text for a number": (row(1, drawing=[[[1, 2], [3, "4"]]]), "stroke 0 .*: expected numbers; received '4'"),
    "nothing for a number": (row(1, drawing=[[[1, None], [3, 4]]]), "stroke 0 .*: expected numbers; received nothing"),
    "a list for a number": (row(1, drawing=[[[1, [2]], [3, 4]]]), r"stroke 0 .*: expected numbers; received \[2\]"),
    "NaN": (
        row(1, drawing=[[[1, float("nan")], [3, 4]]]),
        "point 1 .*: expected finite numbers; received x nan and y 4",
    ),
    "infinity": (row(1, drawing=[[[1, 2], [float("inf"), 4]]]), "point 0 .*received x 1 and y inf"),
    "beyond float32": (row(1, drawing=[[[1, 1e39], [3, 4]]]), "point 1 .*received x 1e\\+39"),
    "a number of a thousand digits": (row(1, drawing=[[[1, 10**1000], [3, 4]]]), "stroke 0 .*expected numbers"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_told_with_its_number_or_left_out(tmp_path: Path, name: str) -> None:
    bad, told = BAD_LINES[name]
    path = write_lines(tmp_path / "made.ndjson", [row(0), "\n", bad, row(2), row(3)])
    with pytest.raises(DataError, match=rf"made\.ndjson:3: .*{told}.*on_bad: skip") as error:
        whole(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600
    found = whole(path, on_bad="skip")
    assert list(found.ids) == ["100", "102", "103"]
    assert len(found.skipped) == 1
    assert found.skipped[0].where.endswith("made.ndjson:3")


BAD_RECORDS: dict[str, tuple[bytes, str]] = {
    "no example": (b"\xff\xff\xff", "expected a tf.train.Example"),
    "no ink": (record(points_of(DRAWINGS[0]), 0, ink=None), "expected a feature 'ink'; it has 'class_index', 'shape'"),
    "no class": (record(points_of(DRAWINGS[0]), None), "expected a feature 'class_index'"),
    "a class beyond the names": (record(points_of(DRAWINGS[0]), 3), "'class_index': expected 0 to 2, .*received 3"),
    "two classes": (
        record(points_of(DRAWINGS[0]), 0, class_index=[0, 1]),
        r"'class_index': expected one whole number; received \[0, 1\]",
    ),
    "another shape": (record(points_of(DRAWINGS[0]), 0, shape=[7, 2]), r"'ink' and 'shape': .*received .*\[7, 2\]"),
    "another number of steps": (record(points_of(DRAWINGS[0]), 0, shape=[99, 3]), r"'ink' and 'shape'"),
    "one point": (record(points_of(DRAWINGS[0])[:1], 0), "expected a drawing of two points or more; received one"),
    "NaN": (record(np.array([[0, 0, 0], [np.nan, 1, 1]], np.float32), 0), "point 1 .*received x nan"),
    "ink of bytes": (record(points_of(DRAWINGS[0]), 0, ink=b"abc"), r"'ink' and 'shape': .*received 0 numbers"),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_bad_record_is_told_with_its_number_or_left_out(tmp_path: Path, name: str) -> None:
    bad, told = BAD_RECORDS[name]
    path = write_records(tmp_path / "made.tfrecord", [*all_records()[:2], bad, *all_records()[3:6]])
    with pytest.raises(DataError, match=rf"made\.tfrecord: record 2: sequence 'made.tfrecord:2': .*{told}"):
        whole(path)
    found = whole(path, on_bad="skip")
    assert words(found) == ["cat", "dog", "cat", "dog", "eel"]
    assert [each.id for each in found.skipped] == ["made.tfrecord:2"]


def test_a_word_that_training_has_not_seen_is_told_or_left_out_of_a_test_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    write_lines(tmp_path / "test.ndjson", [row(0), row(1, word="elk")])
    with pytest.raises(DataError, match=r"test\.ndjson:2: .*expected a class of the training data .*received 'elk'"):
        opened(path, test="test.ndjson")
    assert words(opened(path, test="test.ndjson", on_bad="skip")["test"]) == ["cat"]
    records = write_records(tmp_path / "made.tfrecord", all_records())
    write_records(tmp_path / "test.tfrecord", all_records()[:3], ["cat", "elk", "eel"])
    with pytest.raises(DataError, match=r"test\.tfrecord:1.*expected a class of the training data .*received 'elk'"):
        opened(records, test="test.tfrecord")
    found = opened(records, test="test.tfrecord", on_bad="skip")["test"]
    assert words(found) == ["cat", "eel"]
    assert list(found.ids) == ["test.tfrecord:0", "test.tfrecord:2"]


def test_words_of_drawings_to_predict_are_not_read(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", [row(number) for number in range(30)])
    asked = write_lines(tmp_path / "asked.ndjson", [{"drawing": DRAWINGS[4]}, row(1, word="elk")])
    source, signature = Quickdraw(train="made.ndjson", classes=["cat", "dog"]), whole(path).signature
    found = source.read_input(asked, signature)
    assert_drawings(drawings(found), [points_of(DRAWINGS[4]), points_of(DRAWINGS[1])])
    records = write_records(tmp_path / "asked.tfrecord", [record(points_of(DRAWINGS[1]), None)], None)
    assert len(source.read_input(records, signature)) == 1
    assert source.read_input(records, signature).targets is None


# What is wrong with a file: an error always


def test_where_all_are_bad_none_is_left(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson", ["x\n", "y\n"])
    with pytest.raises(DataError, match="all 2 sequences are bad, and none is left"):
        whole(path, on_bad="skip")
    records = write_records(tmp_path / "made.tfrecord", [b"\xff", b"\xff"])
    with pytest.raises(DataError, match="all 2 sequences are bad, and none is left"):
        whole(records, on_bad="skip")


def test_a_truncated_record_file_is_one_message(tmp_path: Path) -> None:
    path = write_records(tmp_path / "made.tfrecord", all_records())
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) - 30, 5, 13):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"record \d+ .*; it is truncated, or no TFRecord file"):
            whole(path, on_bad="skip")


def test_a_wrong_checksum_is_one_message_with_the_record(tmp_path: Path) -> None:
    path = write_records(tmp_path / "made.tfrecord", all_records())
    content = bytearray(path.read_bytes())
    first = 16 + struct.unpack("<Q", content[:8])[0]
    content[first + 20] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"record 1 \(counted from 0\): its checksum is not that of its bytes"):
        whole(path, on_bad="skip")


def test_a_length_that_lies_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "made.tfrecord"
    path.write_bytes(struct.pack("<QI", 2**60, 0) + b"x" * 100)
    with pytest.raises(DataError, match="expected 1,152,921,504,606,846,976 bytes; the file ends 112 bytes behind"):
        whole(path)


def test_records_that_change_while_they_are_used_are_told(tmp_path: Path) -> None:
    path = write_records(tmp_path / "made.tfrecord", all_records())
    found = whole(path)
    path.write_bytes(os.urandom(path.stat().st_size))
    with pytest.raises(DataError, match="the file has changed since it was opened"):
        found.read(3)


def test_a_damaged_gzip_file_is_one_message(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "made.ndjson.gz", [row(number) for number in range(30)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="the gzip file is damaged, or a part of one; fetch it anew"):
        whole(path, on_bad="skip")


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sketch_lines, "MOST_BYTES_OF_LINE", 1000)
    path = tmp_path / "made.ndjson.gz"
    path.write_bytes(gzip.compress(b" " * 10_000_000))
    with pytest.raises(
        DataError, match=r"made\.ndjson\.gz:1: expected a drawing a line; received one of over 1,000 bytes"
    ):
        whole(path, on_bad="skip")


def test_empty_lines_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "made.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n" * 2_000_000))
    with pytest.raises(DataError, match="expected a drawing a line; received over 1,000,000 empty lines"):
        whole(path, on_bad="skip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system there")
@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz", "a.npz", "a.tfrecord"])
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / name)
    with pytest.raises(DataError, match="can't be read: expected a file; received a pipe or a device"):
        whole(folder, on_bad="skip")


def test_an_archive_or_record_file_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    folder = write_archives(tmp_path / "npz")
    records = write_records(tmp_path / "made.tfrecord", all_records()[:5])
    random = np.random.default_rng(0)
    for path in (folder / "sketchrnn_cat.full.npz", records):
        content = path.read_bytes()
        for place in random.integers(0, len(content), 60):
            changed = bytearray(content)
            changed[place] ^= int(random.integers(1, 256))
            path.write_bytes(bytes(changed))
            with suppress(DataError):
                whole(path if path == records else folder, on_bad="skip")
        path.write_bytes(content)


def test_a_pickled_archive_is_not_read_and_the_message_says_how_to_convert_it(tmp_path: Path) -> None:
    drawn = np.empty(2, object)
    drawn[:] = [steps_of(DRAWINGS[0]).astype(np.int16), steps_of(DRAWINGS[1]).astype(np.int16)]
    path = tmp_path / "cat.npz"
    np.savez(path, train=drawn, valid=drawn, test=drawn)
    with pytest.raises(DataError, match="holds Python objects, which are not read for safety") as error:
        whole(path)
    command = str(error.value).partition("python -c ")[2].strip('"')
    (tmp_path / "flat").mkdir()
    command = command.replace("OLD.npz", str(path)).replace("NEW.npz", str(tmp_path / "flat" / "cat.npz"))
    subprocess.run([sys.executable, "-c", command], check=True)
    assert_drawings(drawings(whole(tmp_path / "flat")), [points_of(DRAWINGS[0]), points_of(DRAWINGS[1])])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"other": np.zeros(3)}, r"expected an array 'train' of steps \(dx, dy, lift\); it has 'other'"),
        ({"train": np.zeros((4, 2))}, "array 'train': expected steps"),
        ({"train": np.array(["a"])}, "array 'train': expected steps"),
        ({"train": np.zeros((4, 3))}, "expected an array 'train_lengths'"),
        ({"train": np.zeros((4, 3)), "train_lengths": np.array([2, 3])}, "expected a sum of 4, .*received 5"),
        ({"train": np.zeros((4, 3)), "train_lengths": np.array([5, -1])}, "expected a sum of 4, .*received 5 in it"),
        ({"train": np.zeros((4, 3)), "train_lengths": np.array([2**63, 2**63, 4], np.uint64)}, "expected a sum of 4"),
        ({"train": np.zeros((4, 3)), "train_lengths": np.array([2.0, 2.0])}, "expected whole numbers"),
        ({"train": np.full((4, 3), [1, 1, np.nan]), "train_lengths": np.array([4])}, "expected a lift of 0 or 1"),
    ],
)
def test_a_bad_archive_is_one_message(tmp_path: Path, arrays: dict[str, np.ndarray], told: str) -> None:
    np.savez(tmp_path / "cat.npz", **arrays)
    with pytest.raises(DataError, match=told):
        whole(tmp_path / "cat.npz", on_bad="skip")


def test_what_holds_no_drawings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made.csv").write_text("x")
    with pytest.raises(DataError, match=r"expected a file of drawings, \.ndjson .*; received 'made.csv'"):
        whole(tmp_path / "made.csv")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(DataError, match=r"expected files of drawings of one kind, .*; received none"):
        whole(folder)
    write_lines(folder / "a.ndjson", [row(0)])
    np.savez(folder / "b.npz", train=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"received several kinds \(a.ndjson, b.npz, …\)"):
        whole(folder)
    for name in ("empty.ndjson", "empty.tfrecord"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(DataError, match="expected at least one"):
            whole(tmp_path / name)


@pytest.mark.shared
def test_the_shared_file_is_read_whole() -> None:
    data = Path(os.environ.get("RNNLAB_DATA_DIR", "")) / "quickdraw"
    if not data.is_dir():
        pytest.skip("RNNLAB_DATA_DIR has no quickdraw")
    found = whole(data / "quickdraw_345classes_simplified.ndjson.gz")
    counts = Counter(words(found))
    assert (len(found), len(counts), min(counts.values()), max(counts.values())) == (9570, 345, 11, 114)
    assert len(set(found.ids)) == 9570
