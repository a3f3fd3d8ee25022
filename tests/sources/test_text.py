"""Texts are read in every layout, and what is wrong with a file is told with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.text import Text

ROWS = [("good, bright day", "calm"), ("« Élan » 東京", "odd"), ('he said "no"', "calm"), ("two\nlines", "odd")]


def write(folder: Path, form: str) -> Path:
    if form == "folders":
        for number, (text, label) in enumerate(ROWS):
            file = folder / "texts" / label / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return folder / "texts"
    path = folder / f"texts.{form}"
    quoted = [(f'"{text.replace(chr(34), chr(34) * 2)}"', label) for text, label in ROWS]
    contents = {
        "csv": "label,text\n" + "".join(f"{label},{text}\n" for text, label in quoted),
        "tsv.gz": "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in quoted),
        "jsonl": "\n\n".join(json.dumps({"text": text, "label": label, "more": [1]}) for text, label in ROWS),
        "txt": "".join(f"{label} {text.replace(chr(10), ' ')}\n" for text, label in ROWS),
    }
    content = contents[form].encode()
    path.write_bytes(gzip.compress(content) if form.endswith("gz") else content)
    return path


def source(path: Path, **rest: Any) -> Text:
    return Text.model_validate({"train": str(path), "validation": {"by": "none"}, **rest})


def opened(path: Path, **rest: Any) -> Examples:
    return source(path, **rest).splits(Places(path.parent, path.parent))["train"]


def texts(examples: Examples) -> list[str]:
    return [examples.read(index)["text"].tobytes().decode() for index in range(len(examples))]


FORMS = ["csv", "tsv.gz", "jsonl", "txt", "folders"]


@pytest.mark.parametrize("form", FORMS)
def test_every_layout_gives_the_same_texts_and_classes(form: str, tmp_path: Path) -> None:
    examples = opened(write(tmp_path, form))
    classes = [examples.signature.known_target.names[number] for number in np.asarray(examples.targets, np.int64)]
    found = dict(zip(texts(examples), classes, strict=True))
    expected = {text.replace("\n", " ") if form == "txt" else text: label for text, label in ROWS}
    assert found == expected
    assert examples.lengths.tolist() == [len(text.encode()) for text in texts(examples)]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_predicted_needs_no_label_but_may_have_one(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, form)
    read = source(path).read_input(path, opened(path).signature)
    assert read.signature.target is None
    assert sorted(texts(read)) == sorted(texts(opened(path)))
    if form == "txt":
        plain = tmp_path / "plain.txt"
        plain.write_text("calm is a good word\nwithout a label\n")
        assert texts(source(path).read_input(plain, opened(path).signature)) == [
            "calm is a good word",
            "without a label",
        ]


@pytest.mark.parametrize(
    ("encoding", "given"), [("latin-1", "latin-1"), ("utf-8-sig", None), ("utf-16", None), ("cp1252", "cp1252")]
)
def test_an_encoding_is_given_or_told_by_a_byte_order_mark(encoding: str, given: str | None, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("a Élan\r\nb día\r\n".encode(encoding))
    assert texts(opened(path, encoding=given)) == ["Élan", "día"]


BAD = {
    "a byte": (b"a fine\nb caf\xe9\n", "texts.txt:2: expected utf-8; received the byte 0xe9; is it latin-1"),
    "a zero": (b"a fine\nb o\0dd\n", "texts.txt:2: expected text; received a zero byte"),
    "no text": (b"a fine\nb\n", "texts.txt:2: sequence '1': expected a text; received nothing"),
    "nothing": (b"\n", "texts.txt: expected at least one sequence"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    content, told = BAD[name]
    (tmp_path / "texts.txt").write_bytes(content)
    with pytest.raises(DataError, match=told):
        opened(tmp_path / "texts.txt")


BAD_TABLES = {
    "texts.csv": [
        ("text,label\na,b\nc\n", r"texts.csv:3: expected 2 cells; received 1"),
        ('text,label\n"a\nb",c\nd\n', r"texts.csv:4: expected 2 cells; received 1"),
        ("txt,label\na,b\n", r"texts.csv:2: expected 'text' \(data.text\); it is missing; did you mean 'txt'"),
        ("text,label\na,\nb,c\n", r"texts.csv:2: sequence '0': expected a class; received an empty label"),
        ('text,label\n"a,b\n', r"texts.csv:2: unexpected end of data"),
    ],
    "texts.jsonl": [
        ('{"text": "a", "label": "b"}\n{"text": \n', r"texts.jsonl:2: expected a JSON object"),
        ('{"text": "a", "label": "b"}\n[1]\n', r"texts.jsonl:2: expected a JSON object; received"),
        ('{"text": ["a"], "label": "b"}\n', r"texts.jsonl:1: 'text': expected text; received"),
    ],
}


@pytest.mark.parametrize(
    ("name", "content", "told"), [(name, *each) for name, all_ in BAD_TABLES.items() for each in all_]
)
def test_a_bad_row_is_told_with_its_line(name: str, content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=told):
        opened(tmp_path / name)


def test_a_bad_text_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a fine\nb\na good\n")
    examples = opened(tmp_path / "texts.txt", on_bad="skip")
    assert texts(examples) == ["fine", "good"]
    assert [each.where.rpartition(":")[2] for each in examples.skipped] == ["2"]


def test_classes_are_those_of_training(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a fine\nb good\n")
    (tmp_path / "test.txt").write_text("b good\nc odd\n")
    with pytest.raises(DataError, match=r"test.txt:2: .* expected a class of the training data \(a, b\); received 'c'"):
        source(tmp_path / "train.txt", test=str(tmp_path / "test.txt")).splits(Places(tmp_path, tmp_path))


def test_a_folder_without_classes_and_a_file_in_its_place_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected a folder for each class; received none"):
        opened(tmp_path / "empty")
    path = write(tmp_path, "txt")
    with pytest.raises(DataError, match="expected a folder of folders; received a file"):
        opened(path, format="folders")


def test_the_format_can_be_said_where_the_name_does_not(tmp_path: Path) -> None:
    path = write(tmp_path, "jsonl").rename(tmp_path / "texts.data")
    assert len(opened(path, format="json_lines")) == len(ROWS)


def test_an_encoding_that_nobody_knows_is_a_mistake_of_the_spec() -> None:
    with pytest.raises(ValueError, match="expected an encoding such as utf-8, latin-1 or cp1252; received 'latin-99'"):
        source(Path("a.txt"), encoding="latin-99")


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("review,stars\nfine,5\nbad,1\n")
    examples = opened(tmp_path / "texts.csv", text="review", label="stars")
    assert texts(examples) == ["fine", "bad"]
    assert examples.signature.known_target.names == ("1", "5")


def test_all_of_a_gzipped_file_is_read_and_a_part_of_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt.gz"
    path.write_bytes(gzip.compress(b"a one\n") + gzip.compress(b"b two\n"))
    assert texts(opened(path)) == ["one", "two"]
    path.write_bytes(gzip.compress(b"a one\nb two\n" * 1000)[:-20])
    with pytest.raises(DataError, match=r"texts\.txt\.gz: can't be read"):
        opened(path)


def test_what_is_left_out_of_lines_to_predict_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "txt")
    signature, asked = opened(path).signature, tmp_path / "asked.txt"
    for content, expected, told in [
        ("calm one\nodd two\n", ["one", "two"], "every line begins with a class"),
        ("calm one\nwild two\n", ["calm one", "wild two"], "1 of 2 lines begin with a class; as not all do"),
        ("one\ntwo\n", ["one", "two"], None),
    ]:
        asked.write_text(content)
        read = source(path).read_input(asked, signature)
        assert texts(read) == expected
        assert [told in note for note in read.notes] == ([True] if told else [])


def test_of_folders_a_file_is_one_text_and_every_file_below_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "folders")
    one = tmp_path / "one.txt"
    one.write_text("several\nlines\n")
    read = source(path).read_input(one, opened(path).signature)
    assert (texts(read), read.ids) == (["several\nlines\n"], ["one.txt"])
    (path / "top.txt").write_text("top")
    assert "top.txt" in source(path).read_input(path, opened(path).signature).ids


@pytest.mark.parametrize(("name", "content"), [("a.txt", ""), ("a.csv", "text,label\n"), ("a.jsonl", "\n")])
def test_nothing_to_predict_is_refused(name: str, content: str, tmp_path: Path) -> None:
    signature = opened(write(tmp_path, "txt")).signature
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="expected at least one text; received none"):
        source(tmp_path / name).read_input(tmp_path / name, signature)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,text\na,b,c\n")
    with pytest.raises(DataError, match=r"a.csv:1: expected different columns; received 'text' twice"):
        opened(tmp_path / "a.csv")


def test_a_cell_may_be_a_book(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text,label\n{'long ' * 100_000},a\nshort,b\n")
    assert opened(tmp_path / "a.csv").lengths.max() == 500_000


def test_half_a_character_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b", "label": "\\ud800"}\n{"text": "c", "label": "d"}\n')
    examples = opened(tmp_path / "a.jsonl")
    assert texts(examples) == ["a?b", "c"]
    assert examples.signature.known_target.names == ("?", "d")
